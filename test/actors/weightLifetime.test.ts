import { describe, expect, it } from 'vitest';

import { weightLifetime } from '#src/actors/weightLifetime.ts';

const lifetime = (finalizedBlock: number, lagBlocks: number, endsAtBlock: number) =>
  weightLifetime({ finalizedBlock, bestBlock: finalizedBlock + lagBlocks, endsAtBlock });

describe('actors / weightLifetime', () => {
  it('starts at the finalized head while there is room', () => {
    expect(lifetime(1_000, 3, 1_300)).toEqual({ birthBlock: 1_000, periodBlocks: 128 });
    expect(lifetime(1_000, 3, 1_100)).toEqual({ birthBlock: 1_000, periodBlocks: 64 });
  });

  it('uses the epoch to its last block where finality lags and little is left', () => {
    expect(lifetime(1_000, 6, 1_015)).toEqual({ birthBlock: 999, periodBlocks: 16 });
    expect(lifetime(1_000, 6, 1_020)).toEqual({ birthBlock: 988, periodBlocks: 32 });
  });

  it('never outlives the epoch, never starts after the finalized head, and leaves room after the best block', () => {
    for (let left = 0; left <= 300; left += 1) {
      for (const lag of [0, 3, 6, 12]) {
        const found = lifetime(1_000, lag, 1_000 + left);
        expect(found === null, `${left} left, lag ${lag}`).toBe(left - lag < 4);
        if (found === null) continue;
        const { birthBlock, periodBlocks } = found;
        expect(Number.isInteger(Math.log2(periodBlocks))).toBe(true);
        expect(birthBlock).toBeLessThanOrEqual(1_000);
        expect(birthBlock + periodBlocks).toBeLessThanOrEqual(1_000 + left);
        expect(birthBlock + periodBlocks - 1_000 - lag).toBeGreaterThanOrEqual(Math.min(16, left - lag));
      }
    }
  });

  it('does without blocks before the first one', () => {
    expect(lifetime(3, 0, 8)).toEqual({ birthBlock: 3, periodBlocks: 4 });
    expect(lifetime(3, 2, 8)).toBeNull();
  });
});
