import * as Schema from 'effect/Schema';

import { BlockNumber, EpochIndex, Fraction, Hotkey, Milliseconds, Uid } from './ids.ts';
import { fail, type Outcome, succeed } from './outcome.ts';
import { Candidate, MAX_CANDIDATES, MinerScore, ScoringPolicy } from './scoring.ts';
import { AnswerOutcome, boundedJson, fitsJson, RoundId, TaskId, TaskKindName } from './task.ts';
import { TrustLedger } from './trust.ts';
import { WeightVector } from './weightVector.ts';

/**
 * The append-only evidence log: everything a weight was made of, one JSON record per fact. Each record has a
 * key (`evidenceKey`); appending the same key twice is the same fact, so a restart can repeat its last steps.
 */

/** A task may carry an image as base64. */
export const MAX_REQUEST_CHARS = 2_097_152;
export const MAX_TRUTH_CHARS = 65_536;
export const MAX_ANSWER_CHARS = 65_536;
export const MAX_TASKS_PER_ROUND = 64;
export const MAX_COHORT = MAX_CANDIDATES;

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));
/** Position in the log. */
const Seq = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }));
const BlockHash = Schema.String.check(Schema.isPattern(/^0x[0-9a-f]{64}$/));

const isUniqueBy = <A>(items: readonly A[], keyOf: (item: A) => string | number): boolean =>
  new Set(items.map(keyOf)).size === items.length;

const PlannedTask = Schema.Struct({
  taskId: TaskId,
  kind: TaskKindName,
  request: boundedJson(MAX_REQUEST_CHARS),
  truth: boundedJson(MAX_TRUTH_CHARS),
});
export type PlannedTask = typeof PlannedTask.Type;

const CohortMember = Schema.Struct({ uid: Uid, hotkey: Hotkey });
export type CohortMember = typeof CohortMember.Type;

/** Written before anything is sent: every task will be asked of every member of the cohort. */
export const RoundPlanned = Schema.Struct({
  v: Schema.Literal(1),
  type: Schema.Literal('round.planned'),
  roundId: RoundId,
  epoch: EpochIndex,
  block: BlockNumber,
  at: Milliseconds,
  /** Time each miner has for an answer. */
  deadlineMs: Milliseconds,
  tasks: Schema.Array(PlannedTask).check(Schema.isMinLength(1), Schema.isMaxLength(MAX_TASKS_PER_ROUND)),
  cohort: Schema.Array(CohortMember).check(Schema.isMinLength(1), Schema.isMaxLength(MAX_COHORT)),
  /**
   * Random, 16 to 32 bytes: the ids of the round's requests follow from it, so that a successor knows them again and
   * nobody else can guess one. Plans of earlier releases have none; such a round cannot be taken up.
   */
  requestKey: Schema.optionalKey(Schema.String.check(Schema.isPattern(/^(?:[0-9a-f]{2}){16,32}$/))),
}).check(
  Schema.makeFilter((round) => {
    if (!isUniqueBy(round.tasks, (task) => task.taskId)) return 'a task id occurs twice';
    if (!isUniqueBy(round.cohort, (member) => member.hotkey)) return 'a hotkey occurs twice in the cohort';
    return isUniqueBy(round.cohort, (member) => member.uid) || 'a uid occurs twice in the cohort';
  }),
);
export type RoundPlanned = typeof RoundPlanned.Type;

/** How one task ended with one miner; exactly one per planned pair, unless its round was abandoned. */
export const AnswerJudged = Schema.Struct({
  v: Schema.Literal(1),
  type: Schema.Literal('answer.judged'),
  roundId: RoundId,
  taskId: TaskId,
  kind: TaskKindName,
  /** The one its round was planned in; which epoch counts it is decided by seq (`EpochScored`). */
  epoch: EpochIndex,
  uid: Uid,
  hotkey: Hotkey,
  outcome: AnswerOutcome,
  /**
   * The answer as it came; null when none came or it could not be kept (`answerForRecord`). An invalid one is kept
   * where possible, so that others can check that it is invalid.
   */
  answer: Schema.NullOr(boundedJson(MAX_ANSWER_CHARS)),
  /** From handing over to the last byte, measured by the validator. */
  responseMs: Schema.NullOr(Milliseconds),
  /** Network round trip by heartbeats, for people: a miner can stretch it, so nothing is scored by it. */
  rttMs: Schema.NullOr(Milliseconds),
  /** Chance level of the task, whatever the outcome; follows from the request (`TaskDefinition.chanceOf`). */
  chance: Fraction,
  /** As graded: what could be guessed is taken off in the quality, not here. */
  accuracy: Fraction,
  brier: Schema.NullOr(Fraction),
  at: Milliseconds,
}).check(
  Schema.makeFilter((answer) => {
    if (answer.outcome === 'judged') {
      return (answer.answer !== null && answer.responseMs !== null) || 'judged needs answer and responseMs';
    }
    return (answer.accuracy === 0 && answer.brier === null) || 'only a judged answer earns accuracy or brier';
  }),
);
export type AnswerJudged = typeof AnswerJudged.Type;

