/** Whether a figure grows: a slope that single samples, a collection or a burst cannot move. */

export type Sample = { readonly atMs: number; readonly value: number };

export type Trend = {
  readonly samples: number;
  readonly median: number;
  /** Per minute, over the second half of the run. */
  readonly slopePerMinute: number;
  /** What that slope adds over the second half. */
  readonly growth: number;
  /** The most that still counts as flat. */
  readonly bound: number;
  readonly isFlat: boolean;
};

/** Growth over half a run that still counts as flat: a share of the median, or an amount, whichever is more. */
export type Bound = { readonly share: number; readonly amount: number };

const medianOf = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = 0, high = 0] = [sorted[sorted.length % 2 === 1 ? middle : middle - 1], sorted[middle]];
  return (low + high) / 2;
};

/** Median of the slopes between all pairs of samples (Theil 1950, Sen 1968), per millisecond; 0 for fewer than two. */
export const theilSen = (samples: readonly Sample[]): number =>
  samples.length < 2
    ? 0
    : medianOf(
        samples.flatMap((early, index) =>
          samples.slice(index + 1).map((late) => (late.value - early.value) / (late.atMs - early.atMs)),
        ),
      );

/** Judges the second half: the first one fills caches, warms the compiler and loads what is loaded once. */
export const trendOf = (all: readonly Sample[], { share, amount }: Bound): Trend => {
  const samples = all.slice(all.length >> 1);
  const slope = theilSen(samples);
  const lengthMs = (samples.at(-1)?.atMs ?? 0) - (samples[0]?.atMs ?? 0);
  const median = medianOf(samples.map(({ value }) => value));
  const growth = slope * lengthMs;
  const bound = Math.max(share * median, amount);
  return {
    samples: samples.length,
    median,
    slopePerMinute: slope * 60_000,
    growth,
    bound,
    isFlat: growth <= bound,
  };
};
