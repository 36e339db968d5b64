/**
 * Yuma consensus as the chain runs it, to the last integer.
 *
 * Source: `epoch_mechanism`, pallets/subtensor/src/epoch/run_epoch.rs (runtime spec 425).
 */
import {
  type I32F32,
  type I64F64,
  normalize,
  normalizeBy,
  normalizeStakes,
  proportionToU16,
  shareOf,
  total,
  u16Proportion,
} from './fixed.ts';
import { stakeWeightRao } from './stakeWeight.ts';
import { weightedMedianColumns } from './weightedMedian.ts';
import { type BondsResult, bondsAlpha, isZero, yuma2Bonds, yuma3Bonds } from './yumaBonds.ts';
import {
  clipColumns,
  filterEntries,
  interpolate,
  normalizeIntegerRows,
  rowTotals,
  type SparseMatrix,
  weightedColumnTotals,
} from './yumaMatrix.ts';

/** Hyperparameters of a subnet, as their storage items hold them. */
export type YumaParameters = {
  /** u16 fraction of 65535: the majority of stake that backs a consensus weight. */
  readonly kappa: number;
  /** u16 fraction of 65535: how far bonds follow clipped instead of set weights. */
  readonly bondsPenalty: number;
  /** Parts per million kept of the old bond each epoch. */
  readonly bondsMovingAverage: number;
  readonly maxAllowedValidators: number;
  readonly yuma3On: boolean;
  /** Acts only with `yuma3On`. */
  readonly liquidAlphaOn: boolean;
  /** AlphaValues, u16 fractions of 65535. */
  readonly alphaLow: number;
  readonly alphaHigh: number;
  /** i16; 1000 is a slope of 10. */
  readonly alphaSigmoidSteepness: number;
};

/** State of one mechanism of a subnet. Vectors and matrix rows are indexed by uid; all have the length of `stakes`. */
export type YumaInput = {
  readonly parameters: YumaParameters;
  /** Block in which the epoch runs. */
  readonly block: number;
  readonly tempoBlocks: number;
  readonly activityCutoffBlocks: number;
  /** LastMechansimStepBlock: block of the last successful epoch, 0 before the first. */
  readonly lastStepBlock: number;
  /** Alpha rao to split. */
  readonly emissionRao: bigint;
  /** Stake weights (see `stakeWeight`), I64F64 bits of rao. */
  readonly stakes: readonly I64F64[];
  readonly stakeThresholdRao: bigint;
  /** uid of the subnet owner's hotkey when it is registered. */
  readonly ownerUid: number | null;
  /** Permits of the last epoch. */
  readonly validatorPermits: readonly boolean[];
  readonly lastUpdate: readonly number[];
  readonly blockAtRegistration: readonly number[];
  /** Stored rows of (uid, u16 weight), in stored order. */
  readonly weights: SparseMatrix;
  /** Stored rows of (uid, u16 bond). */
  readonly bonds: SparseMatrix;
  /**
   * Per uid the smallest block of its non-expired weight commits, null for none; null as a whole while commit-reveal
   * is off. Keeps weights committed before a uid changed hands from reaching its new owner.
   */
  readonly commitBlocks: readonly (number | null)[] | null;
};

/** What an epoch writes, indexed by uid. Shares are u16 fractions of 65535. */
export type YumaOutput = {
  readonly active: readonly boolean[];
  readonly validatorPermits: readonly boolean[];
  readonly stakeWeight: readonly number[];
  readonly consensus: readonly number[];
  readonly incentive: readonly number[];
  readonly dividends: readonly number[];
  readonly validatorTrust: readonly number[];
  /** Alpha rao by incentive, by dividends, and by both together (what `Emission` stores). */
  readonly serverEmissionRao: readonly bigint[];
  readonly validatorEmissionRao: readonly bigint[];
  readonly emissionRao: readonly bigint[];
  /** Rows of (uid, u16 bond); empty for uids without a new permit. */
  readonly bonds: SparseMatrix;
};

/** Runs one epoch of one mechanism. Pure; sparse rows are read in stored order, entries beyond the uids are ignored. */
export const yumaEpoch = (input: YumaInput): YumaOutput => {
  const columns = input.stakes.length;
  const active = input.lastUpdate.map((updated) => updated + input.activityCutoffBlocks >= input.block);
  const stake = normalizeStakes(filterStakes(input));
  const oldPermits = withOwner(input.validatorPermits, input.ownerUid);
  const validatorPermits = withOwner(
    topNonzero(stake, input.parameters.maxAllowedValidators),
    input.ownerUid,
  );
  const activeStake = normalize(stake.map((s, uid) => (active[uid] && oldPermits[uid] ? s : 0)));
  const weights = normalizeIntegerRows(maskWeights(input, oldPermits));
  const consensus = weightedMedianColumns({
    stake: activeStake,
    rows: weights,
    columns,
    majority: u16Proportion(input.parameters.kappa),
  });
  const clipped = clipColumns(weights, consensus);
  const incentive = normalize(weightedColumnTotals(clipped, activeStake, columns));
  const { bonds, dividends } = computeBonds({ input, weights, clipped, activeStake, consensus, incentive });
  return {
    active,
    validatorPermits,
    stakeWeight: stake.map(proportionToU16),
    consensus: consensus.map(proportionToU16),
    incentive: incentive.map(proportionToU16),
    dividends: dividends.map(proportionToU16),
    validatorTrust: rowTotals(clipped).map(proportionToU16),
    ...splitEmission({ incentive, dividends, activeStake, stake, emissionRao: input.emissionRao }),
    bonds: bonds.map((row, uid) =>
      validatorPermits[uid] ? row.map(([j, value]) => [j, proportionToU16(value)] as const) : [],
    ),
  };
};

