import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Devnet } from '#src/devnet/node.ts';
import { addressOf, BLOCK_TIME_MS, eventually, MINER, NETUID, startChain, VALIDATOR } from './chain.ts';
import { type Sdk, startSdk } from './sdk.ts';

let devnet: Devnet;
let sdk: Sdk;
beforeAll(async () => {
  devnet = await startChain();
  sdk = startSdk(devnet.url);
});
afterAll(async () => {
  await sdk?.stop();
  await devnet?.stop();
});

type Graph = {
  readonly hotkeys: readonly string[];
  readonly axons: readonly string[];
  readonly incentive: readonly number[];
  readonly dividends: readonly number[];
  readonly lastUpdate: readonly number[];
};
const graph = () => sdk.ask<Graph>('metagraph', { netuid: NETUID, lite: true });
const setWeights = (uids: readonly number[], weights: readonly number[]) =>
  sdk.ask('set_weights', {
    wallet: sdk.wallet(VALIDATOR.coldkey, VALIDATOR.hotkey),
    netuid: NETUID,
    mechid: 0,
    uids,
    weights,
    block_time: BLOCK_TIME_MS / 1000,
  });

describe('interop / the official SDK acts on the embedded chain', () => {
  it('registers a hotkey for its price', async () => {
    const bob = addressOf('//Bob');
    const before = await sdk.ask<Record<string, number>>('balances', { addresses: [bob] });
    const wallet = sdk.wallet('//Bob', '//Bob//second');
    expect(await sdk.ask('register', { wallet, netuid: NETUID })).toMatchObject({ success: true, uid: 2 });
    expect((await graph()).hotkeys[2]).toBe(addressOf('//Bob//second'));
    const after = await sdk.ask<Record<string, number>>('balances', { addresses: [bob] });
    // The price began at 1 TAO and has decayed a little.
    const paidRao = (before[bob] ?? 0) - (after[bob] ?? 0);
    expect(paidRao).toBeGreaterThan(500_000_000);
    expect(paidRao).toBeLessThanOrEqual(1_001_000_000);
  });

  it('serves an axon, and one on this machine, which only the embedded chain takes', async () => {
    const wallet = sdk.wallet(MINER.coldkey, MINER.hotkey);
    expect(await sdk.ask('serve_axon', { wallet, netuid: NETUID, ip: '8.8.4.4', port: 8091 })).toMatchObject({
      success: true,
    });
    expect((await graph()).axons[1]).toBe('8.8.4.4:8091');
    const second = sdk.wallet('//Bob', '//Bob//second');
    const local = { wallet: second, netuid: NETUID, ip: '127.0.0.1', port: 8092 };
    expect(await sdk.ask('serve_axon', local)).toMatchObject({ success: true });
    expect((await graph()).axons[2]).toBe('127.0.0.1:8092');
  });

  // Before weights are set: after that miners have stake, and from the next epoch on a permit.
  it('is told why the chain refuses weights', async () => {
    const wallet = sdk.wallet(MINER.coldkey, MINER.hotkey);
    const args = { wallet, netuid: NETUID, mechid: 0, uids: [0, 2], weights: [1, 1], block_time: 0.3 };
    const refused = await sdk.ask<{ readonly success: boolean; readonly message: string }>(
      'set_weights',
      args,
    );
    expect(refused.success).toBe(false);
    expect(refused.message).toContain('NeuronNoValidatorPermit');
  });

  it('sets weights by the mechanism call, and sees the incentive after the epoch', async () => {
    expect(await setWeights([1, 2], [0.25, 0.75])).toMatchObject({
      success: true,
      call: 'set_mechanism_weights',
    });
    // Of the largest weight 65535, a third rounds to 21845.
    expect(await sdk.ask('weights', { netuid: NETUID, mechid: 0 })).toEqual([
      [
        0,
        [
          [1, 21_845],
          [2, 65_535],
        ],
      ],
    ]);
    const paid = await eventually(devnet, graph, ({ incentive }) => (incentive[2] ?? 0) > 0);
    expect(paid.incentive[0]).toBe(0);
    expect(paid.incentive[1]).toBeCloseTo(0.25, 3);
    expect(paid.incentive[2]).toBeCloseTo(0.75, 3);
    expect(paid.dividends[0]).toBeCloseTo(1, 3);
    expect(paid.lastUpdate[0]).toBeGreaterThan(0);
  });
});
