import type * as Schema from 'effect/Schema';

import { findDifference } from './difference.ts';
import type { AnswerJudged, EpochScored, EvidenceRecord, RoundPlanned, RoundSettled } from './evidence.ts';
import { countOutcomes, statedOutcomes } from './requestAccount.ts';
import { scoreEpoch } from './scoring.ts';
import type { Verdict } from './task.ts';
import type { Judgement } from './tasks/definition.ts';
import { emptyTrust, type TrustLedger } from './trust.ts';
import { weightsFromScores } from './weights.ts';
import type { WeightVector } from './weightVector.ts';

/** One line of the log; `seq` ascends. */
export type SequencedRecord = { readonly seq: number; readonly record: EvidenceRecord };

/** Both may throw on data they do not understand; that is reported, not propagated. */
export type Judge = {
  /** Grades an answer again. null: the answer is not in the shape of its kind. */
  readonly grade: (given: {
    readonly kind: string;
    readonly request: Schema.Json;
    readonly answer: Schema.Json;
    readonly truth: Schema.Json;
  }) => Judgement | null;
  /** Chance level of a task, in [0, 1). */
  readonly chanceOf: (task: { readonly kind: string; readonly request: Schema.Json }) => number;
};

/** Whether one epoch's scores, trust and weights follow from the evidence. */
export type EpochDerivation = {
  readonly epoch: number;
  readonly seq: number;
  /** Answers that were counted. */
  readonly verdicts: number;
  readonly expected: WeightVector;
  readonly recorded: WeightVector;
  /** Scores, trust and vector are the same, bit for bit. */
  readonly equal: boolean;
  /** Path and both values of the first place that differs. */
  readonly firstDifference: string | null;
};

/** A place where the log contradicts itself or an answer's grade cannot be reproduced. */
export type Violation = { readonly seq: number; readonly rule: ViolationRule; readonly detail: string };
export type ViolationRule =
  | 'sequence'
  | 'duplicate'
  | 'unplanned'
  | 'grade'
  | 'undecided'
  | 'counts'
  | 'interval';

export type LogCheck = {
  readonly records: number;
  /** The first ones, at most `MAX_LISTED_VIOLATIONS`; `violationCount` has them all. */
  readonly violations: readonly Violation[];
  readonly violationCount: number;
  /** Rounds without an end: in flight when the log was read, or to be taken up or settled at the next restart. */
  readonly openRounds: readonly string[];
  /**
   * Of a log whose beginning is gone: the newest epoch that could not be derived, whose trust is taken as it was
   * recorded; all after it are derived. null for a whole log, or where no epoch was found.
   */
  readonly anchorEpoch: number | null;
};

export type Derivation = LogCheck & {
  readonly epochs: readonly EpochDerivation[];
  /** No violation, and every epoch equal. */
  readonly sound: boolean;
};

export const MAX_LISTED_VIOLATIONS = 1_000;

/**
 * Replays a whole evidence log and derives every epoch's scores, trust and weights from it.
 *
 * Each `answer.judged` is graded again from request, answer and truth, its chance level is told again from the request,
 * and the fresh grade and level are what counts; response times, outcomes other than an answer, candidates and policy are taken from the log, because nothing else witnessed
 * them. Each epoch starts from the trust its predecessor *recorded*, so an altered epoch does not make all later
 * ones differ, and if all are equal the whole chain is.
 *
 * @param records ascending by `seq`
 * @param beginsAt sequence number of the first record that is left of the log; what is above 1 was dropped, and the
 *   first epoch whose answers are all there follows the first recorded one
 */
export const deriveEpochs = (records: Iterable<SequencedRecord>, judge: Judge, beginsAt = 1): Derivation => {
  const replay = startDerivation(judge, beginsAt);
  const epochs: EpochDerivation[] = [];
  for (const entry of records) {
    const epoch = replay.accept(entry);
    if (epoch !== null) epochs.push(epoch);
  }
  const check = replay.finish();
  return { ...check, epochs, sound: check.violationCount === 0 && epochs.every(({ equal }) => equal) };
};

