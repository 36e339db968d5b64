import { inspect } from 'node:util';
import { hexToU8a } from '@polkadot/util';
import { keyExtractSuri } from '@polkadot/util-crypto/key/extractSuri';
import { keyFromPath } from '@polkadot/util-crypto/key/fromPath';
import { mnemonicToMiniSecret } from '@polkadot/util-crypto/mnemonic/toMiniSecret';

import type { Hotkey } from '../domain/ids.ts';
import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import type { KeyFailure } from './errors.ts';
import { type KeyPair, pairFromSeed, signWith } from './sr25519.ts';
import { encodeHotkey } from './ss58.ts';

export { keysReady, verifySignature } from './sr25519.ts';

/** A hotkey that can sign. The secret lives in a closure: no property, no JSON and no inspection shows it. */
export interface Identity {
  readonly hotkey: Hotkey;
  readonly publicKey: Uint8Array;
  /** sr25519 signature, 64 bytes, context `substrate`. The message is signed as it is, not hashed. */
  sign(message: Uint8Array): Uint8Array;
}

/** Substrate's development phrase, used for a URI that starts with its path (`//Alice`). */
export const DEVELOPMENT_PHRASE = 'bottom drive obey lake curtain smoke basket hold race lonely fit walk';
const HEX_SEED = /^0x[0-9a-fA-F]{64}$/;
/** A 24-word phrase with a path and a password stays far below this. */
const MAX_URI_LENGTH = 1_024;

const invalid = (message: string): Outcome<never, KeyFailure> => fail({ _tag: 'InvalidSecret', message });

/** Wraps a key pair so that its secret can only be used for signing. */
export const identityOf = (pair: KeyPair): Identity => {
  const { publicKey } = pair;
  const hotkey = encodeHotkey(publicKey);
  const identity: Identity = {
    hotkey,
    publicKey: Uint8Array.from(publicKey),
    sign: (message) => signWith(pair, message),
  };
  const shown = { value: () => ({ hotkey }), enumerable: false };
  return Object.freeze(Object.defineProperties(identity, { toJSON: shown, [inspect.custom]: shown }));
};

/**
 * Key pair of a Substrate secret URI: `//Alice`, `<12..24 words>//hard/soft///password`, or `0x<32-byte seed>` with an
 * optional path. A URI that starts with its path means the development phrase.
 *
 * Failures never repeat the input. Derivation: BIP-39 entropy → PBKDF2 → schnorrkel mini-secret (Substrate variant).
 */
export const pairFromUri = (uri: string): Outcome<KeyPair, KeyFailure> => {
  if (uri.length === 0 || uri.length > MAX_URI_LENGTH) {
    return invalid(`a secret URI has 1 to ${MAX_URI_LENGTH} characters, this one has ${uri.length}`);
  }
  try {
    const { phrase, path, password } = keyExtractSuri(
      uri.startsWith('/') ? `${DEVELOPMENT_PHRASE}${uri}` : uri,
    );
    const isHex = phrase.startsWith('0x');
    if (isHex && !HEX_SEED.test(phrase)) {
      return invalid('a hex secret is 0x and 64 hex digits (a 32-byte seed)');
    }
    const seed = isHex ? hexToU8a(phrase) : mnemonicToMiniSecret(phrase, password ?? '');
    const { publicKey, secretKey } = keyFromPath({ ...pairFromSeed(seed) }, path, 'sr25519');
    return succeed({ publicKey, secretKey });
  } catch {
    // The library's messages repeat the phrase in places, so none of them is passed on.
    return invalid(
      'no valid secret: expected //Name, a BIP-39 phrase (checksum included) or a 0x seed, with a path',
    );
  }
};

/** Identity of a Substrate secret URI; see `pairFromUri`. */
export const identityFromUri = (uri: string): Outcome<Identity, KeyFailure> => {
  const pair = pairFromUri(uri);
  return pair.ok ? succeed(identityOf(pair.value)) : pair;
};
