import { createHash } from 'node:crypto';

import {
  type AnswerJudged,
  type EpochScored,
  type EvidenceRecord,
  evidenceKey,
  type RoundPlanned,
  type RoundSettled,
} from '#src/domain/evidence.ts';
import { createRandom } from '#src/domain/random.ts';
import { roundId, taskId } from '#src/domain/roundPlan.ts';
import { defaultScoringPolicy, scoreEpoch } from '#src/domain/scoring.ts';
import { taskKindNames, taskKinds } from '#src/domain/tasks/kinds.ts';
import { emptyTrust } from '#src/domain/trust.ts';
import { weightsFromScores } from '#src/domain/weights.ts';
import type { Json, NewRecord } from '#src/store/store.ts';
import { hotkeyOf } from '#test/domain/evidenceBuilder.ts';

/** Evidence as a validator of a full subnet writes it, repeatable without randomness of the machine. */
export const miners = 256;
export const tasksPerRound = 4;
/** 17 rounds of 1,024 answers: with plans and settlements 17,442 records, and one for the scores. */
export const roundsPerEpoch = 17;
export const epochs = 30;

const tempoBlocks = 360;
const cohort = Array.from({ length: miners }, (_, uid) => ({ uid, hotkey: hotkeyOf(uid) }));
const noCounts = { invalid: 0, refused: 0, missed: 0, late: 0, unreachable: 0, lost: 0 };

export const toRecord = (record: EvidenceRecord): NewRecord => ({
  key: evidenceKey(record),
  // A record of the union is JSON by construction: every schema of it is.
  value: record as unknown as Json,
});

export const planOf = (epoch: number, index: number, at: number): RoundPlanned => {
  const random = createRandom(`bench round ${epoch} ${index}`);
  const block = epoch * tempoBlocks + index * 20;
  const nonce = createHash('sha256').update(`${epoch} ${index}`).digest('hex');
  const id = roundId({ epoch, block, nonce: nonce.slice(0, 8) });
  const tasks = Array.from({ length: tasksPerRound }, (_, place) => {
    const kind = taskKindNames[place % taskKindNames.length] ?? 'text_classification';
    const { request, truth } = taskKinds[kind].generate(random.fork(`task ${place}`));
    return { taskId: taskId(id, place), kind, request, truth };
  });
  const requestKey = nonce.slice(0, 32);
  return {
    v: 1,
    type: 'round.planned',
    roundId: id,
    epoch,
    block,
    at,
    deadlineMs: 10_000,
    tasks,
    cohort,
    requestKey,
  };
};

/** Answer number `index` of a round, one per task and miner; a miner is slow or quick, sure or not, by its uid. */
export const answerOf = (plan: RoundPlanned, index: number): AnswerJudged => {
  const place = Math.floor(index / plan.cohort.length);
  const [task, member] = [plan.tasks[place], plan.cohort[index % plan.cohort.length]];
  if (task === undefined || member === undefined) throw new Error(`a round has no answer ${index}`);
  const { uid, hotkey } = member;
  const confidence = 0.5 + ((uid * 37 + place * 11) % 500) / 1_000;
  const accuracy = (uid * 7 + place) % 5 === 0 ? 0 : 1;
  return {
    v: 1,
    type: 'answer.judged',
    roundId: plan.roundId,
    taskId: task.taskId,
    kind: task.kind,
    epoch: plan.epoch,
    uid,
    hotkey,
    outcome: 'judged',
    answer: { class_id: 'track_order', confidence },
    responseMs: 120.5 + uid * 3.25,
    rttMs: 12.5,
    chance: 0.125,
    accuracy,
    brier: (confidence - accuracy) ** 2,
    at: plan.at + 200,
  };
};

export const answersOf = (plan: RoundPlanned): readonly AnswerJudged[] =>
  Array.from({ length: plan.tasks.length * plan.cohort.length }, (_, index) => answerOf(plan, index));

const settlementOf = (plan: RoundPlanned): RoundSettled => {
  const dispatched = plan.tasks.length * plan.cohort.length;
  const { roundId: id, epoch, at } = plan;
  const counts = { dispatched, judged: dispatched, ...noCounts };
  return { v: 1, type: 'round.settled', roundId: id, epoch, ...counts, at: at + 10_000 };
};

export type BenchRound = { readonly plan: RoundPlanned; readonly records: readonly EvidenceRecord[] };

/** A whole round, or one that is cut off by the end of its validator: half of its answers, no settlement. */
export const roundOf = (epoch: number, index: number, isCutOff = false): BenchRound => {
  const plan = planOf(epoch, index, Date.now());
  const answers = answersOf(plan);
  const records = isCutOff
    ? [plan, ...answers.slice(0, answers.length / 2)]
    : [plan, ...answers, settlementOf(plan)];
  return { plan, records };
};

/** Scores of one round's answers: as large as those of an epoch, and quicker to make. */
const scoredOnce = (() => {
  const policy = defaultScoringPolicy;
  const candidates = cohort.map(({ uid, hotkey }) => ({ uid, hotkey, stake: 10, blockAtRegistration: 1 }));
  const verdicts = answersOf(planOf(0, 0, 0));
  const { scores, trust } = scoreEpoch({ candidates, verdicts, trust: emptyTrust, policy });
  const vector = weightsFromScores({ scores, burnShare: 0, ownerUid: null });
  return { policy, candidates, scores, trust, vector };
})();

export const scoresOf = (epoch: number, fromSeq: number, cutSeq: number): EpochScored => ({
  v: 1,
  type: 'epoch.scored',
  epoch,
  block: (epoch + 1) * tempoBlocks,
  blockHash: `0x${'ab'.repeat(32)}`,
  fromSeq,
  cutSeq,
  ownerUid: null,
  ...scoredOnce,
  at: Date.now(),
});
