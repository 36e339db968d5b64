import { compactToU8a } from '@polkadot/util';
import { blake2AsU8a } from '@polkadot/util-crypto/blake2';

import type { WeightVector } from '../domain/weightVector.ts';

/** Weights as commit-reveal signs or locks them; both layouts are of subtensor subnets/weights.rs. */

const u16 = (value: number): Uint8Array => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
};
const u64 = (value: number): Uint8Array => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};
/** SCALE `Vec<u16>`. */
const u16List = (values: readonly number[]): Uint8Array =>
  Buffer.concat([compactToU8a(values.length), ...values.map(u16)]);

/**
 * What a timelocked commit contains: SCALE of (hotkey `Vec<u8>`, uids, values, version key). The hotkey binds it to its
 * committer: the chain drops a copy that another hotkey commits.
 */
export const timelockPayload = (options: {
  /** 32 bytes of the hotkey that commits. */
  readonly publicKey: Uint8Array;
  readonly vector: WeightVector;
  readonly versionKey: number;
}): Uint8Array => {
  const { publicKey, vector, versionKey } = options;
  return Buffer.concat([
    compactToU8a(publicKey.length),
    publicKey,
    u16List(vector.uids),
    u16List(vector.values),
    u64(versionKey),
  ]);
};

/**
 * Hash of a plain commit (`commit_mechanism_weights`), which its `reveal` must reproduce: Blake2b-256 over the values
 * exactly as revealed, before the chain scales them.
 *
 * @param index mechanism × 4096 + netuid
 */
export const commitHash = (options: {
  readonly publicKey: Uint8Array;
  readonly index: number;
  readonly vector: WeightVector;
  readonly salt: readonly number[];
  readonly versionKey: number;
}): Uint8Array => {
  const { publicKey, index, vector, salt, versionKey } = options;
  const lists = [vector.uids, vector.values, salt].map(u16List);
  return blake2AsU8a(Buffer.concat([publicKey, u16(index), ...lists, u64(versionKey)]), 256);
};
