import { exponential, type I32F32, multiply, normalize, ONE, total, u16Proportion } from './fixed.ts';
import {
  movingAverage,
  normalizeColumns,
  normalizeIntegerColumns,
  type SparseMatrix,
  type SparseRow,
  scaleRows,
  upscaleColumns,
  weightedRowTotals,
} from './yumaMatrix.ts';

const ONE_BITS = 1n << 32n;
const HALF_BITS = 1n << 31n;

/** What bonds and dividends of one epoch are computed from. Square, `columns` = number of uids. */
export type BondsInput = {
  readonly columns: number;
  /** Row-normalised weights after the bonds penalty, I32F32. */
  readonly weights: SparseMatrix;
  /** Stored bonds (u16 integers) without columns of uids registered since the last epoch. */
  readonly storedBonds: SparseMatrix;
  readonly activeStake: readonly I32F32[];
  readonly consensus: readonly I32F32[];
  readonly incentive: readonly I32F32[];
  /** Weight of the new observation: 1 − BondsMovingAverage / 1_000_000. */
  readonly alpha: I32F32;
};

export type LiquidAlpha = {
  /** AlphaValues, u16 fractions of 65535. */
  readonly low: number;
  readonly high: number;
  /** AlphaSigmoidSteepness, i16; 1000 is a slope of 10. */
  readonly steepness: number;
};

export type BondsResult = {
  /** Bonds to store, I32F32. */
  readonly bonds: SparseMatrix;
  readonly dividends: readonly I32F32[];
};

/** 1 − BondsMovingAverage / 1_000_000, the ratio cut to 32 fraction bits before the subtraction. */
export const bondsAlpha = (bondsMovingAverage: number): I32F32 =>
  ONE - Number((BigInt(bondsMovingAverage) << 32n) / 1_000_000n);

/** Yuma2: bonds are shares of a column, stored with the largest at 1. Source: run_epoch.rs, the branch without Yuma3On. */
export const yuma2Bonds = (input: BondsInput): BondsResult => {
  const { columns } = input;
  const previous = normalizeIntegerColumns(input.storedBonds, columns);
  const next = normalizeColumns(scaleRows(input.weights, input.activeStake), columns);
  const average = normalizeColumns(movingAverage({ next, previous, alpha: input.alpha }), columns);
  const dividends = normalize(weightedRowTotals(average, input.incentive));
  return { bonds: upscaleColumns(average, columns), dividends };
};

/**
 * Yuma3: bonds lie in [0, 1] and decay; dividends are bond shares times active stake. With `liquidAlpha` and any
 * consensus, the moving average's alpha depends on weight, bond and consensus of each pair.
 * Source: run_epoch.rs, the branch with Yuma3On.
 */
export const yuma3Bonds = (input: BondsInput, liquidAlpha: LiquidAlpha | null): BondsResult => {
  const previous = input.storedBonds.map((row) =>
    row.map(([j, value]) => [j, u16Proportion(value)] as const),
  );
  const bonds =
    liquidAlpha !== null && input.consensus.some((value) => value !== 0)
      ? liquidAverage({ input, previous, liquidAlpha })
      : movingAverage({ next: input.weights, previous, alpha: input.alpha });
  const shares = normalizeColumns(bonds, input.columns);
  const totals = weightedRowTotals(shares, input.incentive);
  const dividends = normalize(totals.map((value, i) => multiply(value, input.activeStake[i] ?? 0)));
  return { bonds, dividends };
};

/**
 * The chain walks both rows with a cursor over ascending columns, so an entry that stands after a larger column is not
 * seen when its alpha is computed (it counts as 0 there), though it is averaged. Rows are stored as they were sent.
 * Source: `compute_liquid_alpha_values_sparse`.
 */
const visibleEntries = (row: SparseRow): Map<number, number> => {
  const visible = new Map<number, number>();
  let largest = -1;
  for (const [j, value] of row) {
    if (j > largest) {
      visible.set(j, value);
      largest = j;
    }
  }
  return visible;
};

const clamp = (value: number, low: number, high: number): number => Math.max(low, Math.min(high, value));

/** The alpha of one pair as a function of its excess; memoised, since most pairs share an excess of 0. */
const liquidAlphaCurve = (liquidAlpha: LiquidAlpha): ((excess: I32F32) => I32F32) => {
  const low = u16Proportion(liquidAlpha.low);
  const high = u16Proportion(liquidAlpha.high);
  const slope = ((BigInt(liquidAlpha.steepness) << 32n) * ONE_BITS) / (-100n << 32n);
  const known = new Map<I32F32, I32F32>();
  return (excess) => {
    const seen = known.get(excess);
    if (seen !== undefined) {
      return seen;
    }
    const exponent = (slope * (BigInt(excess) - HALF_BITS)) >> 32n;
    const sigmoid = Number((ONE_BITS << 32n) / (ONE_BITS + exponential(exponent)));
    const alpha = clamp(low + multiply(sigmoid, high - low), low, high);
    known.set(excess, alpha);
    return alpha;
  };
};

/**
 * Moving average with an alpha per pair. Only pairs present in the weights are produced: a bond whose weight vanished
 * from the row is lost at once, an explicit zero weight lets it decay. Source: `mat_ema_alpha_sparse`.
 */
const liquidAverage = (options: {
  readonly input: BondsInput;
  readonly previous: SparseMatrix;
  readonly liquidAlpha: LiquidAlpha;
}): SparseMatrix => {
  const { input, previous } = options;
  const alphaOf = liquidAlphaCurve(options.liquidAlpha);
  return input.weights.map((row, i) => {
    const bonds = new Map(previous[i] ?? []);
    const seenBonds = visibleEntries(previous[i] ?? []);
    const seenWeights = visibleEntries(row);
    return row.flatMap(([j, value]) => {
      const weight = seenWeights.get(j) ?? 0;
      const bond = seenBonds.get(j) ?? 0;
      const excess =
        weight >= bond ? clamp(weight - (input.consensus[j] ?? 0), 0, ONE) : clamp(bond - weight, 0, ONE);
      const alpha = alphaOf(excess);
      const decayed = multiply(ONE - alpha, bonds.get(j) ?? 0);
      const next = Math.min(ONE, decayed + multiply(alpha, value));
      return next > 0 ? [[j, next] as const] : [];
    });
  });
};

/** Sum of a vector is 0: nothing to share out. */
export const isZero = (values: readonly I32F32[]): boolean => total(values) === 0;
