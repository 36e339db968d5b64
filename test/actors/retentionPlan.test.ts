import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { closedCut, dropPoints } from '#src/actors/retentionPlan.ts';

const epochs = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ epoch: 50 + index, fromSeq: index * 10, at: index }));

describe('actors / retentionPlan', () => {
  it('cuts before the oldest epoch that is kept, once for each epoch that is too many', () => {
    expect(dropPoints(epochs(3), 3)).toEqual([]);
    expect(dropPoints([], 3)).toEqual([]);
    const points = dropPoints(epochs(6), 4);
    expect(points.map(({ cut }) => cut)).toEqual([10, 20]);
    expect(points.map(({ epoch }) => epoch.epoch)).toEqual([50, 51]);
  });

  it('goes back to the plan of a round that straddles the cut or is open below it', () => {
    expect(closedCut(100, [])).toBe(100);
    expect(closedCut(100, [{ planSeq: 10, endSeq: 99 }])).toBe(100);
    expect(closedCut(100, [{ planSeq: 10, endSeq: 100 }])).toBe(10);
    expect(closedCut(100, [{ planSeq: 10, endSeq: null }])).toBe(10);
    // The one that straddles the lowered cut takes it further down.
    const chained = [
      { planSeq: 20, endSeq: 60 },
      { planSeq: 50, endSeq: 120 },
      { planSeq: 5, endSeq: 19 },
    ];
    expect(closedCut(100, chained)).toBe(20);
  });

  it('parts no round, whatever rounds there are', () => {
    const span = fc
      .tuple(fc.integer({ min: 1, max: 200 }), fc.option(fc.integer({ min: 1, max: 100 })))
      .map(([planSeq, length]) => ({ planSeq, endSeq: length === null ? null : planSeq + length }));
    fc.assert(
      fc.property(fc.array(span, { maxLength: 20 }), fc.integer({ min: 1, max: 250 }), (rounds, cut) => {
        const closed = closedCut(cut, rounds);
        expect(closed).toBeLessThanOrEqual(cut);
        for (const { planSeq, endSeq } of rounds) {
          if (planSeq < closed) expect(endSeq ?? Infinity).toBeLessThan(closed);
        }
      }),
    );
  });
});
