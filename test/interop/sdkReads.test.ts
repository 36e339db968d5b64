import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Devnet } from '#src/devnet/node.ts';
import { addressOf, MINER, NETUID, STAKE, startChain, TAO, TEMPO, VALIDATOR } from './chain.ts';
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
  readonly n: number;
  readonly hotkeys: readonly string[];
  readonly coldkeys: readonly string[];
  readonly stake: readonly number[];
  readonly validatorPermit: readonly boolean[];
  readonly weights: readonly (readonly number[])[] | null;
  readonly info: { readonly tempo: number; readonly numUids: number };
};

describe('interop / the official SDK reads the embedded chain', () => {
  it('is the version that is named', async () => {
    expect(await sdk.ask('versions')).toEqual({
      bittensor: '10.2.0',
      'bittensor-wallet': '4.0.1',
      'bittensor-drand': '1.3.0',
      'async-substrate-interface': '1.6.4',
    });
  });

  it('lists the subnets', async () => {
    const owner = addressOf('//Charlie');
    expect(await sdk.ask('subnets')).toMatchObject({
      netuids: [0, NETUID],
      dynamic: [{ netuid: 0 }, { netuid: NETUID, tempo: TEMPO, price: Number(TAO), owner }],
      infos: [{ netuid: 0 }, { netuid: NETUID, n: 2, tempo: TEMPO, owner }],
      metagraphs: [0, NETUID],
    });
  });

  it('shows one subnet, and that another does not exist', async () => {
    expect(await sdk.ask('subnet', { netuid: NETUID })).toEqual({
      price: Number(TAO),
      taoIn: Number(10n * TAO),
      ownerHotkey: addressOf('//Charlie//owner'),
      n: 2,
      exists: true,
      missing: false,
      none: true,
    });
  });

  it.each([true, false])('syncs the metagraph, lite: %s', async (lite) => {
    const graph = await sdk.ask<Graph>('metagraph', { netuid: NETUID, lite });
    expect(graph).toMatchObject({
      n: 2,
      hotkeys: [addressOf(VALIDATOR.hotkey), addressOf(MINER.hotkey)],
      coldkeys: [addressOf(VALIDATOR.coldkey), addressOf(MINER.coldkey)],
      validatorPermit: [true, false],
      info: { tempo: TEMPO, numUids: 2 },
    });
    expect(graph.stake[0]).toBeGreaterThanOrEqual(Number(STAKE / TAO));
    expect(graph.stake[1]).toBe(0);
    const noWeights = [
      [0, 0],
      [0, 0],
    ];
    expect(graph.weights).toEqual(lite ? null : noWeights);
  });

  it('reads the hyperparameters', async () => {
    expect(await sdk.ask('hyperparameters', { netuid: NETUID })).toEqual({
      tempo: TEMPO,
      kappa: 32_767,
      immunity_period: 5000,
      min_allowed_weights: 1,
      weights_rate_limit: 2,
      weights_version: 0,
      // 13 889 thousandths of a tempo
      activity_cutoff: 166,
      max_validators: 64,
      commit_reveal_weights_enabled: false,
      commit_reveal_period: 1,
      serving_rate_limit: 2,
      yuma_version: 3,
      // The SDK takes the bits of an I32F32 for those of a number twice as long: the chain has 1000 (sdkDrift.test.ts).
      alpha_sigmoid_steepness: 0,
    });
  });

  it('reads balances and stake', async () => {
    const alice = addressOf('//Alice');
    const nobody = addressOf('//Nobody');
    expect(await sdk.ask('balances', { addresses: [alice, nobody] })).toEqual({
      [alice]: Number(1_000n * TAO),
      [nobody]: 0,
    });
    const hotkey = addressOf(VALIDATOR.hotkey);
    const stake = await sdk.ask<{ readonly one: number; readonly listed: readonly { stake: number }[] }>(
      'stake',
      {
        coldkey: alice,
        hotkey,
        netuid: NETUID,
      },
    );
    expect(stake).toMatchObject({
      listed: [{ hotkey, netuid: NETUID, registered: true }],
      delegates: 0,
      hotkeys: [hotkey],
    });
    // More than at genesis once an epoch has paid dividends between the two questions.
    expect(stake.one).toBeGreaterThanOrEqual(Number(STAKE));
    expect(stake.listed[0]?.stake).toBeGreaterThanOrEqual(Number(STAKE));
  });
});
