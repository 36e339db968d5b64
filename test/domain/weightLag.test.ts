import { describe, expect, it } from 'vitest';

import { epochsBehind, epochsSince } from '#src/domain/weightLag.ts';

const position = { epochIndex: 20, lastEpochBlock: 7_200, tempo: 360 };

describe('domain / weightLag', () => {
  it.each([
    [7_300, 0],
    [7_200, 0],
    [7_199, 1],
    [6_840, 1],
    [6_839, 2],
    [6_480, 2],
    [6_479, 3],
    [0, 20],
  ])('counts the epochs since block %d', (lastUpdate, since) => {
    expect(epochsSince(position, lastUpdate)).toBe(since);
  });

  it('counts no more epochs than there were, and none where none ever runs', () => {
    expect(epochsSince({ ...position, epochIndex: 3 }, 0)).toBe(3);
    expect(epochsSince({ ...position, tempo: 0 }, 0)).toBe(0);
  });

  it('is not behind while the present epoch may still get its weights', () => {
    expect([0, 1, 2, 4].map(epochsBehind)).toEqual([0, 0, 1, 3]);
  });
});