export type DerivationReplay = {
  /** Takes the next record; returns the derivation of an `epoch.scored`, else null. */
  readonly accept: (entry: SequencedRecord) => EpochDerivation | null;
  readonly finish: () => LogCheck;
};

type OpenRound = { readonly plan: RoundPlanned; readonly outcomes: Map<string, AnswerJudged['outcome']> };

type ReplayState = {
  readonly judge: Judge;
  records: number;
  lastSeq: number;
  readonly open: Map<string, OpenRound>;
  readonly closed: Set<string>;
  /** Not yet in a scored epoch, ascending by seq. */
  pending: { readonly seq: number; readonly verdict: Verdict }[];
  trust: TrustLedger;
  nextFromSeq: number;
  lastEpoch: number;
  readonly violations: Violation[];
  violationCount: number;
  /** Above 1 for a log whose beginning is gone. */
  readonly beginsAt: number;
  anchorEpoch: number | null;
  /** Rounds whose plan went with the beginning. */
  readonly orphans: Set<string>;
  /** Last answer of such a round: no epoch that should count it can be derived. */
  lastOrphanSeq: number;
};

/**
 * The same record by record, for logs that are streamed: memory holds the open rounds, the answers of the
 * unfinished epoch and the ids of past rounds.
 */
export const startDerivation = (judge: Judge, beginsAt = 1): DerivationReplay => {
  const state: ReplayState = {
    judge,
    records: 0,
    lastSeq: -1,
    open: new Map(),
    closed: new Set(),
    pending: [],
    trust: emptyTrust,
    nextFromSeq: 0,
    lastEpoch: -1,
    violations: [],
    violationCount: 0,
    beginsAt,
    anchorEpoch: null,
    orphans: new Set(),
    lastOrphanSeq: 0,
  };
  return {
    accept: (entry) => acceptRecord(state, entry),
    finish: () => ({
      records: state.records,
      violations: [...state.violations],
      violationCount: state.violationCount,
      openRounds: [...state.open.keys()],
      anchorEpoch: state.anchorEpoch,
    }),
  };
};

const acceptRecord = (state: ReplayState, { seq, record }: SequencedRecord): EpochDerivation | null => {
  state.records += 1;
  if (seq <= state.lastSeq)
    violate(state, { seq, rule: 'sequence', detail: `seq ${seq} after ${state.lastSeq}` });
  state.lastSeq = Math.max(state.lastSeq, seq);
  switch (record.type) {
    case 'round.planned':
      acceptPlan(state, seq, record);
      return null;
    case 'answer.judged':
      acceptAnswer(state, seq, record);
      return null;
    case 'round.settled':
      acceptSettlement(state, seq, record);
      return null;
    case 'round.abandoned':
      closeRound(state, seq, record);
      return null;
    case 'epoch.scored':
      return acceptEpoch(state, seq, record);
  }
};

const acceptPlan = (state: ReplayState, seq: number, plan: RoundPlanned): void => {
  if (state.open.has(plan.roundId) || state.closed.has(plan.roundId)) {
    violate(state, { seq, rule: 'duplicate', detail: `round ${plan.roundId} is planned twice` });
    return;
  }
  state.open.set(plan.roundId, { plan, outcomes: new Map() });
};

/** Whether the plan of a round went with the beginning of the log; after the first epoch no further round does. */
const isOrphan = (state: ReplayState, roundId: string): boolean => {
  if (state.beginsAt <= 1 || state.open.has(roundId) || state.closed.has(roundId)) return false;
  if (state.anchorEpoch === null) state.orphans.add(roundId);
  return state.orphans.has(roundId);
};