/** The round is over and every pair decided: dispatched is the sum of the other counts. */
export const RoundSettled = Schema.Struct({
  v: Schema.Literal(1),
  type: Schema.Literal('round.settled'),
  roundId: RoundId,
  epoch: EpochIndex,
  /** Pairs of task and miner. */
  dispatched: Count,
  judged: Count,
  invalid: Count,
  refused: Count,
  missed: Count,
  late: Count,
  unreachable: Count,
  /** Records of earlier releases have none: they abandoned such rounds. */
  lost: Schema.optionalKey(Count),
  at: Milliseconds,
}).check(
  Schema.makeFilter(
    (round) =>
      round.dispatched === AnswerOutcome.literals.reduce((sum, outcome) => sum + (round[outcome] ?? 0), 0) ||
      'dispatched must be the sum of judged, invalid, refused, missed, late, unreachable and lost',
  ),
);
export type RoundSettled = typeof RoundSettled.Type;

/**
 * A round without an end that cannot be settled, because this release cannot read its tasks any more; earlier releases
 * ended every interrupted round so. What was judged stays evidence; the undecided pairs are evidence against nobody.
 */
export const RoundAbandoned = Schema.Struct({
  v: Schema.Literal(1),
  type: Schema.Literal('round.abandoned'),
  roundId: RoundId,
  /** The one the round was planned in, as in every record of a round. */
  epoch: EpochIndex,
  reason: Schema.String.check(Schema.isMaxLength(300)),
  at: Milliseconds,
});
export type RoundAbandoned = typeof RoundAbandoned.Type;

/**
 * An epoch's scores and weights with all their inputs that are not in the log itself. The evidence counted is every
 * `answer.judged` with `fromSeq <= seq < cutSeq`; an epoch starts where the one before was cut (the first at 0),
 * so each answer counts exactly once, whichever epoch its round was planned in.
 */
export const EpochScored = Schema.Struct({
  v: Schema.Literal(1),
  type: Schema.Literal('epoch.scored'),
  epoch: EpochIndex,
  block: BlockNumber,
  blockHash: BlockHash,
  fromSeq: Seq,
  cutSeq: Seq,
  candidates: Schema.Array(Candidate).check(Schema.isMaxLength(MAX_CANDIDATES)),
  /** The subnet owner's neuron, null when it has none. */
  ownerUid: Schema.NullOr(Uid),
  policy: ScoringPolicy,
  scores: Schema.Array(MinerScore).check(Schema.isMaxLength(MAX_CANDIDATES)),
  /** The ledger after this epoch. */
  trust: TrustLedger,
  vector: WeightVector,
  at: Milliseconds,
}).check(
  Schema.makeFilter((epoch) => {
    if (epoch.fromSeq > epoch.cutSeq) return 'fromSeq must not be above cutSeq';
    if (!isUniqueBy(epoch.candidates, (candidate) => candidate.hotkey))
      return 'a candidate hotkey occurs twice';
    if (!isUniqueBy(epoch.candidates, (candidate) => candidate.uid)) return 'a candidate uid occurs twice';
    const { uids, values } = epoch.vector;
    if (uids.length !== values.length) return 'vector.uids and vector.values differ in length';
    return uids.every((uid, at) => uid > (uids[at - 1] ?? -1)) || 'vector.uids must be ascending and unique';
  }),
);
export type EpochScored = typeof EpochScored.Type;

export const EvidenceRecord = Schema.Union([
  RoundPlanned,
  AnswerJudged,
  RoundSettled,
  RoundAbandoned,
  EpochScored,
]);
export type EvidenceRecord = typeof EvidenceRecord.Type;

/**
 * Names the fact a record states. A round ends once, settled or abandoned, so both share one key.
 *
 * Formats: `p/<roundId>`, `a/<roundId>/<taskId>/<hotkey>`, `d/<roundId>` (done), `e/<epoch>`.
 */
export const evidenceKey = (record: EvidenceRecord): string => {
  switch (record.type) {
    case 'round.planned':
      return `p/${record.roundId}`;
    case 'answer.judged':
      return `a/${record.roundId}/${record.taskId}/${record.hotkey}`;
    case 'round.settled':
    case 'round.abandoned':
      return `d/${record.roundId}`;
    case 'epoch.scored':
      return scoredEpochKey(record.epoch);
  }
};

/** Key of the record of a scored epoch. */
export const scoredEpochKey = (epoch: EpochIndex): string => `e/${epoch}`;

/** A record that does not decode; `reason` is for people and bounded in length. */
export type EvidenceDefect = { readonly _tag: 'EvidenceDefect'; readonly reason: string };

const MAX_REASON_CHARS = 300;
const decodeResult = Schema.decodeUnknownResult(EvidenceRecord, { onExcessProperty: 'error' });

/** Decodes one parsed record; unknown keys, NaN, out-of-range numbers and broken invariants are refused. */
export const decodeEvidence = (input: unknown): Outcome<EvidenceRecord, EvidenceDefect> => {
  const result = decodeResult(input);
  if (result._tag === 'Success') return succeed(result.success);
  return fail({ _tag: 'EvidenceDefect', reason: result.failure.message.slice(0, MAX_REASON_CHARS) });
};

const isJson = Schema.is(Schema.Json);

/** A peer's answer as evidence can keep it: itself when it is bounded well-formed JSON, else null. */
export const answerForRecord = (answer: unknown): Schema.Json =>
  isJson(answer) && fitsJson(answer, MAX_ANSWER_CHARS) ? answer : null;
