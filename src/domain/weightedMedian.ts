import { type I32F32, normalize, total } from './fixed.ts';
import type { SparseRow } from './yumaMatrix.ts';

/**
 * Stake-weighted median by bisection around the middle element: the largest score backed by at least a majority of
 * the stake. `minority` is total stake − majority; ties resolve to the higher score.
 *
 * @param stake normalised stake per index
 * @param score score per index, the same length
 * Source: `weighted_median`, pallets/subtensor/src/epoch/math.
 */
export const weightedMedian = (
  stake: readonly I32F32[],
  score: readonly I32F32[],
  minority: I32F32,
): I32F32 => {
  let partition = stake.map((_, index) => index);
  let low = 0;
  let high = total(stake);
  for (let round = 0; round <= stake.length && partition.length > 1; round += 1) {
    const pivot = score[partition[Math.floor(partition.length / 2)] ?? 0] ?? 0;
    const lower = partition.filter((index) => (score[index] ?? 0) < pivot);
    const upper = partition.filter((index) => (score[index] ?? 0) > pivot);
    const lowStake = lower.reduce((sum, index) => sum + (stake[index] ?? 0), 0);
    const highStake = upper.reduce((sum, index) => sum + (stake[index] ?? 0), 0);
    if (minority < low + lowStake && lower.length > 0) {
      partition = lower;
      high = low + lowStake;
    } else if (high - highStake <= minority && upper.length > 0) {
      partition = upper;
      low = high - highStake;
    } else {
      return pivot;
    }
  }
  const only = partition.length === 1 ? partition[0] : undefined;
  return only === undefined ? 0 : (score[only] ?? 0);
};

/**
 * Consensus of every column: the weighted median over the rows with stake, whose stake is normalised again. An entry
 * missing from a sparse row scores 0.
 *
 * @param majority kappa, I32F32
 * Source: `weighted_median_col_sparse`.
 */
export const weightedMedianColumns = (options: {
  readonly stake: readonly I32F32[];
  readonly rows: readonly SparseRow[];
  readonly columns: number;
  readonly majority: I32F32;
}): I32F32[] => {
  const staked = options.stake.flatMap((value, index) => (value > 0 ? [index] : []));
  const stake = normalize(staked.map((index) => options.stake[index] ?? 0));
  const scores = Array.from({ length: options.columns }, () => new Array<number>(staked.length).fill(0));
  staked.forEach((row, k) => {
    for (const [column, value] of options.rows[row] ?? []) {
      const cells = scores[column];
      if (cells !== undefined) {
        cells[k] = value;
      }
    }
  });
  const minority = total(stake) - options.majority;
  return scores.map((score) => weightedMedian(stake, score, minority));
};
