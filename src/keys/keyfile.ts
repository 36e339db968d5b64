import { hexToU8a, isHex, u8aEq } from '@polkadot/util';
import * as Result from 'effect/Result';
import * as Schema from 'effect/Schema';

import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import type { WalletReason } from './errors.ts';
import { type Identity, identityFromUri, identityOf } from './identity.ts';
import {
  type KeyPair,
  pairFromSeed,
  SEED_BYTES,
  secretFromCanonical,
  signWith,
  verifySignature,
} from './sr25519.ts';
import { decodeHotkey } from './ss58.ts';

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

/** First bytes of the encrypted forms (btwallet src/keyfile.rs): libsodium secretbox, Ansible Vault, Fernet. */
const ENCRYPTED_PREFIXES = ['$NACL', '$ANSIBLE_VAULT', 'gAAAAA'] as const;

const refuse = (reason: WalletReason, message: string): Outcome<never, KeyfileFailure> =>
  fail({ reason, message });
const hexOf = (text: string | null | undefined, bytes: number): Uint8Array | null => {
  if (text === null || text === undefined) return null;
  const prefixed = text.startsWith('0x') ? text : `0x${text}`;
  return isHex(prefixed, bytes * 8) ? hexToU8a(prefixed) : null;
};

/** Public key that the file claims, from its address first: the part an operator can compare by eye. */
const claimedPublicKey = (file: Keyfile): Outcome<Uint8Array | null, KeyfileFailure> => {
  if (file.ss58Address) {
    const decoded = decodeHotkey(file.ss58Address);
    return decoded.ok ? succeed(decoded.value) : refuse('Malformed', decoded.error.message);
  }
  return succeed(hexOf(file.publicKey ?? file.accountId, SEED_BYTES));
};

/**
 * The seed text when it is not hex: btwallet writes the 32 bytes as text when they happen to be valid UTF-8. Such a
 * seed is only trusted when the file also names the public key that must come out.
 */
const seedBytes = (text: string, claimed: Uint8Array | null): Uint8Array | null => {
  const hex = hexOf(text, SEED_BYTES);
  if (hex !== null) return hex;
  const raw = new TextEncoder().encode(text);
  return claimed !== null && raw.length === SEED_BYTES ? raw : null;
};

/** The key pair behind a schnorrkel `privateKey`; signing a probe proves that scalar and public key belong together. */
const pairFromPrivateKey = (text: string, claimed: Uint8Array | null): KeyPair | null => {
  const bytes = hexOf(text, 64);
  const secretKey = bytes === null ? null : secretFromCanonical(bytes);
  if (secretKey === null || claimed === null) return null;
  const pair = { publicKey: claimed, secretKey };
  try {
    const probe = new TextEncoder().encode('miaoai keyfile probe');
    const signature = signWith(pair, probe);
    return verifySignature({ message: probe, signature, publicKey: claimed }) ? pair : null;
  } catch {
    return null;
  }
};

/** Secret by precedence: phrase, then seed, then private key (btwallet src/keypair.rs). null: none of them is usable. */
const identityIn = (file: Keyfile, claimed: Uint8Array | null): Outcome<Identity, KeyfileFailure> => {
  if (file.secretPhrase) {
    const identity = identityFromUri(file.secretPhrase);
    return identity.ok ? identity : refuse('Malformed', 'its secretPhrase is no valid BIP-39 phrase');
  }
  const seed = file.secretSeed ? seedBytes(file.secretSeed, claimed) : null;
  if (seed !== null) return succeed(identityOf(pairFromSeed(seed)));
  if (file.privateKey) {
    const pair = pairFromPrivateKey(file.privateKey, claimed);
    return pair === null
      ? refuse('Mismatch', 'its privateKey is malformed or does not belong to its ss58Address')
      : succeed(identityOf(pair));
  }
  return file.secretSeed
    ? refuse('Malformed', 'its secretSeed is not 0x and 64 hex digits, and it holds no phrase or private key')
    : refuse('PublicOnly', 'it holds no secret (phrase, seed or private key), only a public key');
};

/**
 * Identity of one keyfile's text. Encrypted files are recognised and refused; the derived public key must equal the
 * one the file names. Messages are phrases that continue "the keyfile …: ", and never repeat the content.
 */
export const identityFromKeyfile = (content: string): Outcome<Identity, KeyfileFailure> => {
  const start = content.trimStart();
  if (ENCRYPTED_PREFIXES.some((prefix) => start.startsWith(prefix))) {
    return refuse(
      'Encrypted',
      'encrypted keyfiles are not supported yet by this version; use a hotkey that is stored unencrypted ' +
        '(the default of `btcli wallet new-hotkey`), the coldkey is never needed',
    );
  }
  const decoded = decodeKeyfile(content);
  if (Result.isFailure(decoded)) return refuse('Malformed', 'it is no keyfile JSON with text values');
  const claimed = claimedPublicKey(decoded.success);
  if (!claimed.ok) return claimed;
  const identity = identityIn(decoded.success, claimed.value);
  if (!identity.ok || claimed.value === null) return identity;
  return u8aEq(identity.value.publicKey, claimed.value)
    ? identity
    : refuse(
        'Mismatch',
        'its secret belongs to another key than its ss58Address; restore it from the phrase',
      );
};
