import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { QUICKNET } from '#src/devnet/drand/storage.ts';
import type { Devnet } from '#src/devnet/node.ts';
import { addressOf, BLOCK_TIME_MS, eventually, keyring, NETUID, startChain, VALIDATOR } from './chain.ts';
import { type Sdk, startSdk } from './sdk.ts';
import { KNOWN_ROUND, KNOWN_SIGNATURE, lock } from './timelock.ts';

/** 9 s: long enough for a commit to name a round of the following epoch. */
const TEMPO = 30;
let devnet: Devnet;
let sdk: Sdk;
beforeAll(async () => {
  devnet = await startChain({
    tempo: TEMPO,
    hyperparameters: { commitRevealWeightsEnabled: true, weightsSetRateLimit: '0' },
  });
  sdk = startSdk(devnet.url);
});
afterAll(async () => {
  await sdk?.stop();
  await devnet?.stop();
});

type Commit = {
  readonly success: boolean;
  readonly call: string;
  readonly commit: string;
  readonly round: number;
};
type Stored = {
  readonly hotkey: string;
  readonly block: number;
  readonly commit: string;
  readonly round: number;
};
const wallet = () => sdk.wallet(VALIDATOR.coldkey, VALIDATOR.hotkey);
const stored = () => sdk.ask<readonly Stored[]>('timelocked_commits', { netuid: NETUID, mechid: 0 });
const weights = () => sdk.ask<readonly unknown[]>('weights', { netuid: NETUID, mechid: 0 });

describe('interop / the official SDK with commit-reveal', () => {
  it('has its commit accepted and stored as it was sent', async () => {
    const sent = await sdk.ask<Commit>('set_weights', {
      wallet: wallet(),
      netuid: NETUID,
      mechid: 0,
      uids: [1],
      weights: [1],
      block_time: BLOCK_TIME_MS / 1000,
    });
    expect(sent).toMatchObject({ success: true, call: 'commit_timelocked_mechanism_weights' });
    const [commit] = await stored();
    expect(commit).toMatchObject({ hotkey: addressOf(VALIDATOR.hotkey), round: sent.round });
    expect(commit?.commit).toContain(sent.commit);
    // 1 + 32 bytes of hotkey, 3 + 3 of the lists, 8 of the version key, and 244 of the encryption
    expect(sent.commit).toHaveLength(2 * (33 + 3 + 3 + 8 + 244));
    expect(await weights()).toEqual([]);
  });

  it('has its own payload revealed, once that is locked to the beacon of the embedded chain', async () => {
    const { publicKey } = keyring.addFromUri(VALIDATOR.hotkey);
    const known = await sdk.ask<{ readonly commit: string }>('commit_for_round', {
      uids: [0, 1],
      weights: [65_535, 32_768],
      version_key: 10_002_000,
      hotkey: Buffer.from(publicKey).toString('hex'),
      genesis_time: QUICKNET.genesisTime,
      round_: KNOWN_ROUND,
    });
    const payload = await sdk.ask<string>('open_ciphertext', {
      ciphertext: known.commit,
      round_: KNOWN_ROUND,
      signature: KNOWN_SIGNATURE,
    });
    const { beacon } = devnet;
    const round = beacon.roundAt(Date.now()) + 2;
    const commit = lock(Buffer.from(payload, 'hex'), round, beacon.configuration.publicKey);
    const call = {
      wallet: wallet(),
      module: 'SubtensorModule',
      function: 'commit_timelocked_mechanism_weights',
      params: {
        netuid: NETUID,
        mecid: 0,
        commit: `0x${Buffer.from(commit).toString('hex')}`,
        reveal_round: round,
        commit_reveal_version: 4,
      },
      sign_with: 'hotkey',
    };
    expect(await sdk.ask('send', call)).toMatchObject({ success: true });
    const revealed = await eventually(devnet, weights, (rows) => rows.length > 0, 3 * TEMPO);
    expect(revealed).toEqual([
      [
        0,
        [
          [0, 65_535],
          [1, 32_768],
        ],
      ],
    ]);
  });

  it('is refused a commit for a round that is out already', async () => {
    const commit = lock(new Uint8Array(8), KNOWN_ROUND, devnet.beacon.configuration.publicKey);
    const refused = await sdk.ask<{ readonly success: boolean; readonly message: string }>('send', {
      wallet: wallet(),
      module: 'SubtensorModule',
      function: 'commit_timelocked_mechanism_weights',
      params: {
        netuid: NETUID,
        mecid: 0,
        commit: `0x${Buffer.from(commit).toString('hex')}`,
        reveal_round: KNOWN_ROUND,
        commit_reveal_version: 4,
      },
      sign_with: 'hotkey',
    });
    expect(refused.success).toBe(false);
    expect(refused.message).toContain('Custom error: 15');
  });
});

describe('interop / commitments', () => {
  it('are written and read by the official SDK', async () => {
    const text = 'hello from the SDK';
    expect(await sdk.ask('commitment', { wallet: wallet(), netuid: NETUID, text })).toMatchObject({
      success: true,
      one: text,
      all: { [addressOf(VALIDATOR.hotkey)]: text },
    });
    expect(await sdk.ask('metagraph', { netuid: NETUID, lite: true })).toMatchObject({
      info: { commitments: [[addressOf(VALIDATOR.hotkey), text]] },
    });
  });
});
