import { describe, expect, it } from 'vitest';

import { weightsDueAtBlock } from '#src/domain/weightsDue.ts';

describe('domain / weightsDue', () => {
  const epoch = { lastEpochBlock: 1_000, endsAtBlock: 1_361, dueAfterFraction: 0.7, rounds: 3 };

  it('is the wanted share of the epoch', () => {
    expect(weightsDueAtBlock(epoch)).toBe(1_252);
  });

  it('is the last chance while no round was held, and never later', () => {
    expect(weightsDueAtBlock({ ...epoch, rounds: 0 })).toBe(1_341);
    expect(weightsDueAtBlock({ ...epoch, dueAfterFraction: 1 })).toBe(1_341);
  });

  it('leaves an eighth of a short epoch, and six blocks at least', () => {
    expect(weightsDueAtBlock({ ...epoch, endsAtBlock: 1_080, rounds: 0 })).toBe(1_070);
    expect(weightsDueAtBlock({ ...epoch, endsAtBlock: 1_020, rounds: 0 })).toBe(1_014);
  });
});
