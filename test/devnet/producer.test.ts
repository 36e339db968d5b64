import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { startDevnet } from '#src/devnet/node.ts';
import { type Producer, startProducer } from '#src/devnet/producer.ts';
import { testGenesis } from './nodeFixture.ts';

let producer: Producer | undefined;
afterEach(() => producer?.stop());

describe('devnet / producer', () => {
  it('does not add the time that a block takes to the block time', async () => {
    let blocks = 0;
    producer = startProducer(60, () => {
      blocks += 1;
      const until = performance.now() + 30;
      while (performance.now() < until);
    });
    await sleep(700);
    producer.stop();
    // 11 slots; 7 blocks if each began its period when it was done
    expect(blocks).toBeGreaterThanOrEqual(8);
    expect(blocks).toBeLessThanOrEqual(12);
  });

  it('skips the slots that it missed instead of making them up', async () => {
    let blocks = 0;
    producer = startProducer(20, () => {
      blocks += 1;
      if (blocks > 1) return;
      const until = performance.now() + 200;
      while (performance.now() < until);
    });
    await sleep(320);
    expect(blocks).toBeLessThan(10);
  });

  it('stops', async () => {
    let blocks = 0;
    const stopped = startProducer(20, () => {
      blocks += 1;
    });
    stopped.stop();
    await sleep(60);
    expect(blocks).toBe(0);
  });

  it('drives the node with increasing timestamps', async () => {
    const node = await startDevnet({ genesis: testGenesis, blockTimeMs: 100, pallets: [] });
    await sleep(450);
    const { chain } = node;
    await node.stop();
    const times = Array.from({ length: node.head().number }, (_, i) => {
      const block = chain.blockByNumber(i + 1);
      return block === undefined ? 0 : chain.contextAt(block).nowMs;
    });
    expect(times.length).toBeGreaterThanOrEqual(3);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(Math.abs((times.at(-1) ?? 0) - Date.now())).toBeLessThan(1000);
  });
});
