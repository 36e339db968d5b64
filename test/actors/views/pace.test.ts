import { describe, expect, it } from 'vitest';

import { createPace } from '#src/actors/views/pace.ts';

const blockMs = 12_000;

/** A chain that was followed up to block 100 of its own time. */
const followed = () => {
  const pace = createPace();
  const see = (block: number, at: number): void => pace.saw({ block, blockHash: `0x${block}` }, at);
  for (let block = 61; block <= 100; block += 1) see(block, block * blockMs);
  return { pace, see };
};

describe('actors/views / pace', () => {
  it('tells the mean time from block to block once there are enough', () => {
    const pace = createPace();
    expect([pace.headAt(), pace.blockMs()]).toEqual([null, null]);
    pace.saw({ block: 7, blockHash: '0x7' }, 1_000);
    pace.saw({ block: 8, blockHash: '0x8' }, 3_000);
    expect(pace.blockMs()).toBeNull();
    pace.saw({ block: 9, blockHash: '0x9' }, 5_000);
    expect([pace.headAt(), pace.blockMs()]).toEqual([5_000, 2_000]);
  });

  it.each([
    ['within a second', 1_000],
    // Eight blocks to a trip to a node on another continent.
    ['over many seconds', 8_000],
  ])('keeps the pace of a chain whose missed heads are delivered %s', (_, burstMs) => {
    const { pace, see } = followed();
    const healedAt = 400 * blockMs;
    const batches = 300 / 6;
    for (let block = 101; block <= 400; block += 1) {
      see(block, healedAt + (Math.floor((block - 101) / 6) * burstMs) / batches);
    }
    expect(pace.headAt()).toBe(healedAt + (burstMs * (batches - 1)) / batches);
    expect(pace.blockMs()).toBeGreaterThan(0.95 * blockMs);
    expect(pace.blockMs()).toBeLessThan(1.05 * blockMs);
  });

  it('is not halved by two heads that were finalized together after a start', () => {
    const pace = createPace();
    for (const [block, at] of [
      [1, 0],
      [2, 1],
      [3, 12_000],
      [4, 24_000],
    ] as const) {
      pace.saw({ block, blockHash: `0x${block}` }, at);
    }
    expect(pace.blockMs()).toBeGreaterThan(11_900);
    expect(pace.blockMs()).toBeLessThan(12_100);
  });

  it('tells the pace of a chain whose blocks come faster than heads are told apart', () => {
    const pace = createPace();
    for (let block = 0; block < 500; block += 1) pace.saw({ block, blockHash: '0x' }, block * 40);
    expect(pace.blockMs()).toBe(40);
    expect(pace.headAt()).toBe(499 * 40);
  });

  it('begins anew after a jump back', () => {
    const { pace, see } = followed();
    see(50, 101 * blockMs);
    expect(pace.blockMs()).toBeNull();
    expect(pace.headAt()).toBe(101 * blockMs);
  });
});
