import { Fraction, Milliseconds } from './ids.ts';
import type { Verdict } from './task.ts';

/** The part of the scoring policy that says what good work is. */
export const qualityPolicyFields = {
  /** How much of the accuracy bad calibration can cost; 0 ignores confidence. */
  calibrationWeight: Fraction,
  /** Median response time that earns the whole speed share. */
  fullSpeedMs: Milliseconds,
  /** Median response time that earns none of it. */
  deadlineMs: Milliseconds,
  /** Share of quality that depends on speed. */
  speedShare: Fraction,
};

export type QualityPolicy = {
  readonly calibrationWeight: number;
  readonly fullSpeedMs: number;
  readonly deadlineMs: number;
  readonly speedShare: number;
};

/** What one miner did in one epoch, for one kind of task or over all. All fractions lie in [0, 1]. */
export type WorkSummary = {
  readonly asked: number;
  readonly judged: number;
  /** Honest "busy" answers: they count as accuracy 0 like any missing answer, and are reported apart. */
  readonly refused: number;
  /** Mean over everything asked; whatever was not judged counts 0. */
  readonly accuracy: number;
  /** Mean Brier score of the judged answers that claimed a confidence; null when none did. */
  readonly brier: number | null;
  /** Median response time of the judged answers; null when none was judged. */
  readonly medianMs: number | null;
};

export type KindQuality = WorkSummary & {
  readonly kind: string;
  readonly speed: number;
  readonly quality: number;
};

export type MinerQuality = WorkSummary & {
  /** Mean over the kinds that were asked; null when nothing was asked. */
  readonly quality: number | null;
  /** Ascending by name. */
  readonly kinds: readonly KindQuality[];
};

/** Brier score of claiming 0.5 whatever happens: what is assumed of a calibration nobody has seen. */
const UNINFORMED_BRIER = 0.25;

/**
 * Sums in ascending order of value, so that the order in which evidence arrived cannot change the last bit.
 */
export const orderFreeSum = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b).reduce((sum, value) => sum + value, 0);

/**
 * Quality of one miner in one epoch: per kind, then averaged with equal weight over the kinds that were asked, so
 * that a kind with many small tasks does not drown the others.
 *
 * Per kind `quality = accuracyPart × (1 − speedShare + speedShare × speed)`; see `accuracyPart` and `speedOf`.
 *
 * @param verdicts of one hotkey, in any order
 */
export const assessMiner = (verdicts: readonly Verdict[], policy: QualityPolicy): MinerQuality => {
  const byKind = Map.groupBy(verdicts, (verdict) => verdict.kind);
  const kinds = [...byKind]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([kind, ofKind]) => assessKind(kind, ofKind, policy));
  const quality = kinds.length === 0 ? null : orderFreeSum(kinds.map((kind) => kind.quality)) / kinds.length;
  return { ...summarise(verdicts), quality, kinds };
};

const assessKind = (kind: string, verdicts: readonly Verdict[], policy: QualityPolicy): KindQuality => {
  const summary = summarise(verdicts);
  const speed = speedOf(summary.medianMs, policy);
  const pace = 1 - policy.speedShare + policy.speedShare * speed;
  return { ...summary, kind, speed, quality: accuracyPart(verdicts, policy.calibrationWeight) * pace };
};

const summarise = (verdicts: readonly Verdict[]): WorkSummary => {
  const judged = verdicts.filter((verdict) => verdict.outcome === 'judged');
  const asked = verdicts.length;
  const briers = briersOf(judged);
  return {
    asked,
    judged: judged.length,
    refused: verdicts.filter((verdict) => verdict.outcome === 'refused').length,
    accuracy: asked === 0 ? 0 : orderFreeSum(judged.map((verdict) => verdict.accuracy)) / asked,
    brier: briers.length === 0 ? null : orderFreeSum(briers) / briers.length,
    medianMs: median(judged.flatMap(({ responseMs }) => (responseMs === null ? [] : [responseMs]))),
  };
};

/**
 * Accuracy, marked down for bad calibration: `A × (1 − calibrationWeight × B)` with A the mean accuracy over
 * everything asked and B the mean Brier score of the judged answers, except that each answer's accuracy is marked
 * down by the mean Brier score of the *other* answers, `mean_i(a_i × (1 − w × B_without_i))`.
 *
 * Why that is proper although a wrong answer earns nothing: accuracy does not depend on the claimed confidence, so
 * for given answers the claim only moves B, and the Brier score's expectation is least at the honest probability
 * (Brier 1950; Gneiting and Raftery 2007). With one common B an answer's own luck would multiply its own penalty,
 * and the best claim for n answers of probability p would be p + (1 − p)/n, a bluff. Leaving the answer itself out
 * makes the two factors independent and the honest claim optimal for every n ≥ 2. A single answer has no others:
 * it is marked down by the Brier score of knowing nothing, whatever it claimed.
 */
const accuracyPart = (verdicts: readonly Verdict[], calibrationWeight: number): number => {
  if (verdicts.length === 0) return 0;
  const judged = verdicts.filter((verdict) => verdict.outcome === 'judged');
  const briers = briersOf(judged);
  const total = orderFreeSum(briers);
  const earned = judged.map(({ accuracy, brier }) => {
    const penalty = brierOfOthers({ own: brier, total, count: briers.length });
    return accuracy * (1 - calibrationWeight * penalty);
  });
  return orderFreeSum(earned) / verdicts.length;
};

const brierOfOthers = (given: {
  readonly own: number | null;
  readonly total: number;
  readonly count: number;
}): number => {
  const { own, total, count } = given;
  // A kind without confidence has nothing to be calibrated.
  if (own === null) return count === 0 ? 0 : total / count;
  if (count === 1) return UNINFORMED_BRIER;
  // The subtraction may leave [0, 1] by a rounding error.
  return Math.min(1, Math.max(0, (total - own) / (count - 1)));
};

const briersOf = (judged: readonly Verdict[]): number[] =>
  judged.flatMap(({ brier }) => (brier === null ? [] : [brier]));

/** Middle value, or the mean of the two middle ones; null for an empty list. */
const median = (values: readonly number[]): number | null => {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  return upper === undefined || lower === undefined ? null : (lower + upper) / 2;
};

/**
 * Speed in [0, 1]: 1 up to `fullSpeedMs`, 0 from `deadlineMs`, linear between. The median is used because one
 * hiccup of the network should cost nothing and one lucky answer should earn nothing. The network's share is not
 * subtracted: a miner could delay its heartbeats to fake a long way.
 */
const speedOf = (medianMs: number | null, policy: QualityPolicy): number => {
  if (medianMs === null || medianMs >= policy.deadlineMs) return 0;
  if (medianMs <= policy.fullSpeedMs) return 1;
  return (policy.deadlineMs - medianMs) / (policy.deadlineMs - policy.fullSpeedMs);
};
