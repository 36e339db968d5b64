import { inspect } from 'node:util';
import { mnemonicGenerate } from '@polkadot/util-crypto/mnemonic/generate';
import { mnemonicToMiniSecret } from '@polkadot/util-crypto/mnemonic/toMiniSecret';
import { mnemonicValidate } from '@polkadot/util-crypto/mnemonic/validate';

import type { Hotkey } from '../domain/ids.ts';
import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import type { KeyFailure } from './errors.ts';
import { pairFromUri } from './identity.ts';
import {
  type KeyPair,
  pairFromSeed,
  publicKeyOf,
  SEED_BYTES,
  secretFromCanonical,
  secretToCanonical,
  signWith,
} from './sr25519.ts';
import { encodeHotkey } from './ss58.ts';

/**
 * A key with everything that a keyfile keeps of it. Only wallet commands hold one, for as long as they write it; what
 * signs is an `Identity`. JSON and inspection show its address alone.
 */
export type KeySecret = {
  readonly address: Hotkey;
  readonly pair: KeyPair;
  /** BIP-39 words; null when the key came from a seed, a private key or a path. */
  readonly phrase: string | null;
  /** 32-byte mini-secret; null when the key came from a private key or a path. */
  readonly seed: Uint8Array | null;
};

/** Numbers of words a BIP-39 phrase can have; 12 is btcli's default. */
export const PHRASE_WORDS = [12, 15, 18, 21, 24] as const;
export type PhraseWords = (typeof PHRASE_WORDS)[number];

const PRIVATE_KEY_HEX = /^(?:0x)?([0-9a-fA-F]{128})$/;
const SEED_HEX = /^(?:0x)?([0-9a-fA-F]{64})$/;
/** A 24-word phrase has at most 215 characters. */
const MAX_SECRET_LENGTH = 1_024;

const invalid = (message: string): Outcome<never, KeyFailure> => fail({ _tag: 'InvalidSecret', message });

const keep = (parts: Omit<KeySecret, 'address'>): KeySecret => {
  const address = encodeHotkey(parts.pair.publicKey);
  const shown = { value: () => ({ address }), enumerable: false };
  return Object.freeze(
    Object.defineProperties({ address, ...parts }, { toJSON: shown, [inspect.custom]: shown }),
  );
};

/** Words as a person may type or paste them, whatever blanks are between them, in upper or lower case. */
const normalisePhrase = (text: string): string => text.trim().toLowerCase().split(/\s+/).join(' ');

const fromPhrase = (text: string): Outcome<KeySecret, KeyFailure> => {
  const phrase = normalisePhrase(text);
  const words = phrase.split(' ').length;
  if (!PHRASE_WORDS.some((count) => count === words)) {
    return invalid(`a phrase has ${PHRASE_WORDS.join(', ')} words, this one has ${words}`);
  }
  if (!mnemonicValidate(phrase)) {
    return invalid('the phrase is not valid: a word is misspelt, missing or in another place');
  }
  const seed = mnemonicToMiniSecret(phrase);
  return succeed(keep({ pair: pairFromSeed(seed), phrase, seed }));
};

/** Key of a 32-byte mini-secret (`secretSeed` of a keyfile). */
export const secretFromSeed = (seed: Uint8Array): Outcome<KeySecret, KeyFailure> =>
  seed.length === SEED_BYTES
    ? succeed(keep({ pair: pairFromSeed(seed), phrase: null, seed: Uint8Array.from(seed) }))
    : invalid(`a seed has ${SEED_BYTES} bytes, this one has ${seed.length}`);

/** Key of a keyfile's `privateKey`: 64 bytes, canonical scalar ‖ nonce; its public key is computed. */
export const secretFromPrivateKey = (privateKey: Uint8Array): Outcome<KeySecret, KeyFailure> => {
  const secretKey = secretFromCanonical(privateKey);
  if (secretKey === null) return invalid('the private key is not a canonical 64-byte sr25519 key');
  try {
    const publicKey = publicKeyOf(secretKey);
    // Signing is what the key is for, and refuses scalars outside the group.
    signWith({ publicKey, secretKey }, new Uint8Array(1));
    return succeed(keep({ pair: { publicKey, secretKey }, phrase: null, seed: null }));
  } catch {
    return invalid('the private key is not a valid sr25519 key');
  }
};

const fromPath = (text: string): Outcome<KeySecret, KeyFailure> => {
  const pair = pairFromUri(text);
  return pair.ok ? succeed(keep({ pair: pair.value, phrase: null, seed: null })) : pair;
};

/**
 * Key of what a person keeps of it: a BIP-39 phrase, a seed (64 hex digits), a private key (128 hex digits, as in a
 * keyfile), or a phrase or seed with a derivation path (`//Alice` for the development phrase), of which only the
 * private key can be kept. Failures never repeat the input.
 */
export const secretFromText = (text: string): Outcome<KeySecret, KeyFailure> => {
  const trimmed = text.trim();
  if (trimmed.length === 0 || trimmed.length > MAX_SECRET_LENGTH) {
    return invalid(`a secret has 1 to ${MAX_SECRET_LENGTH} characters, this one has ${trimmed.length}`);
  }
  const privateKey = PRIVATE_KEY_HEX.exec(trimmed)?.[1];
  if (privateKey !== undefined) return secretFromPrivateKey(Buffer.from(privateKey, 'hex'));
  const seed = SEED_HEX.exec(trimmed)?.[1];
  if (seed !== undefined) return secretFromSeed(Buffer.from(seed, 'hex'));
  return trimmed.includes('/') ? fromPath(trimmed) : fromPhrase(trimmed);
};

/** A new key with its phrase, from the operating system's randomness. */
export const newSecret = (words: PhraseWords): KeySecret => {
  const made = fromPhrase(mnemonicGenerate(words));
  if (!made.ok) throw new Error('the library made a phrase that it does not accept');
  return made.value;
};

/** A keyfile's `privateKey`: 64 bytes, canonical scalar ‖ nonce (btwallet src/keypair.rs). */
export const privateKeyOf = ({ pair }: KeySecret): Uint8Array => secretToCanonical(pair.secretKey);
