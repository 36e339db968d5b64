/** The hashes of Substrate's storage keys and blocks. twox128 is not cryptographic; only fixed names go in. */
import { blake2AsU8a, xxhashAsU8a } from '@polkadot/util-crypto';
import type { Hasher } from './pallet.ts';
import { concatBytes } from './scale.ts';

/** Lower-case hex with `0x`, as the RPC writes bytes. */
export const toHex = (value: Uint8Array): string =>
  `0x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`;

/** Bytes of `0x…`; undefined when it is not an even number of hex digits. */
export const fromHex = (text: string): Uint8Array | undefined =>
  /^0x(?:[0-9a-fA-F]{2})*$/.test(text) ? new Uint8Array(Buffer.from(text.slice(2), 'hex')) : undefined;

/** 32 bytes. */
export const blake2b256 = (input: Uint8Array): Uint8Array => blake2AsU8a(input, 256);

/** Hex digits without `0x` of twox128 of a pallet's or an item's name. */
export const twox128Hex = (name: string): string => toHex(xxhashAsU8a(name, 128)).slice(2);

/** How many bytes of hash stand before the plain key. */
export const hashBytes: { readonly [H in Hasher]: number } = {
  Identity: 0,
  Blake2128Concat: 16,
  Twox64Concat: 8,
};

/** A storage map's key part: hash and plain key. */
export const hashKey = (hasher: Hasher, key: Uint8Array): Uint8Array => {
  switch (hasher) {
    case 'Identity':
      return key;
    case 'Blake2128Concat':
      return concatBytes(blake2AsU8a(key, 128), key);
    case 'Twox64Concat':
      return concatBytes(xxhashAsU8a(key, 64), key);
  }
};
