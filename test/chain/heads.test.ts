import { describe, expect, it } from 'vitest';
import {
  isPlausible,
  MAX_FILL_BLOCKS,
  MAX_JUMP_BLOCKS,
  missingBlocks,
  startOfSession,
} from '#src/chain/heads.ts';

describe('chain / heads', () => {
  it('starts with the first announced block', () => {
    expect(missingBlocks(null, 70)).toEqual([70]);
  });

  it('fills the numbers between two announcements', () => {
    expect(missingBlocks(70, 74)).toEqual([71, 72, 73, 74]);
  });

  it('delivers nothing twice', () => {
    expect(missingBlocks(70, 70)).toEqual([]);
    expect(missingBlocks(70, 60)).toEqual([]);
  });

  it('catches up no further than nodes keep state', () => {
    const blocks = missingBlocks(0, 10_000);
    expect(blocks).toHaveLength(MAX_FILL_BLOCKS);
    expect(blocks[0]).toBe(10_000 - MAX_FILL_BLOCKS + 1);
    expect(blocks.at(-1)).toBe(10_000);
  });

  it('goes on from the block of an earlier connection, however many sessions came between', () => {
    expect(startOfSession(null, 70)).toBeNull();
    expect(startOfSession(60, 70)).toBe(60);
  });

  it('delivers what an endpoint has after another one named a block at 4e9, or when it lags', () => {
    expect(startOfSession(4_000_000_000, 70)).toBeNull();
    expect(startOfSession(73, 70)).toBeNull();
    expect(startOfSession(70, 70)).toBeNull();
    expect(startOfSession(70, 70 + MAX_JUMP_BLOCKS + 1)).toBeNull();
  });

  it('does not believe a jump of more than a day within a session', () => {
    expect(isPlausible(70, 70 + MAX_JUMP_BLOCKS)).toBe(true);
    expect(isPlausible(70, 71 + MAX_JUMP_BLOCKS)).toBe(false);
    expect(isPlausible(70, 4_000_000_000)).toBe(false);
    expect(isPlausible(70, 60)).toBe(true);
  });
});
