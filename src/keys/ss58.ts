import { decodeAddress } from '@polkadot/util-crypto/address/decode';
import { encodeAddress } from '@polkadot/util-crypto/address/encode';

import type { Hotkey } from '../domain/ids.ts';
import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import type { KeyFailure } from './errors.ts';
import { PUBLIC_KEY_BYTES } from './sr25519.ts';

/** Network prefix of Bittensor addresses (generic Substrate). */
export const SS58_PREFIX = 42;
/** Longest address of a 32-byte key with a one-byte prefix; longer input is refused before any base58 work. */
const MAX_ADDRESS_LENGTH = 48;
const ADDRESS = /^5[1-9A-HJ-NP-Za-km-z]{46,47}$/;

/** SS58 text of a 32-byte public key, prefix 42. Throws on any other length: that is a bug, not input. */
export const encodeHotkey = (publicKey: Uint8Array): Hotkey => {
  if (publicKey.length !== PUBLIC_KEY_BYTES) {
    throw new RangeError(`public key has ${publicKey.length} bytes, expected ${PUBLIC_KEY_BYTES}`);
  }
  return encodeAddress(publicKey, SS58_PREFIX);
};

/** Public key (32 bytes) of an SS58 address; prefix and checksum are verified. */
export const decodeHotkey = (text: string): Outcome<Uint8Array, KeyFailure> => {
  if (!ADDRESS.test(text)) {
    const shown = text.length > MAX_ADDRESS_LENGTH ? `${text.slice(0, MAX_ADDRESS_LENGTH)}…` : text;
    return fail({
      _tag: 'InvalidAddress',
      message: `${JSON.stringify(shown)} is no SS58 address: expected 47 or 48 base58 characters that start with 5`,
    });
  }
  try {
    return succeed(decodeAddress(text, false, SS58_PREFIX));
  } catch {
    return fail({
      _tag: 'InvalidAddress',
      message: `the checksum or prefix of ${text} is wrong: copy the address again, a character has changed`,
    });
  }
};
