import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { QUICKNET } from '#src/devnet/drand/storage.ts';
import type { Devnet } from '#src/devnet/node.ts';
import { storage } from '#src/devnet/subtensor/storage.ts';
import { planReveal } from '#src/domain/revealRound.ts';
import { NETUID, startChain } from './chain.ts';
import { type Sdk, startSdk } from './sdk.ts';

/** Where the SDK 10.2.0 computes by rules that the chain has left: both numbers, and that they differ. */
const TEMPO = 50;
const HEAD = 120;
let devnet: Devnet;
let sdk: Sdk;
beforeAll(async () => {
  devnet = await startChain({ tempo: TEMPO, sealing: 'manual' });
  devnet.sealBlocks(HEAD);
  sdk = startSdk(devnet.url);
});
afterAll(async () => {
  await sdk?.stop();
  await devnet?.stop();
});

/** Epochs by the rule before spec 420, which the SDK still has: every tempo + 1 blocks, shifted by the netuid. */
const oldBlocksUntilEpoch = (block: number): number => TEMPO - ((block + NETUID + 1) % (TEMPO + 1));

describe('interop / where the official SDK has drifted from the chain', () => {
  it('takes epochs to be tempo + 1 blocks apart, and so expects them at other blocks', async () => {
    const epoch = await sdk.ask<{ readonly [name: string]: number }>('epoch', { netuid: NETUID });
    expect(epoch).toMatchObject({ block: HEAD, tempo: TEMPO });
    // (120 + 87) mod 51 is 3: the SDK waits 47 blocks and expects the epoch to start in the one after.
    expect(epoch['blocksUntilNextEpoch']).toBe(oldBlocksUntilEpoch(HEAD));
    expect(epoch['blocksUntilNextEpoch']).toBe(47);
    expect(epoch['nextEpochStart']).toBe(HEAD + 47 + 1);
    // The chain counts from the last epoch, and one tempo.
    const ctx = devnet.chain.contextAt(devnet.head());
    const last = Number(ctx.get(storage.LastEpochBlock, NETUID));
    expect(epoch['chainNextEpoch']).toBe(last + TEMPO);
    expect(epoch['chainNextEpoch']).not.toBe(epoch['nextEpochStart']);
  });

  it('locks weights to a round that follows from those other blocks', async () => {
    const blockTimeS = 12;
    const { before, after, round } = await sdk.ask<{
      readonly before: number;
      readonly after: number;
      readonly round: number;
    }>('commit_round', {
      tempo: TEMPO,
      block: HEAD,
      netuid: NETUID,
      reveal_period: 1,
      block_time: blockTimeS,
    });
    // floor((120 + 87) / 51) is 4: by the old rule epoch 5 begins at 5 × 51 − 87, and three blocks are added.
    const sdkTarget = 5 * (TEMPO + 1) - (NETUID + 1) + 3;
    const roundFor = (nowS: number): number =>
      Math.floor((nowS + (sdkTarget - HEAD) * blockTimeS - QUICKNET.genesisTime) / QUICKNET.period);
    expect(round).toBeGreaterThanOrEqual(roundFor(before));
    expect(round).toBeLessThanOrEqual(roundFor(after));
    const ctx = devnet.chain.contextAt(devnet.head());
    const nextEpochBlock = Number(ctx.get(storage.LastEpochBlock, NETUID)) + TEMPO;
    const ours = planReveal({
      block: HEAD,
      nowMs: before * 1000,
      blockIntervalMs: blockTimeS * 1000,
      epochIndex: 2,
      nextEpochBlock,
      epochBlocks: TEMPO,
      revealPeriodEpochs: 1,
      beacon: {
        publicKey: '0x',
        genesisTimeS: QUICKNET.genesisTime,
        periodS: QUICKNET.period,
        lastStoredRound: 0,
      },
    });
    // Four rounds in a block of 12 s; the SDK is off by as many blocks as its epochs are.
    expect(sdkTarget - (nextEpochBlock + 3)).toBe(18);
    expect(round - ours.revealRound).toBeGreaterThanOrEqual(18 * 4);
    expect(round - ours.revealRound).toBeLessThanOrEqual(18 * 4 + 1);
  });

  it('reads fixed-point numbers of 64 bits as if they had 128', async () => {
    const { alpha_sigmoid_steepness } = await sdk.ask<{ readonly alpha_sigmoid_steepness: number }>(
      'hyperparameters',
      {
        netuid: NETUID,
      },
    );
    expect(alpha_sigmoid_steepness).toBe(0);
    expect(devnet.chain.contextAt(devnet.head()).get(storage.AlphaSigmoidSteepness, NETUID)).toBe(1000);
  });

  it('looks for prices in storage that the swap pallet has given up, and falls back to the ratio of the pool', async () => {
    const prices = await sdk.ask<{ readonly error?: string }>('prices');
    expect(prices.error).toMatch(/Swap|AlphaSqrtPrice/);
    expect(await sdk.ask('subnets')).toMatchObject({
      dynamic: [{ netuid: 0 }, { netuid: NETUID, price: 1e9 }],
    });
  });

  it('names the parts of mechanisms as the chain does', async () => {
    expect(await sdk.ask('storage_index', { netuid: NETUID, mechid: 1 })).toBe(4096 + NETUID);
  });
});
