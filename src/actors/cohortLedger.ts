import { type AnswerJudged, answerForRecord, type RoundPlanned } from '../domain/evidence.ts';
import {
  countOutcomes,
  noOutcomes,
  pairKeyOf,
  pairsOf,
  type RequestTotals,
  type RoundAccount,
} from '../domain/requestAccount.ts';
import { fitsJson } from '../domain/task.ts';
import { chanceOf, type Grader, graderOf } from './grading.ts';
import type { Reply } from './minerLinks.ts';
import type { Decisions } from './roundBook.ts';

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

/**
 * Keeps the books of one round: every planned pair gets exactly one verdict, and the counts add up. Pure but for its
 * own state; sending, timing and writing are the cohort actor's.
 */
export type CohortLedger = {
  readonly grade: (pair: Pair, reply: Reply, timing: Timing) => AnswerJudged;
  /** A verdict without a reply. */
  readonly close: (pair: Pair, outcome: 'missed' | 'unreachable' | 'lost') => AnswerJudged;
  readonly isDecided: (pair: Pair) => boolean;
  readonly open: () => number;
  readonly judged: () => number;
  readonly summary: () => RequestTotals;
  /** For the check of the books: by pair and by count, which must say the same. */
  readonly account: () => Omit<RoundAccount, 'settled'>;
};

const nothing = { answer: null, responseMs: null, rttMs: null, accuracy: 0, brier: null } as const;
/**
 * Longest invalid answer that is kept: enough to show what is wrong with it. A valid one is bounded by its shape; what
 * has none would fill the disk, and on a full disk nobody is asked.
 */
const keptInvalidChars = 4_096;
const nobodyDecided: Decisions = new Map();

/**
 * @param begun what an earlier attempt has on record of this round; only planned pairs
 * @throws Error when a task does not fit its kind: a plan of another release
 */
export const createLedger = (
  plan: RoundPlanned,
  now: () => number,
  begun: Decisions = nobodyDecided,
): CohortLedger => {
  const graders = new Map<string, Grader>(plan.tasks.map((task) => [task.taskId, graderOf(task)]));
  const chances = new Map<string, number>(plan.tasks.map((task) => [task.taskId, chanceOf(task)]));
  const counts = { ...noOutcomes, ...countOutcomes(begun.values()) };
  const decided = new Set(begun.keys());
  const dispatched = pairsOf(plan);
  let repeated = 0;

  const record = (
    pair: Pair,
    verdict: Pick<AnswerJudged, 'outcome' | 'answer' | 'responseMs' | 'rttMs' | 'accuracy' | 'brier'>,
  ): AnswerJudged => {
    const key = pairKeyOf(pair.task.taskId, pair.member.hotkey);
    if (decided.has(key)) repeated += 1;
    decided.add(key);
    counts[verdict.outcome] += 1;
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

  return {
    grade: (pair, reply, { sentAtMs, receivedAtMs, rttMs }) => {
      const responseMs = Math.max(0, receivedAtMs - sentAtMs);
      const timed = { ...nothing, responseMs, rttMs };
      if (responseMs > plan.deadlineMs) return record(pair, { ...timed, outcome: 'late' });
      if (reply.type === 'refusal') return record(pair, { ...timed, outcome: 'refused' });
      const answer = answerForRecord(reply.answer);
      const judgement = answer === null ? null : (graders.get(pair.task.taskId)?.(answer) ?? null);
      if (judgement !== null) return record(pair, { ...timed, outcome: 'judged', answer, ...judgement });
      const kept = fitsJson(answer, keptInvalidChars) ? answer : null;
      return record(pair, { ...timed, outcome: 'invalid', answer: kept });
    },
    close: (pair, outcome) => record(pair, { ...nothing, outcome }),
    isDecided: ({ task, member }) => decided.has(pairKeyOf(task.taskId, member.hotkey)),
    open: () => dispatched - decided.size,
    judged: () => counts.judged,
    summary: () => ({ dispatched, ...counts }),
    account: () => ({ plan, decided: decided.size, repeated, counts: { ...counts } }),
  };
};
