import * as Schema from 'effect/Schema';

import { BlockNumber, Fraction, Hotkey, Milliseconds, Uid } from './ids.ts';
import { assessMiner, type MinerQuality, qualityPolicyFields } from './quality.ts';
import type { Verdict } from './task.ts';
import { type TrustLedger, trustOfPopulation, trustPolicyFields, updateTrust } from './trust.ts';

/** Every number that decides a score; recorded with each epoch, so that old epochs stay derivable. */
export const ScoringPolicy = Schema.Struct({
  /** Shares of the score; together at most 1. */
  qualityWeight: Fraction,
  trustWeight: Fraction,
  stakeWeight: Fraction,
  ...qualityPolicyFields,
  /** Answers' worth of history that is mixed into an epoch's quality; 0 takes the epoch alone. */
  qualityPriorSamples: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 })),
  ...trustPolicyFields,
  /** Share of all weight that goes to the subnet's owner, which burns it; 0 by default. */
  burnShare: Fraction,
}).check(
  Schema.makeFilter((policy) => {
    const total = policy.qualityWeight + policy.trustWeight + policy.stakeWeight;
    // 0.7 + 0.1 + 0.2 is not exactly 1 in binary.
    if (total > 1 + 1e-9) return 'qualityWeight + trustWeight + stakeWeight must be at most 1';
    if (policy.qualityWeight <= 0) return 'qualityWeight must be above 0: stake and trust alone never pay';
    return policy.fullSpeedMs < policy.deadlineMs || 'fullSpeedMs must be below deadlineMs';
  }),
);
export type ScoringPolicy = typeof ScoringPolicy.Type;

/** 0.7 / 0.1 / 0.2 and the 10 s of the original; the rest is ours. */
export const defaultScoringPolicy: ScoringPolicy = {
  qualityWeight: 0.7,
  trustWeight: 0.1,
  stakeWeight: 0.2,
  calibrationWeight: 0.5,
  fullSpeedMs: 500,
  deadlineMs: 10_000,
  speedShare: 0.2,
  qualityPriorSamples: 4,
  trustDecay: 0.9,
  trustPriorSamples: 20,
  forgetEpochs: 100,
  burnShare: 0,
};

/** Four times the uids a subnet can have (256). */
export const MAX_CANDIDATES = 1_024;

/**
 * A registered neuron that serves, does not act as a validator, and could be asked (`minersInTurn`). Whether it can be reached right now does not
 * matter: one that could leave the population by hanging up would never be graded on a bad day.
 */
export const Candidate = Schema.Struct({
  uid: Uid,
  hotkey: Hotkey,
  /** Stake weight in alpha (not rao). */
  stake: Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0)),
  blockAtRegistration: BlockNumber,
});
export type Candidate = typeof Candidate.Type;

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));

/** Score of one candidate in one epoch, with everything it was made of. */
export const MinerScore = Schema.Struct({
  uid: Uid,
  hotkey: Hotkey,
  asked: Count,
  judged: Count,
  refused: Count,
  /** Mean over everything asked; null when nothing was. */
  accuracy: Schema.NullOr(Fraction),
  brier: Schema.NullOr(Fraction),
  medianMs: Schema.NullOr(Milliseconds),
  /** Quality of this epoch, mixed with history; see `scoreEpoch`. */
  quality: Fraction,
  /** History before this epoch. */
  trust: Fraction,
  /** Stake relative to the largest stake among the candidates. */
  stake: Fraction,
  score: Fraction,
});
export type MinerScore = typeof MinerScore.Type;

/**
 * Scores one epoch: a pure function of the evidence, with the same bits on every machine (only + − × ÷, min, max).
 *
 * `score = quality × (qualityWeight + trustWeight × trust + stakeWeight × stake)`, every term in [0, 1] over one
 * population, the candidates. Quality multiplies everything: stake and trust never pay for bad work.
 *
 * Quality is `(q × n + trust × k) / (n + k)` with q the epoch's quality over n tasks asked and k =
 * `qualityPriorSamples`: history stands in where an epoch says little, so one lucky answer does not equal a
 * veteran's day, and a candidate that was asked nothing has its trust as quality. A validator's outage therefore
 * zeroes nobody, and a new miner must be asked before it earns.
 *
 * Trust is the history *before* the epoch; the returned ledger includes it. Verdicts of hotkeys that are no
 * candidates are ignored, and so is what the validator lost.
 *
 * @returns scores ascending by uid, and the ledger for the next epoch
 */
export const scoreEpoch = (given: {
  readonly verdicts: readonly Verdict[];
  readonly candidates: readonly Candidate[];
  readonly trust: TrustLedger;
  readonly policy: ScoringPolicy;
}): { readonly scores: readonly MinerScore[]; readonly trust: TrustLedger } => {
  const { candidates, policy } = given;
  const hotkeys = candidates.map((candidate) => candidate.hotkey);
  const trusts = trustOfPopulation({ ledger: given.trust, hotkeys, policy });
  const counted = given.verdicts.filter(({ outcome }) => outcome !== 'lost');
  const byHotkey = Map.groupBy(counted, (verdict) => verdict.hotkey);
  const work = new Map(hotkeys.map((hotkey) => [hotkey, assessMiner(byHotkey.get(hotkey) ?? [], policy)]));
  const maxStake = candidates.reduce((max, { stake }) => Math.max(max, stake), 0);
  const scores = candidates
    .toSorted((a, b) => a.uid - b.uid)
    .map((candidate) =>
      scoreMiner({
        candidate,
        work: work.get(candidate.hotkey) ?? assessMiner([], policy),
        trust: trusts.get(candidate.hotkey) ?? 0,
        stake: maxStake > 0 ? candidate.stake / maxStake : 0,
        policy,
      }),
    );
  const kindsOf = new Map([...work].map(([hotkey, { kinds }]) => [hotkey, kinds]));
  return { scores, trust: updateTrust({ ledger: given.trust, candidates: hotkeys, work: kindsOf, policy }) };
};

const scoreMiner = (given: {
  readonly candidate: Candidate;
  readonly work: MinerQuality;
  readonly trust: number;
  readonly stake: number;
  readonly policy: ScoringPolicy;
}): MinerScore => {
  const { candidate, work, trust, stake, policy } = given;
  const quality = withHistory(work, trust, policy.qualityPriorSamples);
  const blend = policy.qualityWeight + policy.trustWeight * trust + policy.stakeWeight * stake;
  return {
    uid: candidate.uid,
    hotkey: candidate.hotkey,
    asked: work.asked,
    judged: work.judged,
    refused: work.refused,
    accuracy: work.asked === 0 ? null : work.accuracy,
    brier: work.brier,
    medianMs: work.medianMs,
    quality,
    trust,
    stake,
    // The three shares may add up to 1 plus a rounding error.
    score: Math.min(1, quality * blend),
  };
};

const withHistory = (work: MinerQuality, trust: number, priorSamples: number): number =>
  work.quality === null
    ? trust
    : (work.quality * work.asked + trust * priorSamples) / (work.asked + priorSamples);
