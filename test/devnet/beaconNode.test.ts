/** The beacon and the reveals on a running node, as an unmodified @polkadot/api client sees them. */
import { Keyring } from '@polkadot/keyring';
import { afterEach, describe, expect, it } from 'vitest';
import { drandStorage } from '#src/devnet/drand/storage.ts';
import { decodeGenesis } from '#src/devnet/genesis.ts';
import type { Devnet } from '#src/devnet/node.ts';
import type { ReadContext } from '#src/devnet/pallet.ts';
import { defaultPallets } from '#src/devnet/runtime.ts';
import { storage } from '#src/devnet/subtensor/storage.ts';
import { START_MS, startTestNode, type TestNode } from './nodeFixture.ts';
import { lock, beacon as otherBeacon, payload, weightsOf } from './timelockFixture.ts';

const NETUID = 86;
const keyring = new Keyring({ type: 'sr25519', ss58Format: 42 });
const genesis = decodeGenesis({
  // The key of the fixture's beacon, to which it encrypts.
  beacon: { seed: 'test' },
  subnets: [
    {
      netuid: NETUID,
      tempo: 12,
      ownerColdkey: '//Owner',
      ownerHotkey: '//OwnerHot',
      hyperparameters: { minAllowedWeights: 1, weightsSetRateLimit: 0 },
      neurons: ['//Alice', '//Bob', '//Charlie', '//Dave'].map((hotkey, uid) => ({
        hotkey,
        coldkey: `${hotkey}//cold`,
        stake: uid === 0 ? '1000000000000' : '0',
      })),
    },
  ],
});

let running: TestNode | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});
const start = async (options: Parameters<typeof startTestNode>[0] = {}): Promise<TestNode> => {
  running = await startTestNode({ genesis, pallets: defaultPallets, ...options });
  return running;
};
const head = (node: Devnet): ReadContext => node.chain.contextAt(node.head());
const lastRound = (node: Devnet): number => Number(head(node).get(drandStorage.LastStoredRound));
const stored = (node: Devnet, round: number): boolean => head(node).has(drandStorage.Pulses, BigInt(round));

describe('devnet / drand / node', () => {
  it('brings the pulses that came out until the timestamp of a block, before all transactions', async () => {
    const { node, api } = await start();
    node.seal();
    const first = node.beacon.roundAt(START_MS + 12_000);
    expect(lastRound(node)).toBe(first);
    const block = node.seal();
    expect(lastRound(node)).toBe(first + 4);
    expect(block.extrinsics).toHaveLength(5);
    const { extrinsics } = (await api.rpc.chain.getBlock(block.hash)).block;
    expect(extrinsics.map(({ method }) => `${method.section}.${method.method}`)).toEqual([
      'timestamp.set',
      ...Array.from({ length: 4 }, () => 'drand.writePulse'),
    ]);
    node.seal({ nowMs: START_MS + 24_001 });
    expect(lastRound(node)).toBe(first + 4);
    expect(node.beacon.publishedAtMs(first + 5)).toBe(START_MS + 24_000 + 1000);
    node.seal({ nowMs: START_MS + 25_000 });
    expect(lastRound(node)).toBe(first + 5);
  });

  it('shows clients its configuration', async () => {
    const { node, api } = await start({ blockTimeMs: 250 });
    const config = (await api.query['drand']?.['beaconConfig']?.())?.toJSON();
    expect(config).toMatchObject({
      publicKey: `0x${Buffer.from(otherBeacon.configuration.publicKey).toString('hex')}`,
      period: 1,
      genesisTime: 1_692_803_367,
    });
    expect(node.beacon.configuration.period).toBe(1);
  });

  it('withholds, skips and takes given pulses', async () => {
    const { node } = await start();
    node.seal();
    const { beacon } = node;
    const last = lastRound(node);
    beacon.withhold();
    node.sealBlocks(3);
    expect(lastRound(node)).toBe(last);
    beacon.skip(last + 2);
    beacon.inject({ ...beacon.pulse(last + 1), signature: otherBeacon.pulse(last + 3).signature });
    const block = node.seal();
    expect(block.extrinsics).toHaveLength(2);
    expect(stored(node, last + 1)).toBe(false);
    beacon.inject(beacon.pulse(last + 1));
    node.seal();
    expect([stored(node, last + 1), lastRound(node)]).toEqual([true, last + 1]);
    beacon.release();
    node.seal();
    expect([stored(node, last + 2), stored(node, last + 3)]).toEqual([false, true]);
    expect(lastRound(node)).toBe(beacon.roundAt(START_MS + 7 * 12_000));
  });

  it('reveals what a client commits, by itself, with fast blocks', async () => {
    const { node, api } = await start({ blockTimeMs: 250, sealing: 'interval', startMs: Date.now() });
    const deadline = Date.now() + 25_000;
    const until = async (isDone: () => boolean): Promise<void> => {
      while (!isDone()) {
        if (Date.now() > deadline) throw new Error('waited too long');
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    await until(() => lastRound(node) > 0);
    const alice = keyring.addFromUri('//Alice');
    const round = lastRound(node) + 2;
    const commit = lock(payload(alice.publicKey, weightsOf(10, 20)), round);
    const call = api.tx['subtensorModule']?.['commitTimelockedWeights']?.(
      NETUID,
      `0x${Buffer.from(commit).toString('hex')}`,
      round,
      4,
    );
    await call?.signAndSend(alice);
    const late = api.tx['subtensorModule']?.['commitTimelockedWeights']?.(NETUID, '0x00', round - 3, 4);
    await expect(late?.signAndSend(keyring.addFromUri('//Bob'))).rejects.toThrow('Custom error: 15');
    await until(() => head(node).get(storage.Weights, NETUID, 0).length > 0);
    expect(head(node).get(storage.Weights, NETUID, 0)).toEqual([
      [2, 32_768],
      [3, 65_535],
    ]);
  }, 40_000);
});
