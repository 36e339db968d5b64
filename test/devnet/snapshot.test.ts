/** A chain that goes on where its process ended. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeGenesis } from '#src/devnet/genesis.ts';
import { type DevnetOptions, startDevnet } from '#src/devnet/node.ts';
import { SPEC_426 } from '#src/devnet/profiles.ts';
import {
  keyring,
  notes,
  request,
  START_MS,
  startTestNode,
  type TestNode,
  testGenesis,
} from './nodeFixture.ts';

let dataDir: string;
let test: TestNode | undefined;
beforeEach(async () => {
  await cryptoWaitReady();
  dataDir = await mkdtemp(join(tmpdir(), 'devnet-'));
});
afterEach(async () => {
  await test?.stop();
  test = undefined;
  await rm(dataDir, { recursive: true, force: true });
});
const start = async (options: Partial<DevnetOptions> = {}): Promise<TestNode> => {
  test = await startTestNode({ dataDir, finalityLagBlocks: 2, startMs: START_MS, ...options });
  return test;
};
const restart = async (options: Partial<DevnetOptions> = {}): Promise<TestNode> => {
  await test?.stop();
  return start(options);
};
/** Without a client. */
const open = (options: Partial<DevnetOptions> = {}) =>
  startDevnet({ genesis: testGenesis, sealing: 'manual', pallets: [notes], dataDir, ...options });
const file = () => join(dataDir, 'chain.snapshot');

describe('devnet / snapshot', () => {
  it('goes on with height, hashes, state, finality and time', async () => {
    const before = await start();
    const alice = keyring.addFromUri('//Alice');
    // mortal: bound to a block before the restart
    const signed = await before.api.tx['notes']?.['note']?.(1, 7).signAsync(alice, { era: 64 });
    const note = await before.api.tx['notes']?.['note']?.(2, 8).signAsync(alice, { era: 64, nonce: 1 });
    await before.api.rpc.author.submitExtrinsic(signed?.toHex() ?? '');
    before.node.sealBlocks(5);
    const [head, third] = [before.node.head(), before.node.chain.blockByNumber(3)];
    const genesisHash = before.node.chain.genesis.hash;
    const after = await restart();
    expect(after.node.chain.genesis.hash).toBe(genesisHash);
    expect(after.node.head().hash).toBe(head.hash);
    expect(after.node.chain.finalizedHead().number).toBe(3);
    expect(await request(after.node.url, 'chain_getBlockHash', 3)).toBe(third?.hash);
    expect((await after.api.query['notes']?.['notes']?.(1))?.toJSON()).toBe(7);
    const past = await after.api.at(after.node.chain.blockByNumber(1)?.hash ?? '');
    expect((await past.query['timestamp']?.['now']?.())?.toJSON()).toBe(START_MS + 12_000);
    await after.api.rpc.author.submitExtrinsic(note?.toHex() ?? '');
    const next = after.node.seal();
    expect(next.number).toBe(6);
    expect(next.timestampMs).toBe(head.timestampMs + 12_000);
    expect((await after.api.query['notes']?.['notes']?.(2))?.toJSON()).toBe(8);
  });

  it('makes the same blocks as a chain that never ended', async () => {
    const node = await open({ startMs: START_MS });
    node.sealBlocks(4);
    await node.stop();
    const again = await open();
    again.sealBlocks(320);
    await again.stop();
    await rm(file());
    const whole = await open({ startMs: START_MS });
    whole.sealBlocks(324);
    expect(again.head().hash).toBe(whole.head().hash);
    await whole.stop();
  });

  it('knows which runtime it has, and which one comes', async () => {
    const { node } = await start();
    node.upgradeRuntime({ profile: SPEC_426, atBlock: 3 });
    node.seal();
    const second = await restart();
    second.node.sealBlocks(3);
    const third = await restart();
    expect(third.node.chain.runtime.version.specVersion).toBe(426);
    expect(third.api.runtimeVersion.specVersion.toNumber()).toBe(426);
    const early = third.node.chain.blockByNumber(2);
    expect(early && third.node.chain.runtimeAt(early).version.specVersion).toBe(425);
  });

  it('writes snapshots while it runs, and of the journal keeps only what came after', async () => {
    const node = await open({ snapshotEveryBlocks: 5, startMs: START_MS });
    node.sealBlocks(4);
    const names = async (): Promise<readonly string[]> => (await readdir(dataDir)).sort();
    expect(await names()).toEqual(['chain.journal.000000000001', 'chain.lock', 'chain.snapshot']);
    node.sealBlocks(3);
    const wanted = ['chain.journal.000000000006', 'chain.journal.000000000008'];
    while (!wanted.includes((await names())[0] ?? '')) await new Promise((resolve) => setTimeout(resolve, 5));
    await node.stop();
    expect(await names()).toEqual(['chain.snapshot']);
  });

  it('refuses a folder that another chain uses', async () => {
    await start();
    await expect(open()).rejects.toThrow(`process ${process.pid} uses this folder`);
  });

  it.each<[string, (bytes: Buffer) => Buffer, string]>([
    ['cut off', (bytes) => bytes.subarray(0, -1), 'is damaged'],
    ['changed in a byte', (bytes) => Buffer.concat([bytes.subarray(0, -1), Buffer.of(1, 2)]), 'is damaged'],
    ['empty', () => Buffer.alloc(0), 'is no snapshot'],
    ['something else', () => Buffer.from('{"a":1}'), 'is no snapshot'],
  ])('refuses a file that is %s, names it and says what to do', async (_name, change, problem) => {
    await (await open()).stop();
    await writeFile(file(), change(await readFile(file())));
    await expect(open()).rejects.toThrow(`${file()}: ${problem}`);
    await expect(open()).rejects.toThrow('move the file away, or choose another --data folder');
  });

  it('refuses the file of another genesis', async () => {
    await (await open()).stop();
    const genesis = decodeGenesis({ accounts: [{ address: '//Bob', free: '5000' }] });
    await expect(open({ genesis })).rejects.toThrow('belongs to another chain (its genesis is 0x');
  });
});
