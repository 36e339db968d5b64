import { randomBytes } from 'node:crypto';
import { gcm } from '@noble/ciphers/aes.js';
import { bls12_381 } from '@noble/curves/bls12-381.js';
import { sha256 } from '@noble/hashes/sha2.js';

import { fail, type Outcome, succeed } from '../domain/outcome.ts';

/**
 * Timelock encryption to a round of a randomness beacon: Boneh-Franklin FullIdent on BLS12-381, keys in G2, identities
 * and signatures in G1, around AES-256-GCM. Whoever has the beacon's signature of the round can decrypt, nobody before.
 *
 * Bytes as the runtime's own crate reads them: ideal-lab5/timelock 5416406, tle/src/tlock.rs, ibe/fullident.rs,
 * ibe/utils.rs, stream_ciphers.rs. Newer releases of that crate and tlock-js write other layouts.
 */

/** What has to be fresh in every encryption. */
export type TimelockRandomness = {
  /** 32 bytes, the AES key. */
  readonly key: Uint8Array;
  /** 32 bytes. */
  readonly sigma: Uint8Array;
  /** 12 bytes. */
  readonly nonce: Uint8Array;
};

export type TimelockFailure = { readonly _tag: 'InvalidBeaconKey'; readonly message: string };

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const G2_BYTES = 96;
const SUITE = new TextEncoder().encode('AES_GCM_');
const { G1, G2, fields, pairing } = bls12_381;
const { Fr } = fields;
type Target = ReturnType<typeof pairing>;
type PublicKey = ReturnType<typeof G2.Point.fromBytes>;

/** RFC 9380, SHA-256, SSWU, random oracle; the domain of unchained G1 signatures (drand scheme bls-unchained-g1-rfc9380). */
const IDENTITY_DOMAIN = { DST: 'BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_' };

const u64 = (value: number | bigint): Uint8Array => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
};
const withLength = (bytes: Uint8Array): Uint8Array => Buffer.concat([u64(bytes.length), bytes]);
const xor = (left: Uint8Array, right: Uint8Array): Uint8Array =>
  left.map((byte, index) => byte ^ (right[index] ?? 0));
const bigEndian = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`);

/** What the beacon signs in a round: SHA-256 of the round as big-endian u64, hashed to G1. */
const roundPoint = (round: number) => {
  const message = Buffer.alloc(8);
  message.writeBigUInt64BE(BigInt(round));
  return G1.hashToCurve(sha256(message), IDENTITY_DOMAIN);
};

/** Twelve coordinates of 48 bytes each, little-endian: arkworks' encoding of a target group element. */
const targetBytes = (element: Target): Uint8Array => {
  const coordinates = [element.c0, element.c1]
    .flatMap(({ c0, c1, c2 }) => [c0, c1, c2])
    .flatMap(({ c0, c1 }) => [c0, c1]);
  const hex = coordinates.map((value) => value.toString(16).padStart(96, '0'));
  return Buffer.concat(hex.map((text) => Buffer.from(text, 'hex').reverse()));
};

/** Decodes and checks a beacon's key: canonical, on the curve, in the subgroup of prime order, not the identity. */
const parsePublicKey = (bytes: Uint8Array): Outcome<PublicKey, TimelockFailure> => {
  const invalid = (why: string): Outcome<never, TimelockFailure> =>
    fail({
      _tag: 'InvalidBeaconKey',
      message: `the chain's beacon key is ${why}: weights cannot be locked to it`,
    });
  if (bytes.length !== G2_BYTES) return invalid(`${bytes.length} bytes long, not ${G2_BYTES}`);
  try {
    const point = G2.Point.fromBytes(bytes);
    return point.is0() ? invalid('the identity') : succeed(point);
  } catch {
    return invalid('no point of the prime-order subgroup of BLS12-381 G2');
  }
};

export const freshRandomness = (): TimelockRandomness => ({
  key: randomBytes(KEY_BYTES),
  sigma: randomBytes(KEY_BYTES),
  nonce: randomBytes(NONCE_BYTES),
});

/**
 * The generator of G2 without the table of multiples that the library makes for its own at first use: a fifth of a
 * second, worth it from some ten encryptions on, and one is made per epoch.
 */
const generator = G2.Point.fromAffine(G2.Point.BASE.toAffine());

/** U, V and W: the key, locked. */
const lockKey = (publicKey: PublicKey, round: number, { key, sigma }: TimelockRandomness): Uint8Array => {
  const scalar = Fr.create(bigEndian(sha256(Buffer.concat([sigma, key]))));
  // e(Q, r·P) = e(r·Q, P), and multiplying in G1 is the cheaper.
  const shared = pairing(roundPoint(round).multiply(scalar), publicKey);
  const masked = xor(sigma, sha256(targetBytes(shared)));
  const wrapped = xor(key, sha256(sigma));
  const point = generator.multiply(scalar).toBytes(true);
  return Buffer.concat([point, withLength(masked), withLength(wrapped)]);
};

/**
 * Locks a message until the beacon publishes `round`. Takes some tens of milliseconds, once `prepareTimelock` was called,
 * and constant memory beyond the message; the result is 244 bytes longer than the message.
 *
 * @param publicKey the beacon's, compressed G2, 96 bytes; anything but a point of the subgroup is refused
 * @param round from 1
 * @param randomness fresh by default; given only to reproduce known bytes
 */
export const encryptForRound = (options: {
  readonly publicKey: Uint8Array;
  readonly round: number;
  readonly message: Uint8Array;
  readonly randomness?: TimelockRandomness;
}): Outcome<Uint8Array, TimelockFailure> => {
  const publicKey = parsePublicKey(options.publicKey);
  if (!publicKey.ok) return publicKey;
  const randomness = options.randomness ?? freshRandomness();
  const sealed = gcm(randomness.key, randomness.nonce).encrypt(options.message);
  const body = Buffer.concat([withLength(sealed), withLength(randomness.nonce)]);
  const locked = lockKey(publicKey.value, options.round, randomness);
  // The body's length counts what is sealed and the nonce, and not the name of the cipher that follows it.
  return succeed(Buffer.concat([locked, withLength(body), withLength(SUITE)]));
};

/**
 * Lets the first encryption of a process, which takes several times as long as the next ones, be of nothing. Called before
 * anything is measured: the answers of miners that arrive meanwhile would look that much slower.
 */
export const prepareTimelock = (): void => {
  const anyKey = G2.Point.BASE.toBytes(true);
  encryptForRound({ publicKey: anyKey, round: 1, message: new Uint8Array(0) });
};
