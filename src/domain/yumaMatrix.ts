import { divide, type I32F32, multiply, ONE, ratio } from './fixed.ts';

/** Entries of one row as (column uid, value), in the order they were stored. Values are I32F32 bits unless said. */
export type SparseRow = readonly (readonly [number, number])[];
export type SparseMatrix = readonly SparseRow[];

/** Keeps the entries for which `keep(row, column)` holds. */
export const filterEntries = (
  matrix: SparseMatrix,
  keep: (row: number, column: number) => boolean,
): SparseMatrix => matrix.map((row, i) => row.filter(([j]) => keep(i, j)));

export const rowTotals = (matrix: SparseMatrix): I32F32[] =>
  matrix.map((row) => row.reduce((sum, [, value]) => sum + value, 0));

/** Rows of integers divided by their sum, as I32F32; a row summing to 0 stays. Source: `inplace_row_normalize_sparse`. */
export const normalizeIntegerRows = (matrix: SparseMatrix): SparseMatrix => {
  const totals = rowTotals(matrix);
  return matrix.map((row, i) => row.map(([j, value]) => [j, ratio(value, totals[i] ?? 0)] as const));
};

const columnTotals = (matrix: SparseMatrix, columns: number): number[] => {
  const sums = new Array<number>(columns).fill(0);
  for (const row of matrix) {
    for (const [j, value] of row) {
      sums[j] = (sums[j] ?? 0) + value;
    }
  }
  return sums;
};

const divideColumns = (
  matrix: SparseMatrix,
  divisors: readonly number[],
  by: (value: number, divisor: number) => number,
): SparseMatrix =>
  matrix.map((row) =>
    row.map(([j, value]) => {
      const divisor = divisors[j] ?? 0;
      return [j, divisor === 0 ? value : by(value, divisor)] as const;
    }),
  );

/** Every column divided by its sum; a column summing to 0 stays. Source: `inplace_col_normalize_sparse`. */
export const normalizeColumns = (matrix: SparseMatrix, columns: number): SparseMatrix =>
  divideColumns(matrix, columnTotals(matrix, columns), divide);

/** The same for a matrix of integers (the stored u16 bonds), giving I32F32. */
export const normalizeIntegerColumns = (matrix: SparseMatrix, columns: number): SparseMatrix =>
  divideColumns(matrix, columnTotals(matrix, columns), ratio);

/** Every column divided by its largest entry. Source: `inplace_col_max_upscale_sparse`. */
export const upscaleColumns = (matrix: SparseMatrix, columns: number): SparseMatrix => {
  const maxima = new Array<number>(columns).fill(0);
  for (const row of matrix) {
    for (const [j, value] of row) {
      maxima[j] = Math.max(maxima[j] ?? 0, value);
    }
  }
  return divideColumns(matrix, maxima, divide);
};

/** Entries cut to their column's threshold; dropped where the threshold is 0. Source: `col_clip_sparse`. */
export const clipColumns = (matrix: SparseMatrix, thresholds: readonly I32F32[]): SparseMatrix =>
  matrix.map((row) =>
    row.flatMap(([j, value]) => {
      const threshold = thresholds[j] ?? 0;
      if (threshold >= value) {
        return [[j, value] as const];
      }
      return threshold > 0 ? [[j, threshold] as const] : [];
    }),
  );

/** result_j = Σ_i vector_i × matrix_ij, each product truncated. Source: `matmul_sparse`. */
export const weightedColumnTotals = (
  matrix: SparseMatrix,
  vector: readonly I32F32[],
  columns: number,
): I32F32[] =>
  columnTotals(
    matrix.map((row, i) => row.map(([j, value]) => [j, multiply(vector[i] ?? 0, value)] as const)),
    columns,
  );

/** result_i = Σ_j vector_j × matrix_ij, each product truncated. Source: `matmul_transpose_sparse`. */
export const weightedRowTotals = (matrix: SparseMatrix, vector: readonly I32F32[]): I32F32[] =>
  matrix.map((row) => row.reduce((sum, [j, value]) => sum + multiply(vector[j] ?? 0, value), 0));

/** Row i multiplied by vector_i. Source: `row_hadamard_sparse`. */
export const scaleRows = (matrix: SparseMatrix, vector: readonly I32F32[]): SparseMatrix =>
  matrix.map((row, i) => row.map(([j, value]) => [j, multiply(value, vector[i] ?? 0)] as const));

const densify = (row: SparseRow, columns: number): number[] => {
  const dense = new Array<number>(columns).fill(0);
  for (const [j, value] of row) {
    dense[j] = value;
  }
  return dense;
};

const positiveEntries = (dense: readonly number[]): SparseRow =>
  dense.flatMap((value, j) => (value > 0 ? [[j, value] as const] : []));

/**
 * a + share × (b − a) per entry, positive results only; a itself at share 0, b at share 1.
 * Source: `interpolate_sparse`.
 */
export const interpolate = (options: {
  readonly from: SparseMatrix;
  readonly to: SparseMatrix;
  readonly columns: number;
  readonly share: I32F32;
}): SparseMatrix => {
  const { from, to, columns, share } = options;
  if (share === 0) {
    return from;
  }
  if (share === ONE) {
    return to;
  }
  return from.map((row, i) => {
    const a = densify(row, columns);
    const b = densify(to[i] ?? [], columns);
    return positiveEntries(a.map((value, j) => value + multiply(share, (b[j] ?? 0) - value)));
  });
};

/** alpha × new + (1 − alpha) × old per entry, positive results only, columns ascending. Source: `mat_ema_sparse`. */
export const movingAverage = (options: {
  readonly next: SparseMatrix;
  readonly previous: SparseMatrix;
  readonly alpha: I32F32;
}): SparseMatrix => {
  const remainder = ONE - options.alpha;
  return options.next.map((row, i) => {
    const sums = new Array<number>(options.next.length).fill(0);
    for (const [j, value] of row) {
      sums[j] = (sums[j] ?? 0) + multiply(options.alpha, value);
    }
    for (const [j, value] of options.previous[i] ?? []) {
      sums[j] = (sums[j] ?? 0) + multiply(remainder, value);
    }
    return positiveEntries(sums);
  });
};
