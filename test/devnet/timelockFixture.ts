/** Timelocked commits as clients make them: encrypted by the Rust code of the scheme's authors, compiled to WASM. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { initSync, tle } from '@ideallabs/timelock_wasm_wrapper';
import { type Beacon, createBeacon } from '#src/devnet/drand/beacon.ts';
import { roundIdentity } from '#src/devnet/drand/quicknet.ts';
import { drandStorage } from '#src/devnet/drand/storage.ts';
import { bytes, fieldsCodec, u16, u64, vec } from '#src/devnet/scale.ts';
import { genesisOf, type TestState } from './subtensorFixture.ts';

const wasm = createRequire(import.meta.url).resolve(
  '@ideallabs/timelock_wasm_wrapper/timelock_wasm_wrapper_bg.wasm',
);
initSync({ module: readFileSync(wasm) });

export const beacon: Beacon = createBeacon(genesisOf());

/** A ciphertext that the beacon's signature of the round opens. */
export const lock = (plain: Uint8Array, round: number, key = new Uint8Array(32).fill(2)): Uint8Array =>
  Uint8Array.from(tle(roundIdentity(BigInt(round)), plain, key, beacon.configuration.publicKey, 'bls12_381'));

export type Weights = {
  readonly uids: number[];
  readonly values: number[];
  readonly versionKey: bigint;
};
export const weightsOf = (...values: number[]): Weights => ({ uids: [2, 3], values, versionKey: 0n });
const content = [vec(u16), vec(u16), u64] as const;
export const payload = (hotkey: Uint8Array, { uids, values, versionKey }: Weights): Uint8Array =>
  fieldsCodec([bytes, ...content]).enc([hotkey, uids, values, versionKey]);
export const legacyPayload = ({ uids, values, versionKey }: Weights): Uint8Array =>
  fieldsCodec(content).enc([uids, values, versionKey]);

/** Stores the pulse of a round as if a block had brought it. */
export const publish = (state: TestState, ...rounds: number[]): void => {
  state.write((ctx) => {
    for (const round of rounds) {
      ctx.put(drandStorage.Pulses, BigInt(round), beacon.pulse(round));
    }
  });
};
