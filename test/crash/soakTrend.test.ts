import { describe, expect, it } from 'vitest';

import { type Sample, theilSen, trendOf } from '#test/support/soakTrend.ts';

/** One sample every ten seconds for twenty minutes. */
const series = (valueAt: (index: number) => number): readonly Sample[] =>
  Array.from({ length: 120 }, (_, index) => ({ atMs: index * 10_000, value: valueAt(index) }));

const bound = { share: 0.05, amount: 2 };

describe('crash / soakTrend', () => {
  it('sees a leak that is small beside the noise', () => {
    const leaking = trendOf(
      series((index) => 100 + index * 0.2 + ((index * 7919) % 13)),
      bound,
    );
    expect(leaking.isFlat).toBe(false);
    expect(leaking.growth).toBeGreaterThan(9);
  });

  it('is not moved by bursts, by a level that was reached early, or by what shrinks', () => {
    const bursts = series((index) => (index % 9 === 0 ? 500 : 100 + ((index * 31) % 7)));
    const warmUp = series((index) => Math.min(100, 20 + index * 3));
    const shrinking = series((index) => 200 - index);
    for (const samples of [bursts, warmUp, shrinking]) expect(trendOf(samples, bound).isFlat).toBe(true);
  });

  it('sees one descriptor more every few minutes', () => {
    const descriptors = trendOf(
      series((index) => 40 + Math.floor(index / 12)),
      { share: 0, amount: 3 },
    );
    expect(descriptors.isFlat).toBe(false);
  });

  it('has the slope of a line, and none of a single sample', () => {
    expect(theilSen(series((index) => index * 10))).toBe(0.001);
    expect(theilSen([{ atMs: 0, value: 7 }])).toBe(0);
  });
});