const acceptAnswer = (state: ReplayState, seq: number, answer: AnswerJudged): void => {
  if (isOrphan(state, answer.roundId)) {
    state.lastOrphanSeq = seq;
    return;
  }
  const round = state.open.get(answer.roundId);
  const pair = `${answer.taskId}/${answer.hotkey}`;
  const where = `round ${answer.roundId}, ${pair}`;
  if (round?.outcomes.has(pair)) {
    violate(state, { seq, rule: 'duplicate', detail: `${where}: decided twice` });
    return;
  }
  round?.outcomes.set(pair, answer.outcome);
  const task = round?.plan.tasks.find(({ taskId }) => taskId === answer.taskId);
  const isPlanned =
    task?.kind === answer.kind &&
    round?.plan.epoch === answer.epoch &&
    round.plan.cohort.some(({ uid, hotkey }) => uid === answer.uid && hotkey === answer.hotkey);
  if (task === undefined || !isPlanned) {
    violate(state, { seq, rule: 'unplanned', detail: `${where}: no open round planned this` });
    return;
  }
  const verdict = regrade(state, { seq, where, answer, task });
  // What the validator lost is evidence for or against nobody.
  if (answer.outcome !== 'lost') state.pending.push({ seq, verdict });
};

/** The verdict with the grade and chance level that request, answer and truth give today. */
const regrade = (
  state: ReplayState,
  given: {
    readonly seq: number;
    readonly where: string;
    readonly answer: AnswerJudged;
    readonly task: RoundPlanned['tasks'][number];
  },
): Verdict => {
  const { seq, where, answer, task } = given;
  const { kind, uid, hotkey, outcome, responseMs, accuracy, brier } = answer;
  const chance = chanceAgain(state, given);
  const recorded: Verdict = { kind, uid, hotkey, outcome, responseMs, chance, accuracy, brier };
  const isGraded = outcome === 'judged' || (outcome === 'invalid' && answer.answer !== null);
  if (!isGraded) return recorded;
  const { request, truth } = task;
  const graded = judgeSafely(() => state.judge.grade({ kind, request, answer: answer.answer, truth }));
  if (typeof graded === 'string') {
    violate(state, { seq, rule: 'grade', detail: `${where}: cannot be graded again: ${graded}` });
    return recorded;
  }
  const expected =
    graded === null
      ? { outcome: 'invalid' as const, accuracy: 0, brier: null }
      : { outcome: 'judged' as const, accuracy: graded.accuracy, brier: graded.brier };
  const difference = findDifference(expected, { outcome, accuracy, brier }, 'grade');
  if (difference === null) return recorded;
  violate(state, { seq, rule: 'grade', detail: `${where}: ${difference}` });
  return { ...recorded, ...expected };
};

/** The chance level that follows from the request; the recorded one where the judge does not know the kind. */
const chanceAgain = (state: ReplayState, given: Parameters<typeof regrade>[1]): number => {
  const { seq, where, answer, task } = given;
  const chance = judgeSafely(() => state.judge.chanceOf({ kind: task.kind, request: task.request }));
  const problem =
    typeof chance === 'string'
      ? `no chance level can be told: ${chance}`
      : findDifference(chance, answer.chance, 'chance');
  if (problem !== null) violate(state, { seq, rule: 'grade', detail: `${where}: ${problem}` });
  return typeof chance === 'string' ? answer.chance : chance;
};

const judgeSafely = <A>(judge: () => A): A | string => {
  try {
    return judge();
  } catch (error) {
    return error instanceof Error ? error.message : 'the judge threw';
  }
};

const acceptSettlement = (state: ReplayState, seq: number, settled: RoundSettled): void => {
  const round = closeRound(state, seq, settled);
  if (round === null) return;
  const { plan, outcomes } = round;
  const planned = plan.tasks.length * plan.cohort.length;
  if (outcomes.size !== planned) {
    const detail = `round ${plan.roundId}: ${outcomes.size} of ${planned} planned pairs are decided`;
    violate(state, { seq, rule: 'undecided', detail });
  }
  const expected = { dispatched: planned, ...countOutcomes(outcomes.values()) };
  const stated = { dispatched: settled.dispatched, ...statedOutcomes(settled) };
  const difference = findDifference(expected, stated, `round ${plan.roundId}`);
  if (difference !== null) violate(state, { seq, rule: 'counts', detail: difference });
};

