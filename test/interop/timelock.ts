/** Timelock encryption by the Rust code of the scheme's authors, compiled to WASM, and a round of quicknet that is known. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { initSync, tle } from '@ideallabs/timelock_wasm_wrapper';
import { roundIdentity } from '#src/devnet/drand/quicknet.ts';

const wasm = createRequire(import.meta.url).resolve(
  '@ideallabs/timelock_wasm_wrapper/timelock_wasm_wrapper_bg.wasm',
);
initSync({ module: readFileSync(wasm) });

/** Encrypts to a beacon's public key (96 bytes) for a round. */
export const lock = (plain: Uint8Array, round: number, publicKey: Uint8Array): Uint8Array =>
  Uint8Array.from(
    tle(
      roundIdentity(BigInt(round)),
      plain,
      crypto.getRandomValues(new Uint8Array(32)),
      publicKey,
      'bls12_381',
    ),
  );

/** Round 1000 of drand's quicknet, published in 2023. Source: subtensor's tests/weights.rs. */
export const KNOWN_ROUND = 1000;
export const KNOWN_SIGNATURE =
  'b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39';
