/** The runtime's version and the hashes by which clients find its APIs. */
import { blake2AsU8a } from '@polkadot/util-crypto';
import { toHex } from './hashing.ts';
import type { Pallet } from './pallet.ts';
import { fixedBytes, newtype, str, struct, tuple, u8, u32, type ValueOf, vec } from './scale.ts';

export const SPEC_NAME = 'node-subtensor';
export const TRANSACTION_VERSION = 1;

const apiList = vec(tuple(fixedBytes(8), u32));
export const runtimeVersionType = struct('sp_version::RuntimeVersion', {
  specName: str,
  implName: str,
  authoringVersion: u32,
  specVersion: u32,
  implVersion: u32,
  apis: newtype('Cow', apiList, [{ name: 'T', type: apiList }]),
  transactionVersion: u32,
  systemVersion: u8,
});
export type RuntimeVersion = ValueOf<typeof runtimeVersionType>;

export const runtimeVersion = (pallets: readonly Pallet[], specVersion: number): RuntimeVersion => ({
  specName: SPEC_NAME,
  implName: SPEC_NAME,
  authoringVersion: 1,
  specVersion,
  implVersion: 1,
  apis: pallets.flatMap(({ apis }) =>
    (apis ?? []).map(({ name, version }) => [blake2AsU8a(name, 64), version] as const),
  ),
  transactionVersion: TRANSACTION_VERSION,
  systemVersion: 1,
});

/** As `state_getRuntimeVersion` writes it. */
export const runtimeVersionJson = (version: RuntimeVersion): object => ({
  ...version,
  apis: version.apis.map(([id, apiVersion]) => [toHex(id), apiVersion]),
  stateVersion: version.systemVersion,
});