const closeRound = (
  state: ReplayState,
  seq: number,
  end: { readonly roundId: string; readonly epoch: number },
): OpenRound | null => {
  if (isOrphan(state, end.roundId)) {
    state.orphans.delete(end.roundId);
    state.closed.add(end.roundId);
    return null;
  }
  const round = state.open.get(end.roundId);
  if (round === undefined) {
    const rule = state.closed.has(end.roundId) ? 'duplicate' : 'unplanned';
    violate(state, { seq, rule, detail: `round ${end.roundId} ends without being open` });
    return null;
  }
  if (round.plan.epoch !== end.epoch) {
    violate(state, {
      seq,
      rule: 'counts',
      detail: `round ${end.roundId} ends in another epoch than planned`,
    });
  }
  state.open.delete(end.roundId);
  state.closed.add(end.roundId);
  return round;
};

/** Whether an epoch can only be taken as it was recorded: its answers, or the trust before it, are gone. */
const isAnchor = (state: ReplayState, { fromSeq }: EpochScored): boolean =>
  state.beginsAt > 1 && (state.lastEpoch < 0 || fromSeq < state.beginsAt || fromSeq <= state.lastOrphanSeq);

const followEpoch = (state: ReplayState, recorded: EpochScored): void => {
  state.trust = recorded.trust;
  state.nextFromSeq = recorded.cutSeq;
  state.lastEpoch = recorded.epoch;
};

const acceptEpoch = (state: ReplayState, seq: number, recorded: EpochScored): EpochDerivation | null => {
  const isCounted = (entry: { readonly seq: number }): boolean => entry.seq < recorded.cutSeq;
  if (isAnchor(state, recorded)) {
    state.pending = state.pending.filter((entry) => !isCounted(entry));
    state.anchorEpoch = recorded.epoch;
    followEpoch(state, recorded);
    return null;
  }
  checkInterval(state, seq, recorded);
  const verdicts = state.pending
    .filter((entry) => isCounted(entry) && entry.seq >= recorded.fromSeq)
    .map(({ verdict }) => verdict);
  state.pending = state.pending.filter((entry) => !isCounted(entry));
  const { candidates, ownerUid, policy } = recorded;
  const { scores, trust } = scoreEpoch({ verdicts, candidates, trust: state.trust, policy });
  const vector = weightsFromScores({ scores, ownerUid, burnShare: policy.burnShare });
  const firstDifference =
    findDifference(scores, recorded.scores, 'scores') ??
    findDifference(trust, recorded.trust, 'trust') ??
    findDifference(vector, recorded.vector, 'vector');
  followEpoch(state, recorded);
  return {
    epoch: recorded.epoch,
    seq,
    verdicts: verdicts.length,
    expected: vector,
    recorded: recorded.vector,
    equal: firstDifference === null,
    firstDifference,
  };
};

const checkInterval = (state: ReplayState, seq: number, { epoch, fromSeq, cutSeq }: EpochScored): void => {
  const problems = [
    epoch > state.lastEpoch ? null : `epoch ${epoch} is scored after epoch ${state.lastEpoch}`,
    fromSeq === state.nextFromSeq ? null : `epoch ${epoch} starts at ${fromSeq}, not at ${state.nextFromSeq}`,
    cutSeq <= seq ? null : `epoch ${epoch} is cut at ${cutSeq}, after its own record`,
  ];
  for (const detail of problems) {
    if (detail !== null) violate(state, { seq, rule: 'interval', detail });
  }
};

const violate = (state: ReplayState, violation: Violation): void => {
  state.violationCount += 1;
  if (state.violations.length < MAX_LISTED_VIOLATIONS) state.violations.push(violation);
};
