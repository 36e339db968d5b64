/**
 * Opens timelock ciphertexts as the runtime does: Boneh-Franklin identity-based encryption on BLS12-381, where the
 * signature of a drand round is the key, around AES-256-GCM.
 *
 * Source: the crate `tle` that the runtime pins (ideal-lab5/timelock 5416406c: tle/src/tlock.rs, ibe/fullident.rs,
 * ibe/utils.rs, stream_ciphers.rs). Serialised with arkworks: every length is a u64, little-endian.
 */
import { createDecipheriv } from 'node:crypto';
import { bls12_381 } from '@noble/curves/bls12-381.js';
import { concatBytes } from '../scale.ts';
import { decodeSignature, multiplyGenerator, sha256 } from './quicknet.ts';

const { G2, fields, pairing } = bls12_381;
type PairingValue = ReturnType<typeof pairing>;

const U_BYTES = 96;
const BLOCK_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const FIELD_BYTES = 48;
const SUITE = 'AES_GCM_';

/** Reads length-prefixed parts one after the other. */
const createReader = (input: Uint8Array) => {
  let offset = 0;
  const take = (length: number): Uint8Array => {
    if (length > input.length - offset) throw new RangeError('the ciphertext ends early');
    const part = input.subarray(offset, offset + length);
    offset += length;
    return part;
  };
  return {
    take,
    prefixed: (): Uint8Array => {
      const prefix = take(8);
      const length = new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true);
      if (length > BigInt(input.length)) throw new RangeError('a length exceeds the ciphertext');
      return take(Number(length));
    },
    end: (): void => {
      if (offset !== input.length) throw new RangeError('bytes left over after the ciphertext');
    },
  };
};

const sized = (bytes: Uint8Array, length: number): Uint8Array => {
  if (bytes.length !== length) throw new RangeError(`${bytes.length} bytes where ${length} are needed`);
  return bytes;
};

type Ciphertext = {
  readonly u: Uint8Array;
  readonly v: Uint8Array;
  readonly w: Uint8Array;
  /** With its tag. */
  readonly sealed: Uint8Array;
  readonly nonce: Uint8Array;
};

/** Strict: exact sizes, the one cipher suite, nothing after the end. */
const decodeCiphertext = (input: Uint8Array): Ciphertext => {
  const outer = createReader(input);
  const u = outer.take(U_BYTES);
  const v = sized(outer.prefixed(), BLOCK_BYTES);
  const w = sized(outer.prefixed(), BLOCK_BYTES);
  const body = createReader(outer.prefixed());
  const suite = outer.prefixed();
  outer.end();
  const sealed = body.prefixed();
  const nonce = sized(body.prefixed(), NONCE_BYTES);
  body.end();
  if (Buffer.from(suite).toString('latin1') !== SUITE) throw new RangeError('an unknown cipher suite');
  if (sealed.length < TAG_BYTES) throw new RangeError('a body shorter than its tag');
  return { u, v, w, sealed, nonce };
};

const littleEndian = (value: bigint): Uint8Array =>
  new Uint8Array(Buffer.from(value.toString(16).padStart(2 * FIELD_BYTES, '0'), 'hex').reverse());

/** SHA-256 of a pairing's value in arkworks' encoding: twelve coordinates, lowest first, 48 bytes little-endian each. */
const hashPairing = ({ c0, c1 }: PairingValue): Uint8Array => {
  const halves = [c0.c0, c0.c1, c0.c2, c1.c0, c1.c1, c1.c2];
  return sha256(...halves.flatMap((half) => [littleEndian(half.c0), littleEndian(half.c1)]));
};

const xor = (a: Uint8Array, b: Uint8Array): Uint8Array => a.map((byte, i) => byte ^ (b[i] ?? 0));

/** The scalar that the sender derived from sigma and the key; knowing both proves that U was made honestly. */
const scalarOf = (sigma: Uint8Array, key: Uint8Array): bigint =>
  fields.Fr.create(BigInt(`0x${Buffer.from(sha256(sigma, key)).toString('hex')}`));

const openKey = ({ u, v, w }: Ciphertext, signature: Uint8Array): Uint8Array => {
  const point = G2.Point.fromBytes(u);
  const sigma = xor(v, hashPairing(pairing(decodeSignature(signature), point)));
  const key = xor(w, sha256(sigma));
  const scalar = scalarOf(sigma, key);
  if (!multiplyGenerator(scalar).equals(point))
    throw new RangeError('the signature is not that of the round the message is locked to');
  return key;
};

const openBody = (key: Uint8Array, { sealed, nonce }: Ciphertext): Uint8Array => {
  const decipher = createDecipheriv('aes-256-gcm', key, nonce);
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  const opened = decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES));
  return concatBytes(new Uint8Array(opened), new Uint8Array(decipher.final()));
};

/**
 * The message of a ciphertext under the signature of its round (48 bytes).
 *
 * @returns undefined for everything that does not open: broken bytes, another round, another key. Never throws.
 */
export const openTimelock = (ciphertext: Uint8Array, signature: Uint8Array): Uint8Array | undefined => {
  try {
    const decoded = decodeCiphertext(ciphertext);
    return openBody(openKey(decoded, signature), decoded);
  } catch {
    return undefined;
  }
};
