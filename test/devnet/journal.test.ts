/** A chain whose process is killed. */
import { cpSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Devnet, type DevnetOptions, startDevnet } from '#src/devnet/node.ts';
import { SPEC_426 } from '#src/devnet/profiles.ts';
import { notes, START_MS, testGenesis } from './nodeFixture.ts';

let folder: string;
let opened: Devnet[] = [];
let images = 0;
beforeEach(async () => {
  await cryptoWaitReady();
  folder = await mkdtemp(join(tmpdir(), 'devnet-'));
});
afterEach(async () => {
  for (const node of opened) await node.stop();
  opened = [];
  await rm(folder, { recursive: true, force: true });
});
const start = async (dir: string, options: Partial<DevnetOptions> = {}): Promise<Devnet> => {
  const node = await startDevnet({
    genesis: testGenesis,
    sealing: 'manual',
    pallets: [notes],
    dataDir: join(folder, dir),
    startMs: START_MS,
    ...options,
  });
  opened.push(node);
  return node;
};
/** What is on disk at this instant, as a kill would leave it. */
const imageOf = (dir: string): string => {
  images += 1;
  const image = `image-${images}`;
  cpSync(join(folder, dir), join(folder, image), { recursive: true });
  writeFileSync(join(folder, image, 'chain.lock'), '999999999'); // of a process that is gone
  return image;
};
const journalsOf = (dir: string): readonly string[] =>
  readdirSync(join(folder, dir))
    .filter((name) => name.startsWith('chain.journal'))
    .sort()
    .map((name) => join(folder, dir, name));

describe('devnet / journal', () => {
  it('goes on from the last block after a kill at any block, as if nothing had happened', async () => {
    const node = await start('a', { snapshotEveryBlocks: 5, finalityLagBlocks: 2 });
    for (let number = 1; number <= 12; number += 1) {
      node.seal();
      // Snapshots are written meanwhile
      await new Promise((resolve) => setTimeout(resolve, number % 3));
      const again = await start(imageOf('a'), { finalityLagBlocks: 2 });
      expect(again.head().hash).toBe(node.head().hash);
      expect(again.chain.finalizedHead().hash).toBe(node.chain.finalizedHead().hash);
      again.sealBlocks(3);
      const whole = await start(`whole-${number}`, { finalityLagBlocks: 2 });
      whole.sealBlocks(number + 3);
      expect(again.head().hash).toBe(whole.head().hash);
    }
  });

  it('survives a second kill before the first snapshot of the second life', async () => {
    (await start('a')).sealBlocks(3);
    const second = imageOf('a');
    (await start(second)).sealBlocks(2);
    const third = await start(imageOf(second));
    expect(third.head().number).toBe(5);
  });

  it('keeps to the blocks that replaced others, also when the snapshot has the others', async () => {
    const node = await start('a', { snapshotEveryBlocks: 6, finalityLagBlocks: 4 });
    node.sealBlocks(6);
    while (journalsOf('a').some((file) => file.endsWith('1')))
      await new Promise((resolve) => setTimeout(resolve, 5));
    node.reorg({ depth: 3 });
    const again = await start(imageOf('a'), { finalityLagBlocks: 4 });
    expect(again.head().hash).toBe(node.head().hash);
    expect(again.chain.blockByNumber(4)?.hash).toBe(node.chain.blockByNumber(4)?.hash);
    expect(again.seal().hash).toBe(node.seal().hash);
  });

  it('knows the runtime that a block after the snapshot brought, and the one to come', async () => {
    const node = await start('a');
    node.upgradeRuntime({ profile: SPEC_426, atBlock: 3 });
    node.seal();
    const early = await start(imageOf('a'));
    early.sealBlocks(3);
    expect(early.chain.runtime.version.specVersion).toBe(426);
    node.sealBlocks(3);
    const late = await start(imageOf('a'));
    expect(late.chain.runtime.version.specVersion).toBe(426);
    expect(late.head().hash).toBe(early.head().hash);
  });

  it.each([1, 40, 200])('takes a record without its last %i bytes as not written', async (missingBytes) => {
    const node = await start('a');
    node.sealBlocks(4);
    const image = imageOf('a');
    const [journal = ''] = journalsOf(image);
    truncateSync(journal, readFileSync(journal).length - missingBytes);
    const again = await start(image);
    expect(again.head().hash).toBe(node.chain.blockByNumber(3)?.hash);
    expect(again.seal().hash).toBe(node.head().hash);
    const third = await start(imageOf(image));
    expect(third.head().hash).toBe(node.head().hash);
  });

  it('stops at a damaged record, and goes on from there for good', async () => {
    const node = await start('a');
    node.sealBlocks(4);
    const image = imageOf('a');
    const [journal = ''] = journalsOf(image);
    const bytes = readFileSync(journal);
    bytes[Math.floor(bytes.length / 2)] = (bytes[Math.floor(bytes.length / 2)] ?? 0) ^ 1;
    writeFileSync(journal, bytes);
    const again = await start(image);
    expect(again.head().number).toBeLessThan(4);
    again.sealBlocks(5);
    const third = await start(imageOf(image));
    expect(third.head().hash).toBe(again.head().hash);
  });

  it('never goes on with blocks behind a gap once others have taken their numbers', async () => {
    (await start('a')).sealBlocks(4);
    const second = imageOf('a');
    // Blocks 5 to 7 are in a file of their own, and block 4 is damaged
    (await start(second)).sealBlocks(3);
    const image = imageOf(second);
    const [journal = ''] = journalsOf(image);
    truncateSync(journal, readFileSync(journal).length - 1);
    const again = await start(image);
    expect(again.head().number).toBe(3);
    const other = again.seal({ nowMs: START_MS + 900_000 });
    const third = await start(imageOf(image));
    expect(third.head().hash).toBe(other.hash);
  });

  it('belongs to its snapshot: without it a new chain is started', async () => {
    (await start('a')).sealBlocks(4);
    const image = imageOf('a');
    await rm(join(folder, image, 'chain.snapshot'));
    expect((await start(image)).head().number).toBe(0);
    expect(journalsOf(image).map((file) => readFileSync(file).length)).toEqual([0]);
  });
});
