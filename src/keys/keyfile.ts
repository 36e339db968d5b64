import { hexToU8a, isHex, u8aEq, u8aToHex } from '@polkadot/util';
import * as Result from 'effect/Result';
import * as Schema from 'effect/Schema';

import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import type { WalletReason } from './errors.ts';
import { type Identity, identityOf } from './identity.ts';
import {
  type KeySecret,
  privateKeyOf,
  secretFromPrivateKey,
  secretFromSeed,
  secretFromText,
} from './secret.ts';
import { PUBLIC_KEY_BYTES, SEED_BYTES } from './sr25519.ts';
import { decodeHotkey, encodeHotkey } from './ss58.ts';

/** Why a keyfile's content was refused. */
export type KeyfileFailure = { readonly reason: WalletReason; readonly message: string };

const Text = Schema.optionalKey(Schema.NullOr(Schema.String));

/** Plain keyfile of btwallet and of the older Python library; absent values are omitted or null (btwallet src/keyfile.rs). */
const Keyfile = Schema.Struct({
  accountId: Text,
  publicKey: Text,
  privateKey: Text,
  secretPhrase: Text,
  secretSeed: Text,
  ss58Address: Text,
});
type Keyfile = typeof Keyfile.Type;
const decodeKeyfile = Schema.decodeUnknownResult(Schema.fromJsonString(Keyfile));

const refuse = (reason: WalletReason, message: string): Outcome<never, KeyfileFailure> =>
  fail({ reason, message });
const hexOf = (text: string | null | undefined, bytes: number): Uint8Array | null => {
  if (text === null || text === undefined) return null;
  const prefixed = text.startsWith('0x') ? text : `0x${text}`;
  return isHex(prefixed, bytes * 8) ? hexToU8a(prefixed) : null;
};

const parse = (content: string): Outcome<Keyfile, KeyfileFailure> => {
  const decoded = decodeKeyfile(content);
  return Result.isSuccess(decoded)
    ? succeed(decoded.success)
    : refuse('Malformed', 'it is no keyfile JSON with text values');
};

/** Public key that the file claims, from its address first: the part an operator can compare by eye. */
const claimedPublicKey = (file: Keyfile): Outcome<Uint8Array | null, KeyfileFailure> => {
  if (file.ss58Address) {
    const decoded = decodeHotkey(file.ss58Address);
    return decoded.ok ? succeed(decoded.value) : refuse('Malformed', decoded.error.message);
  }
  const text = file.publicKey || file.accountId;
  const publicKey = hexOf(text, PUBLIC_KEY_BYTES);
  return text && publicKey === null
    ? refuse('Malformed', 'its publicKey is not 0x and 64 hex digits')
    : succeed(publicKey);
};

/**
 * The seed text when it is not hex: btwallet writes `0x` and then the 32 bytes as text when they happen to be valid
 * UTF-8 (measured with btwallet 4.0.1). Such a seed is only trusted when the file also names the public key that must
 * come out.
 */
const seedBytes = (text: string, claimed: Uint8Array | null): Uint8Array | null => {
  const hex = hexOf(text, SEED_BYTES);
  if (hex !== null || claimed === null) return hex;
  const candidates = [text, text.replace(/^0x/, '')].map((part) => new TextEncoder().encode(part));
  return candidates.find((bytes) => bytes.length === SEED_BYTES) ?? null;
};

/** Secret by precedence: phrase, then seed, then private key (btwallet src/keypair.rs). */
const secretIn = (file: Keyfile, claimed: Uint8Array | null): Outcome<KeySecret, KeyfileFailure> => {
  if (file.secretPhrase) {
    const secret = secretFromText(file.secretPhrase);
    return secret.ok ? secret : refuse('Malformed', 'its secretPhrase is no valid BIP-39 phrase');
  }
  const seed = file.secretSeed ? seedBytes(file.secretSeed, claimed) : null;
  const fromSeed = seed === null ? null : secretFromSeed(seed);
  if (fromSeed?.ok) return fromSeed;
  if (file.privateKey) {
    const bytes = hexOf(file.privateKey, 64);
    const secret = bytes === null ? null : secretFromPrivateKey(bytes);
    return secret?.ok ? secret : refuse('Malformed', 'its privateKey is not 0x and 128 hex digits of a key');
  }
  return file.secretSeed
    ? refuse('Malformed', 'its secretSeed is not 0x and 64 hex digits, and it holds no phrase or private key')
    : refuse('PublicOnly', 'it holds no secret (phrase, seed or private key), only a public key');
};

/**
 * The secret of one plain keyfile's text; the derived public key must equal the one the file names. Messages are
 * phrases that continue "the keyfile …: ", and never repeat the content.
 */
export const secretFromKeyfile = (content: string): Outcome<KeySecret, KeyfileFailure> => {
  const file = parse(content);
  if (!file.ok) return file;
  const claimed = claimedPublicKey(file.value);
  if (!claimed.ok) return claimed;
  const secret = secretIn(file.value, claimed.value);
  if (!secret.ok || claimed.value === null) return secret;
  return u8aEq(secret.value.pair.publicKey, claimed.value)
    ? secret
    : refuse(
        'Mismatch',
        'its secret belongs to another key than its ss58Address; restore it from the phrase',
      );
};

/** Identity of one plain keyfile's text; see `secretFromKeyfile`. */
export const identityFromKeyfile = (content: string): Outcome<Identity, KeyfileFailure> => {
  const secret = secretFromKeyfile(content);
  return secret.ok ? succeed(identityOf(secret.value.pair)) : secret;
};

/** Public key that a plain keyfile or a `…pub.txt` names. */
export const publicKeyInKeyfile = (content: string): Outcome<Uint8Array, KeyfileFailure> => {
  const file = parse(content);
  if (!file.ok) return file;
  const claimed = claimedPublicKey(file.value);
  if (!claimed.ok) return claimed;
  return claimed.value === null ? refuse('Malformed', 'it names no public key') : succeed(claimed.value);
};

const publicParts = (publicKey: Uint8Array) => ({
  accountId: u8aToHex(publicKey),
  publicKey: u8aToHex(publicKey),
  ss58Address: encodeHotkey(publicKey),
});

/** Content of `coldkeypub.txt` and `hotkeys/<name>pub.txt`. */
export const publicKeyfileJson = (publicKey: Uint8Array): string => JSON.stringify(publicParts(publicKey));

/** Plain content of a keyfile; what the key does not have is left out, and a seed is always hex. */
export const keyfileJson = (secret: KeySecret): string =>
  JSON.stringify({
    ...publicParts(secret.pair.publicKey),
    privateKey: u8aToHex(privateKeyOf(secret)),
    ...(secret.phrase !== null && { secretPhrase: secret.phrase }),
    ...(secret.seed !== null && { secretSeed: u8aToHex(secret.seed) }),
  });
