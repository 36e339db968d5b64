import { describe, expect, it } from 'vitest';
import { MAX_FILL_BLOCKS, missingBlocks } from '#src/chain/heads.ts';

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
});
