import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { planReveal, type RevealSchedule } from '#src/domain/revealRound.ts';

/** drand's quicknet. */
const quicknet = { publicKey: '0x', genesisTimeS: 1_692_803_367, periodS: 3, lastStoredRound: 0 };
const nowMs = 1_750_000_000_000;
/** Last epoch in block 900, tempo 360. */
const usual: RevealSchedule = {
  block: 1_000,
  nowMs,
  blockIntervalMs: 12_000,
  epochIndex: 7,
  nextEpochBlock: 1_260,
  epochBlocks: 360,
  revealPeriodEpochs: 1,
  beacon: quicknet,
};
/** When a round is published, in blocks after the schedule's. */
const publicationBlock = (schedule: RevealSchedule, round: number): number => {
  const { genesisTimeS, periodS } = schedule.beacon;
  return (
    (1_000 * (genesisTimeS + (round - 1) * periodS) - schedule.nowMs) / schedule.blockIntervalMs +
    schedule.block
  );
};

describe('domain / revealRound', () => {
  it('takes the round before the newest at three blocks into the reveal epoch', () => {
    expect(planReveal(usual)).toEqual({ commitEpoch: 7, revealsFromBlock: 1_260, revealRound: 19_066_596 });
  });

  it('gives the round of the Python SDK where the epochs follow its older rule', () => {
    // netuid 1, tempo 360: floor((1000 + 1 + 1) / 361) = 2, so the SDK counts from block (2 + 1) × 361 - 2 = 1081.
    const older = planReveal({ ...usual, nextEpochBlock: 1_081, epochBlocks: 361 });
    expect(older.revealRound).toBe(19_065_880);
  });

  it('waits for as many epochs as the subnet demands', () => {
    expect(planReveal({ ...usual, revealPeriodEpochs: 3 })).toEqual({
      commitEpoch: 7,
      revealsFromBlock: 1_260 + 2 * 360,
      // 980 blocks away, of which 4.9 may come late: more than the three that the SDK allows for.
      revealRound: 19_066_596 + (2 * 360 * 12) / 3 + 9,
    });
  });

  it('means the next epoch when the very next block is the one that begins it', () => {
    const late = planReveal({ ...usual, block: 1_259, nowMs: nowMs + 259 * 12_000 });
    expect(late).toEqual({
      commitEpoch: 8,
      revealsFromBlock: 1_620,
      revealRound: 19_066_596 + (360 * 12) / 3,
    });
    const inTime = planReveal({ ...usual, block: 1_258, nowMs: nowMs + 258 * 12_000 });
    expect(inTime).toEqual({ commitEpoch: 7, revealsFromBlock: 1_260, revealRound: 19_066_596 });
  });

  it('keeps to the time of the chain, whatever the block that asks', () => {
    for (let block = 900; block < 1_259; block += 1) {
      const asked = planReveal({ ...usual, block, nowMs: nowMs + (block - 1_000) * 12_000 });
      expect(asked.revealRound).toBe(19_066_596);
    }
  });

  it.each([
    ['blocks of 250 ms, tempo 100', { blockIntervalMs: 250, epochBlocks: 100 }],
    ['blocks of 250 ms, tempo 360', { blockIntervalMs: 250, epochBlocks: 360 }],
    ['blocks of 1 s, tempo 20', { blockIntervalMs: 1_000, epochBlocks: 20 }],
    ['a beacon of 30 s, blocks of 12 s', { beacon: { ...quicknet, periodS: 30 } }],
    ['blocks of 12 s, tempo 10', { epochBlocks: 10 }],
  ])('stays secret until the reveal epoch, and can be stored within it: %s', (_name, changes) => {
    for (let offset = 0; offset < 7; offset += 1) {
      const schedule = { ...usual, ...changes, nowMs: nowMs + offset * 577 };
      const nextEpochBlock = 1_000 + schedule.epochBlocks;
      const plan = planReveal({ ...schedule, nextEpochBlock });
      const published = publicationBlock(schedule, plan.revealRound);
      expect(published).toBeGreaterThanOrEqual(nextEpochBlock);
      expect(published).toBeLessThanOrEqual(nextEpochBlock + schedule.epochBlocks - 4);
    }
  });

  it('gives up the secret rather than the weights where an epoch is shorter than a round', () => {
    // 10 blocks of 250 ms are 2.5 s, a round takes 3 s: some epochs see none.
    for (let offset = 0; offset < 12; offset += 1) {
      const schedule = {
        ...usual,
        blockIntervalMs: 250,
        epochBlocks: 10,
        nextEpochBlock: 1_010,
        nowMs: nowMs + offset * 250,
      };
      const published = publicationBlock(schedule, planReveal(schedule).revealRound);
      expect(published).toBeLessThanOrEqual(1_010 + 10 - 4);
      // Not before it can be included.
      expect(published).toBeGreaterThan(1_004);
    }
  });

  /** Any subnet, any moment of its epoch, any beacon, and blocks that come up to half a per cent late. */
  const schedules = fc.record({
    epochBlocks: fc.integer({ min: 10, max: 2_000 }),
    elapsed: fc.double({ min: 0, max: 0.999, noNaN: true }),
    revealPeriodEpochs: fc.integer({ min: 1, max: 5 }),
    blockIntervalMs: fc.constantFrom(250, 1_000, 6_000, 12_000, 24_000),
    periodS: fc.constantFrom(1, 3, 30),
    offsetMs: fc.integer({ min: 0, max: 60_000 }),
    slowness: fc.double({ min: 0, max: 0.005, noNaN: true }),
  });

  it('is published after the reveal epoch has begun and early enough to be revealed in it, wherever both can be', () => {
    const check = fc.property(schedules, (given) => {
      const { epochBlocks, elapsed, blockIntervalMs, periodS, revealPeriodEpochs, slowness } = given;
      const left = Math.max(2, epochBlocks - Math.floor(elapsed * epochBlocks));
      const schedule: RevealSchedule = {
        ...usual,
        ...{ epochBlocks, blockIntervalMs, revealPeriodEpochs },
        nowMs: nowMs + given.offsetMs,
        nextEpochBlock: usual.block + left,
        beacon: { ...quicknet, periodS },
      };
      const { revealsFromBlock, revealRound } = planReveal(schedule);
      expect(revealsFromBlock).toBe(usual.block + left + (revealPeriodEpochs - 1) * epochBlocks);
      const distance = revealsFromBlock - usual.block;
      // One round has to be published between the latest beginning of the epoch and the last moment to store it.
      const roomMs = (epochBlocks - 4 - 0.005 * distance) * blockIntervalMs;
      fc.pre(roomMs >= 2 * periodS * 1_000 && distance > 5);
      const madeAt = (block: number): number => (block - usual.block) * blockIntervalMs * (1 + slowness);
      const publishedAtMs = 1_000 * (quicknet.genesisTimeS + (revealRound - 1) * periodS) - schedule.nowMs;
      expect(publishedAtMs).toBeGreaterThanOrEqual(madeAt(revealsFromBlock));
      expect(publishedAtMs).toBeLessThanOrEqual(madeAt(revealsFromBlock + epochBlocks - 4));
    });
    fc.assert(check, { numRuns: 2_000 });
  });

  it('names no round that the chain has stored, or will have before the commit is in', () => {
    const ahead = { ...quicknet, lastStoredRound: 20_000_000 };
    expect(planReveal({ ...usual, beacon: ahead }).revealRound).toBe(20_000_001);
    // The chain's clock is far before the beacon's first round.
    expect(planReveal({ ...usual, nowMs: 0 }).revealRound).toBe(1);
  });
});
