/**
 * drand's scheme "bls-unchained-g1-rfc9380", as quicknet runs it: BLS12-381, public keys in G2 (96 bytes compressed),
 * signatures in G1 (48 bytes), signed message SHA-256 of the round as u64 big-endian, randomness SHA-256 of the signature.
 */
import { createHash } from 'node:crypto';
import { bls12_381 } from '@noble/curves/bls12-381.js';
import { toHex } from '../hashing.ts';

const { G1, G2, fields, shortSignatures, utils } = bls12_381;
export type SignaturePoint = ReturnType<typeof shortSignatures.Signature.fromBytes>;
export type PublicKeyPoint = ReturnType<typeof G2.Point.fromBytes>;

export const SCHEME_ID = 'bls-unchained-g1-rfc9380';
/** Quicknet's own tag: hashing to G1, proofs of possession not used. */
const DOMAIN = 'BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_';
export const SIGNATURE_BYTES = 48;

export const sha256 = (...parts: readonly (Uint8Array | string)[]): Uint8Array => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};

/** What a beacon signs: SHA-256 of the round number, 8 bytes big-endian; also the identity of timelock encryption. */
export const roundIdentity = (round: bigint): Uint8Array => {
  const encoded = new Uint8Array(8);
  new DataView(encoded.buffer).setBigUint64(0, round);
  return sha256(encoded);
};

const roundPoint = (round: bigint): SignaturePoint => shortSignatures.hash(roundIdentity(round), DOMAIN);

/** 32 bytes of secret key from a phrase; the same phrase gives the same key. */
export const secretKeyFrom = (phrase: string): Uint8Array => {
  // A seed a third longer than the key, so that the remainder by the group's order is even (RFC 9380, 5.1).
  const seed = createHash('sha512').update(phrase).digest().subarray(0, 48);
  return utils.randomSecretKey(new Uint8Array(seed));
};

/** The generator without the table of multiples that the library computes for its own at first use, half a second long. */
const generator = G2.Point.fromAffine(G2.Point.BASE.toAffine());
/** scalar × G2, not in constant time: no scalar here guards anything. */
export const multiplyGenerator = (scalar: bigint): PublicKeyPoint => generator.multiplyUnsafe(scalar);

/** 96 bytes. */
export const publicKeyOf = (secretKey: Uint8Array): Uint8Array =>
  multiplyGenerator(fields.Fr.fromBytes(secretKey)).toBytes();

/** A map that forgets its oldest entry when it is full. */
const createMemo = <V>(limit: number) => {
  const entries = new Map<string, V>();
  return (key: string, make: () => V): V => {
    const known = entries.get(key);
    if (known !== undefined) return known;
    const made = make();
    entries.set(key, made);
    const [oldest] = entries.keys();
    if (entries.size > limit && oldest !== undefined) entries.delete(oldest);
    return made;
  };
};
/** Decoding a point of G2 takes as long as a third of a pairing, and a chain has one beacon. */
const publicKeyPoints = createMemo<PublicKeyPoint>(16);
/** Verdicts by key, round and signature: a pairing takes some 25 ms, and a verdict about the same bytes never changes. */
const verdicts = createMemo<boolean>(4096);
const verdictKey = (publicKey: Uint8Array, round: bigint, signature: Uint8Array): string =>
  `${toHex(publicKey)}/${round}/${toHex(signature)}`;

/** Signatures by key and round: chains of one process that start at the same time share their rounds. */
const signatures = createMemo<Uint8Array>(4096);

/** Signs a round: 48 bytes. Its own signatures are good by construction and need no pairing later. */
export const signRound = (secretKey: Uint8Array, publicKey: Uint8Array, round: bigint): Uint8Array => {
  // Not in constant time: the key of an embedded chain follows from its name.
  const signature = signatures(`${toHex(publicKey)}/${round}`, () =>
    roundPoint(round).multiplyUnsafe(fields.Fr.fromBytes(secretKey)).toBytes(),
  );
  return verdicts(verdictKey(publicKey, round, signature), () => true) ? signature : new Uint8Array();
};

/** A point of G1 in the group of prime order; throws for anything else. */
export const decodeSignature = (signature: Uint8Array): SignaturePoint => {
  const point = G1.Point.fromBytes(signature);
  if (point.is0()) throw new RangeError('the point at infinity signs nothing');
  return point;
};

const decodePublicKey = (publicKey: Uint8Array): PublicKeyPoint =>
  publicKeyPoints(toHex(publicKey), () => G2.Point.fromBytes(publicKey));

/** Whether e(signature, G2) = e(H(round), public key). Throws when key or signature is no point of its group. */
export const verifyRound = (publicKey: Uint8Array, round: bigint, signature: Uint8Array): boolean =>
  verdicts(verdictKey(publicKey, round, signature), () =>
    shortSignatures.verify(decodeSignature(signature), roundPoint(round), decodePublicKey(publicKey)),
  );
