import { describe, expect, it } from 'vitest';

import { earlyNotifications } from '#src/chain/quirks/earlyNotifications.ts';

describe('chain / quirks / early notifications', () => {
  it('gives back what came for an id, oldest first, once', () => {
    const early = earlyNotifications<number>();
    early.keep('a', 1, 1_000);
    early.keep('b', 2, 1_000);
    early.keep('a', 3, 1_000);
    expect(early.take('a')).toEqual([1, 3]);
    expect(early.take('a')).toEqual([]);
    expect(early.take('b')).toEqual([2]);
  });

  it('keeps the newest of many', () => {
    const early = earlyNotifications<number>();
    for (let number = 0; number < 10_000; number += 1) early.keep('a', number, 10);
    expect(early.take('a')).toEqual(Array.from({ length: 64 }, (_, index) => 9_936 + index));
  });

  it('keeps few large ones, and none that is too large by itself', () => {
    const early = earlyNotifications<number>();
    for (let number = 0; number < 10; number += 1) early.keep('a', number, 100_000);
    expect(early.take('a')).toEqual([8, 9]);
    early.keep('a', 10, 10_000_000);
    expect(early.take('a')).toEqual([]);
    // What was dropped or taken does not count any more.
    early.keep('a', 11, 200_000);
    expect(early.take('a')).toEqual([11]);
  });
});
