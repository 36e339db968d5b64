import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  activityCutoffBlocks,
  blocksUntilAutomaticEpoch,
  firstEpochAnchor,
  isImmune,
  moduloEpoch,
  nextEpochBlock,
  shouldRunEpoch,
} from '#src/domain/epoch.ts';

const schedule = { lastEpochBlock: 7200, tempo: 360, pendingEpochAt: 0 };

describe('domain / epoch', () => {
  it('fires a tempo after the last epoch', () => {
    expect(nextEpochBlock(schedule)).toBe(7560);
    expect(shouldRunEpoch(schedule, 7559, 359)).toBe(false);
    expect(shouldRunEpoch(schedule, 7560, 360)).toBe(true);
    expect(nextEpochBlock({ ...schedule, lastEpochBlock: 7560 })).toBe(7920);
  });

  it('fires at a pending block first', () => {
    const pending = { ...schedule, pendingEpochAt: 7300 };
    expect(nextEpochBlock(pending)).toBe(7300);
    expect(shouldRunEpoch(pending, 7299, 99)).toBe(false);
    expect(shouldRunEpoch(pending, 7300, 100)).toBe(true);
    expect(nextEpochBlock({ ...schedule, pendingEpochAt: 9000 })).toBe(7560);
  });

  it('never runs with tempo 0', () => {
    const never = { ...schedule, tempo: 0 };
    expect(nextEpochBlock(never)).toBeNull();
    expect(blocksUntilAutomaticEpoch(never, 10_000)).toBeNull();
    expect(shouldRunEpoch(never, 1_000_000, 1_000_000)).toBe(false);
  });

  it('fires when long overdue although the slot was reset', () => {
    const reset = { lastEpochBlock: 60_000, tempo: 50_400, pendingEpochAt: 0 };
    expect(shouldRunEpoch(reset, 60_001, 50_400)).toBe(false);
    expect(shouldRunEpoch(reset, 60_001, 50_401)).toBe(true);
  });

  it('counts blocks to the automatic epoch, 0 when due', () => {
    expect(blocksUntilAutomaticEpoch(schedule, 7500)).toBe(60);
    expect(blocksUntilAutomaticEpoch(schedule, 7600)).toBe(0);
  });

  it('derives the activity cutoff from factor and tempo', () => {
    expect(activityCutoffBlocks(13_889, 360)).toBe(5000);
    expect(activityCutoffBlocks(13_889, 1)).toBe(13);
    expect(activityCutoffBlocks(1000, 0)).toBe(1);
  });

  it('anchors new subnets apart', () => {
    expect(firstEpochAnchor(1000, 86, 360)).toBe(914);
    expect(firstEpochAnchor(1000, 360, 360)).toBe(1000);
    expect(firstEpochAnchor(1000, 5, 0)).toBe(1000);
  });

  it('protects new neurons for the immunity period', () => {
    const at = (block: number): boolean =>
      isImmune({ block, blockAtRegistration: 100, immunityPeriodBlocks: 50 });
    expect([at(149), at(150)]).toEqual([true, false]);
  });

  it('knows where a block stands by the old rule', () => {
    const at = (block: number) => moduloEpoch({ block, netuid: 1, tempo: 360 });
    expect(at(1_000)).toEqual({ epochIndex: 2, lastEpochBlock: 719, nextEpochBlock: 1_080 });
    expect(at(1_079)).toEqual(at(1_000));
    expect(at(1_080)).toEqual({ epochIndex: 3, lastEpochBlock: 1_080, nextEpochBlock: 1_441 });
    expect(at(1_081)).toEqual(at(1_080));
    expect(at(10)).toEqual({ epochIndex: 0, lastEpochBlock: 0, nextEpochBlock: 358 });
    expect(moduloEpoch({ block: 10, netuid: 1, tempo: 0 }).nextEpochBlock).toBeNull();
  });

  it('agrees with the formula of the old runtime at every block', () => {
    const [netuid, tempo] = [86, 50];
    let ran = 0;
    for (let block = 1; block < 1_000; block += 1) {
      if ((block + netuid + 1) % (tempo + 1) === tempo) ran = block;
      const { epochIndex, lastEpochBlock, nextEpochBlock } = moduloEpoch({ block, netuid, tempo });
      if (ran > 0) expect(lastEpochBlock).toBe(ran);
      expect(nextEpochBlock).toBeGreaterThan(block);
      // The runtime's own index of the next block, the first that can include what is signed now.
      expect(epochIndex).toBe(Math.floor((block + 1 + netuid + 1) / (tempo + 1)));
    }
  });

  it('agrees with an old runtime that is run block by block, for any netuid and tempo', () => {
    const netuids = fc.oneof(fc.integer({ min: 0, max: 400 }), fc.constant(65_535));
    const tempos = fc.oneof(fc.integer({ min: 1, max: 80 }), fc.constantFrom(99, 360));
    const starts = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 8_000_000 }));
    fc.assert(
      fc.property(netuids, tempos, starts, (netuid, tempo, start) => {
        // `blocks_until_next_epoch` of the runtime; the epoch runs in the block for which it is 0.
        const blocksLeft = (block: number): number => tempo - ((block + netuid + 1) % (tempo + 1));
        const first = Math.max(0, start - tempo - 1);
        const end = start + 3 * (tempo + 1);
        const fired: number[] = [];
        for (let block = first; block <= end + tempo + 1; block += 1) {
          if (block > 0 && blocksLeft(block) === 0) fired.push(block);
        }
        let before = moduloEpoch({ block: start, netuid, tempo }).epochIndex;
        for (let block = start; block <= end; block += 1) {
          const at = moduloEpoch({ block, netuid, tempo });
          const isRun = block > start && fired.includes(block);
          expect(at.epochIndex, `block ${block}`).toBe(before + (isRun ? 1 : 0));
          expect(at.lastEpochBlock, `block ${block}`).toBe(fired.findLast((one) => one <= block) ?? 0);
          expect(at.nextEpochBlock, `block ${block}`).toBe(fired.find((one) => one > block));
          before = at.epochIndex;
        }
      }),
      { numRuns: 60 },
    );
  });
});