/** Stakes below the threshold count as 0; the owner is exempt. */
const filterStakes = (input: YumaInput): I64F64[] =>
  input.stakes.map((stake, uid) =>
    uid !== input.ownerUid && stakeWeightRao(stake) < input.stakeThresholdRao ? 0n : stake,
  );

const withOwner = (permits: readonly boolean[], ownerUid: number | null): boolean[] =>
  permits.map((permit, uid) => permit || uid === ownerUid);

/** The k largest non-zero stakes; of equal ones the lower uid loses first. Source: `is_topk_nonzero`. */
export const topNonzero = (stake: readonly I32F32[], k: number): boolean[] => {
  const result = stake.map((value) => value !== 0);
  const ascending = stake.map((_, uid) => uid).sort((a, b) => (stake[a] ?? 0) - (stake[b] ?? 0) || a - b);
  for (const uid of ascending.slice(0, Math.max(0, stake.length - k))) {
    result[uid] = false;
  }
  return result;
};

/** Weights of permitted validators, without own, outdated and (under commit-reveal) too early committed entries. */
const maskWeights = (input: YumaInput, permits: readonly boolean[]): SparseMatrix => {
  const registered = (uid: number): number => input.blockAtRegistration[uid] ?? 0;
  const rows = input.stakes.map((_, uid) => (permits[uid] ? (input.weights[uid] ?? []) : []));
  return filterEntries(rows, (i, j) => {
    const committed = input.commitBlocks?.[i] ?? null;
    return (
      j < rows.length &&
      (i !== j || i === input.ownerUid) &&
      (input.lastUpdate[i] ?? 0) > registered(j) &&
      (committed === null || committed >= registered(j))
    );
  });
};

/** Bonds to uids registered since the last epoch are void. */
const maskBonds = (input: YumaInput): SparseMatrix => {
  const lastEpochBlock =
    input.lastStepBlock === 0 ? Math.max(0, input.block - input.tempoBlocks) : input.lastStepBlock + 1;
  const rows = input.stakes.map((_, uid) => input.bonds[uid] ?? []);
  return filterEntries(
    rows,
    (_, j) => j < rows.length && lastEpochBlock > (input.blockAtRegistration[j] ?? 0),
  );
};

const computeBonds = (options: {
  readonly input: YumaInput;
  readonly weights: SparseMatrix;
  readonly clipped: SparseMatrix;
  readonly activeStake: readonly I32F32[];
  readonly consensus: readonly I32F32[];
  readonly incentive: readonly I32F32[];
}): BondsResult => {
  const { input, weights, clipped, activeStake, consensus, incentive } = options;
  const { parameters } = input;
  const columns = input.stakes.length;
  const bondsInput = {
    columns,
    weights: interpolate({
      from: weights,
      to: clipped,
      columns,
      share: u16Proportion(parameters.bondsPenalty),
    }),
    storedBonds: maskBonds(input),
    activeStake,
    consensus,
    incentive,
    alpha: bondsAlpha(parameters.bondsMovingAverage),
  };
  if (!parameters.yuma3On) {
    return yuma2Bonds(bondsInput);
  }
  const liquidAlpha = {
    low: parameters.alphaLow,
    high: parameters.alphaHigh,
    steepness: parameters.alphaSigmoidSteepness,
  };
  return yuma3Bonds(bondsInput, parameters.liquidAlphaOn ? liquidAlpha : null);
};

/**
 * Emission by incentive and dividends, normally half each. When nobody has either (no weights), validators get all by
 * active stake, or by stake when none is active. Rounding dust is not given out.
 */
const splitEmission = (options: {
  readonly incentive: readonly I32F32[];
  readonly dividends: readonly I32F32[];
  readonly activeStake: readonly I32F32[];
  readonly stake: readonly I32F32[];
  readonly emissionRao: bigint;
}): Pick<YumaOutput, 'serverEmissionRao' | 'validatorEmissionRao' | 'emissionRao'> => {
  const { incentive, dividends, activeStake, stake } = options;
  const combined = incentive.map((value, uid) => value + (dividends[uid] ?? 0));
  const sum = total(combined);
  const byStake = isZero(activeStake) ? stake : activeStake;
  const amounts = (shares: readonly I32F32[]): bigint[] =>
    shares.map((share) => shareOf(share, options.emissionRao));
  return {
    serverEmissionRao: amounts(normalizeBy(incentive, sum)),
    validatorEmissionRao: amounts(sum === 0 ? byStake : normalizeBy(dividends, sum)),
    emissionRao: amounts(sum === 0 ? byStake : normalize(combined)),
  };
};
