import type { Uid } from './ids.ts';
import { orderFreeSum } from './quality.ts';
import type { WeightVector } from './weightVector.ts';

const U16_MAX = 65_535;

const emptyVector: WeightVector = { uids: [], values: [] };

/**
 * Turns scores into the vector that goes on chain.
 *
 * The largest becomes 65535, the others keep their ratio to it, rounded half to even as the Python SDK does
 * (bittensor/utils/weight_utils.py, convert_weights_and_uids_for_emit); what rounds to 0 is left out. Scores that
 * are not finite or not positive, and uids that are no u16, are dropped; of two scores for a uid the larger counts.
 *
 * Nobody scored: all weight goes to the owner, whose incentive the chain burns; but only where someone was asked and
 * nobody was good, or where there is no miner at all. Miners who exist and were never asked, as in the first minutes of
 * a new validator, have not failed: the vector is empty, like where the owner is unknown as well; the caller sets
 * nothing and says so.
 *
 * `burnShare` of all weight goes to the owner on top of what it may have scored. Without a known owner there is
 * nowhere to burn: the miners' ratios stay as they are, and with a share of 1 the vector is empty. A share of 1 burns
 * whatever was asked; a smaller one is a part of what miners get, and does not burn alone before anyone was asked.
 *
 * The chain refuses vectors shorter than min(MinAllowedWeights, neurons): see `missingWeights`. No filler is added,
 * because paying someone for being filler is worse than a refused submission that is reported.
 */
export const weightsFromScores = (given: {
  readonly scores: readonly { readonly uid: Uid; readonly score: number; readonly asked: number }[];
  readonly ownerUid: Uid | null;
  /** In [0, 1]; anything else, NaN included, burns nothing. */
  readonly burnShare: number;
}): WeightVector => {
  const { ownerUid } = given;
  const burnShare = given.burnShare > 0 && given.burnShare <= 1 ? given.burnShare : 0;
  const ratios = ratiosToBest(given.scores);
  if (burnShare === 1) return allTo(ownerUid);
  if (ratios.size === 0) {
    const isUnknown = given.scores.length > 0 && given.scores.every(({ asked }) => asked === 0);
    return isUnknown ? emptyVector : allTo(ownerUid);
  }
  if (ownerUid !== null && burnShare > 0) {
    // b of everything is b / (1 − b) of what the miners have.
    const burnt = (orderFreeSum([...ratios.values()]) * burnShare) / (1 - burnShare);
    ratios.set(ownerUid, (ratios.get(ownerUid) ?? 0) + burnt);
  }
  return quantise(ratios);
};

/**
 * How many more uids a vector needs before the chain takes it (`WeightVecLengthIsLow`,
 * pallets/subtensor/src/subnets/weights.rs): it must name at least min(MinAllowedWeights, neurons); a single weight
 * on the validator's own uid is exempt. 0 when long enough.
 */
export const missingWeights = (given: {
  readonly vector: WeightVector;
  readonly minAllowedWeights: number;
  readonly neurons: number;
  readonly ownUid: Uid | null;
}): number => {
  const { uids } = given.vector;
  if (uids.length === 1 && uids[0] === given.ownUid) return 0;
  return Math.max(0, Math.min(given.minAllowedWeights, given.neurons) - uids.length);
};

/** Rounds to the nearest integer, a tie to the even one. Exact: the fraction of a double is a double. */
export const roundHalfEven = (value: number): number => {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
};

const allTo = (ownerUid: Uid | null): WeightVector =>
  ownerUid === null ? emptyVector : { uids: [ownerUid], values: [U16_MAX] };

const isU16 = (uid: number): boolean => Number.isInteger(uid) && uid >= 0 && uid <= U16_MAX;

/** Score ÷ best score by uid; dividing first keeps later sums finite. */
const ratiosToBest = (
  scores: readonly { readonly uid: Uid; readonly score: number }[],
): Map<number, number> => {
  const best = new Map<number, number>();
  for (const { uid, score } of scores) {
    if (isU16(uid) && Number.isFinite(score) && score > (best.get(uid) ?? 0)) best.set(uid, score);
  }
  const max = [...best.values()].reduce((a, b) => Math.max(a, b), 0);
  return new Map([...best].map(([uid, score]) => [uid, score / max]));
};

const quantise = (weights: ReadonlyMap<number, number>): WeightVector => {
  const max = [...weights.values()].reduce((a, b) => Math.max(a, b), 0);
  const entries = [...weights]
    .map(([uid, weight]) => ({ uid, value: roundHalfEven((weight / max) * U16_MAX) }))
    .filter(({ value }) => value > 0)
    .toSorted((a, b) => a.uid - b.uid);
  return { uids: entries.map(({ uid }) => uid), values: entries.map(({ value }) => value) };
};
