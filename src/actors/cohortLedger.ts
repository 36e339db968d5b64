import { type AnswerJudged, answerForRecord, type RoundPlanned } from '../domain/evidence.ts';
import type { RoundSummary } from '../machines/round.machine.ts';
import { chanceOf, type Grader, graderOf } from './grading.ts';
import type { Reply } from './minerLinks.ts';

/** One task asked of one miner, until its verdict is known. */
export type Pair = {
  readonly task: RoundPlanned['tasks'][number];
  readonly member: RoundPlanned['cohort'][number];
};

type Timing = {
  /** Monotonic milliseconds at which the frame was handed to the socket. */
  readonly sentAtMs: number;
  /** Monotonic milliseconds at which the reply was read from the socket. */
  readonly receivedAtMs: number;
  readonly rttMs: number | null;
};

type Counts = { -readonly [outcome in AnswerJudged['outcome']]: number };

/**
 * Keeps the books of one round: every planned pair gets exactly one verdict, and the counts add up. Pure but for its
 * own state; sending, timing and writing are the cohort actor's.
 */
export type CohortLedger = {
  readonly grade: (pair: Pair, reply: Reply, timing: Timing) => AnswerJudged;
  /** A verdict without a reply. */
  readonly close: (pair: Pair, outcome: 'missed' | 'unreachable') => AnswerJudged;
  readonly open: () => number;
  readonly judged: () => number;
  readonly summary: () => RoundSummary;
};

export const createLedger = (plan: RoundPlanned, now: () => number): CohortLedger => {
  const graders = new Map<string, Grader>(plan.tasks.map((task) => [task.taskId, graderOf(task)]));
  const chances = new Map<string, number>(plan.tasks.map((task) => [task.taskId, chanceOf(task)]));
  const counts: Counts = { judged: 0, invalid: 0, refused: 0, missed: 0, late: 0, unreachable: 0 };
  const dispatched = plan.tasks.length * plan.cohort.length;
  let decided = 0;

  const record = (
    pair: Pair,
    verdict: Pick<AnswerJudged, 'outcome' | 'answer' | 'responseMs' | 'rttMs' | 'accuracy' | 'brier'>,
  ): AnswerJudged => {
    counts[verdict.outcome] += 1;
    decided += 1;
    return {
      v: 1,
      type: 'answer.judged',
      roundId: plan.roundId,
      taskId: pair.task.taskId,
      kind: pair.task.kind,
      epoch: plan.epoch,
      uid: pair.member.uid,
      hotkey: pair.member.hotkey,
      chance: chances.get(pair.task.taskId) ?? 0,
      ...verdict,
      at: now(),
    };
  };

  const nothing = { answer: null, responseMs: null, rttMs: null, accuracy: 0, brier: null } as const;

  return {
    grade: (pair, reply, { sentAtMs, receivedAtMs, rttMs }) => {
      const responseMs = Math.max(0, receivedAtMs - sentAtMs);
      const timed = { ...nothing, responseMs, rttMs };
      if (responseMs > plan.deadlineMs) return record(pair, { ...timed, outcome: 'late' });
      if (reply.type === 'refusal') return record(pair, { ...timed, outcome: 'refused' });
      const answer = answerForRecord(reply.answer);
      const judgement = answer === null ? null : (graders.get(pair.task.taskId)?.(answer) ?? null);
      return judgement === null
        ? record(pair, { ...timed, outcome: 'invalid', answer })
        : record(pair, { ...timed, outcome: 'judged', answer, ...judgement });
    },
    close: (pair, outcome) => record(pair, { ...nothing, outcome }),
    open: () => dispatched - decided,
    judged: () => counts.judged,
    summary: () => ({ dispatched, ...counts }),
  };
};
