import { Fraction, Milliseconds } from './ids.ts';
import type { Verdict } from './task.ts';

/** The part of the scoring policy that says what good work is. */
export const qualityPolicyFields = {
  /** How much of the skill bad calibration can cost; 0 ignores confidence. */
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
  /** Mean over everything asked, as graded; whatever was not judged counts 0. */
  readonly accuracy: number;
  /** Mean Brier score of the judged answers that claimed a confidence; null when none did. */
  readonly brier: number | null;
  /** Median response time of the judged answers; null when none was judged. */
  readonly medianMs: number | null;
};

export type KindQuality = WorkSummary & {
  readonly kind: string;
  /** Mean chance level of everything asked; `accuracy` above is as graded, not corrected for it. */
  readonly chance: number;
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
 * Per kind `quality = skill × (1 − speedShare + speedShare × speed)`; see `skillOf` and `speedOf`.
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
  const chance = orderFreeSum(verdicts.map((verdict) => verdict.chance)) / verdicts.length;
  const speed = speedOf(summary.medianMs, policy);
  const pace = 1 - policy.speedShare + policy.speedShare * speed;
  const skill = skillOf({ verdicts, chance, calibrationWeight: policy.calibrationWeight });
  return { ...summary, kind, chance, speed, quality: skill * pace };
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
 * What a miner can do beyond guessing, marked down for bad calibration: about `S × (1 − calibrationWeight × B)`.
 *
 * S is the accuracy corrected for chance, `S(A) = max(0, (A − c) / (1 − c))`, with A the mean accuracy and c the mean
 * chance level, both over everything asked (Cohen's kappa against a guesser, 1960): answering without a model is
 * expected to earn nothing, whatever it claims. Below chance is 0, never negative, so luck leaves a guesser about
 * `0.4 × sqrt(c / (1 − c) / n)` of n answers, and nothing in the long run. B is the mean Brier score.
 *
 * Exactly, each answer's calibration is weighed by the accuracy of the *others*:
 * `mean_i(S(A_without_i) × (1 − w × b_i))` over everything asked.
 *
 * Why that is proper although a wrong answer earns nothing: the claim of answer i occurs in b_i alone, and what b_i is
 * multiplied with does not depend on whether answer i is right; the expectation of b_i is least at the honest
 * probability (Brier 1950; Gneiting and Raftery 2007). With A over all answers an answer's own luck would multiply its
 * own penalty, and the best claim would be above the honest one, a bluff. Leaving the answer itself out makes both
 * factors independent and the honest claim optimal for every n ≥ 2 of answers.
 *
 * What was asked and not judged claims nothing, and has the Brier score of knowing nothing. So has a single answer,
 * whatever it claimed, because it has no others.
 */
const skillOf = (given: {
  readonly verdicts: readonly Verdict[];
  readonly chance: number;
  readonly calibrationWeight: number;
}): number => {
  const { verdicts, chance, calibrationWeight } = given;
  const count = verdicts.length;
  const total = orderFreeSum(verdicts.map(({ accuracy }) => accuracy));
  // A kind without confidence has nothing to be calibrated.
  const uninformed = verdicts.some(({ brier }) => brier !== null) ? UNINFORMED_BRIER : 0;
  if (count === 1) return beyondChance(total, chance) * (1 - calibrationWeight * uninformed);
  const earned = verdicts.map(({ accuracy, brier }) => {
    const others = (total - accuracy) / (count - 1);
    return beyondChance(others, chance) * (1 - calibrationWeight * (brier ?? uninformed));
  });
  return orderFreeSum(earned) / count;
};

/** `max(0, (A − c) / (1 − c))`, in [0, 1]; a difference of sums may leave [0, 1] by a rounding error. */
const beyondChance = (accuracy: number, chance: number): number =>
  chance < 1 ? Math.min(1, Math.max(0, (accuracy - chance) / (1 - chance))) : 0;

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
