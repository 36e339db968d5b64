import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encryptForRound } from '#src/chain/timelock.ts';
import { timelockPayload } from '#src/chain/weightPayload.ts';
import { QUICKNET } from '#src/devnet/drand/storage.ts';
import { openTimelock } from '#src/devnet/drand/timelockOpen.ts';
import { keyring } from './chain.ts';
import { type Sdk, startSdk } from './sdk.ts';
import { KNOWN_ROUND, KNOWN_SIGNATURE, lock } from './timelock.ts';

let sdk: Sdk;
beforeAll(() => {
  sdk = startSdk();
});
afterAll(() => sdk?.stop());

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));
const signature = bytesOf(KNOWN_SIGNATURE);
const { publicKey } = keyring.addFromUri('//Alice');
const vector = { uids: [1, 2, 3], values: [100, 200, 300] };
const payload = timelockPayload({ publicKey, vector, versionKey: 42 });
const openBySdk = (ciphertext: Uint8Array) =>
  sdk.ask<string>('open_ciphertext', {
    ciphertext: hexOf(ciphertext),
    round_: KNOWN_ROUND,
    signature: KNOWN_SIGNATURE,
  });

describe('interop / timelock encryption of weights', () => {
  it('has the payload that bittensor_drand encrypts, byte for byte', async () => {
    const { commit, round } = await sdk.ask<{ readonly commit: string; readonly round: number }>(
      'commit_for_round',
      {
        uids: vector.uids,
        weights: vector.values,
        version_key: 42,
        hotkey: hexOf(publicKey),
        genesis_time: QUICKNET.genesisTime,
        round_: KNOWN_ROUND,
      },
    );
    expect(round).toBe(KNOWN_ROUND);
    expect(await openBySdk(bytesOf(commit))).toBe(hexOf(payload));
  });

  it('opens on the embedded chain what bittensor_drand encrypts', async () => {
    const { commit } = await sdk.ask<{ readonly commit: string }>('commit_for_round', {
      uids: vector.uids,
      weights: vector.values,
      version_key: 42,
      hotkey: hexOf(publicKey),
      genesis_time: QUICKNET.genesisTime,
      round_: KNOWN_ROUND,
    });
    const opened = openTimelock(bytesOf(commit), signature);
    expect(opened && hexOf(opened)).toBe(hexOf(payload));
    const damaged = bytesOf(commit).map((byte, i) => (i === 200 ? byte ^ 1 : byte));
    expect(openTimelock(damaged, signature)).toBeUndefined();
  });

  it('is opened by bittensor_drand when the client encrypts', async () => {
    const locked = encryptForRound({ publicKey: QUICKNET.publicKey, round: KNOWN_ROUND, message: payload });
    if (!locked.ok) throw new Error(locked.error.message);
    expect(await openBySdk(locked.value)).toBe(hexOf(payload));
    expect(openTimelock(new Uint8Array(locked.value), signature)).toEqual(new Uint8Array(payload));
  });

  it("is read and written alike by the Rust code of the scheme's authors", async () => {
    const locked = lock(payload, KNOWN_ROUND, QUICKNET.publicKey);
    expect(await openBySdk(locked)).toBe(hexOf(payload));
    expect(openTimelock(locked, signature)).toEqual(new Uint8Array(payload));
  });
});
