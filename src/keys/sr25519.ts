import { cryptoWaitReady } from '@polkadot/util-crypto/crypto';
import { sr25519Agreement } from '@polkadot/util-crypto/sr25519/agreement';
import { sr25519PairFromSeed } from '@polkadot/util-crypto/sr25519/pair/fromSeed';
import { sr25519Sign } from '@polkadot/util-crypto/sr25519/sign';
import { sr25519Verify } from '@polkadot/util-crypto/sr25519/verify';
import { isReady, sr25519Sign as wasmSign, sr25519Verify as wasmVerify } from '@polkadot/wasm-crypto';

/**
 * The one place that names the sr25519 implementation. Signing context is `substrate`, as the chain demands.
 *
 * WebAssembly (schnorrkel) where it is ready, because util-crypto 14 signs and verifies in JavaScript: 2 and 5 ms
 * against 0.15 and 0.35 ms, in every handshake of every link.
 */

/** Secret in polkadot-js form: 64 bytes, scalar × 8 (32, little-endian) then nonce (32). */
export type KeyPair = { readonly publicKey: Uint8Array; readonly secretKey: Uint8Array };

export const SIGNATURE_BYTES = 64;
export const PUBLIC_KEY_BYTES = 32;
export const SEED_BYTES = 32;
const SECRET_BYTES = 64;
const SCALAR_BYTES = 32;
/** Curve cofactor: the factor between schnorrkel's canonical scalar and the ed25519-style one. */
const COFACTOR_BITS = 3;

/**
 * Waits for the WebAssembly part of the crypto library. Call once at start.
 *
 * Where WebAssembly cannot start, the same functions run in JavaScript, slower; so this never fails.
 */
export const keysReady = async (): Promise<void> => {
  await cryptoWaitReady();
};

/** Key pair of a 32-byte mini-secret (schnorrkel, Ed25519 expansion). */
export const pairFromSeed = (seed: Uint8Array): KeyPair => sr25519PairFromSeed(seed);

/** Signs `message` (any length, not hashed here). Randomised: two signatures of one message differ. */
export const signWith = (pair: KeyPair, message: Uint8Array): Uint8Array =>
  isReady()
    ? wasmSign(pair.publicKey, pair.secretKey, message)
    : sr25519Sign(message, { publicKey: pair.publicKey, secretKey: pair.secretKey });

/**
 * Whether `signature` (64 bytes) over `message` was made by `publicKey` (32 bytes). Wrong lengths, points off the
 * curve and the missing schnorrkel marker are `false`; never throws.
 */
export const verifySignature = (input: {
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  readonly publicKey: Uint8Array;
}): boolean => {
  if (input.signature.length !== SIGNATURE_BYTES || input.publicKey.length !== PUBLIC_KEY_BYTES) return false;
  try {
    return isReady()
      ? wasmVerify(input.signature, input.message, input.publicKey)
      : sr25519Verify(input.message, input.signature, input.publicKey);
  } catch {
    return false;
  }
};

/**
 * Turns a keyfile's `privateKey` (schnorrkel: canonical scalar ‖ nonce) into the form this library signs with, by
 * multiplying the little-endian scalar by the cofactor 8. null when the scalar is too large to be canonical.
 */
export const secretFromCanonical = (privateKey: Uint8Array): Uint8Array | null => {
  if (privateKey.length !== SECRET_BYTES) return null;
  const secret = Uint8Array.from(privateKey);
  let carry = 0;
  for (let index = 0; index < SCALAR_BYTES; index += 1) {
    const shifted = ((secret[index] ?? 0) << COFACTOR_BITS) | carry;
    secret[index] = shifted & 0xff;
    carry = shifted >> 8;
  }
  return carry === 0 ? secret : null;
};

/** Turns the form this library signs with back into a keyfile's `privateKey`: the scalar divided by the cofactor 8. */
export const secretToCanonical = (secretKey: Uint8Array): Uint8Array => {
  const canonical = Uint8Array.from(secretKey);
  let carry = 0;
  for (let index = SCALAR_BYTES - 1; index >= 0; index -= 1) {
    const byte = canonical[index] ?? 0;
    canonical[index] = (carry << (8 - COFACTOR_BITS)) | (byte >> COFACTOR_BITS);
    carry = byte & ((1 << COFACTOR_BITS) - 1);
  }
  if (carry !== 0 || canonical.length !== SECRET_BYTES) throw new RangeError('no secret key of this library');
  return canonical;
};

/** Ristretto's base point, compressed (RFC 9496 A.1). */
const BASE_POINT = Uint8Array.from(
  Buffer.from('e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76', 'hex'),
);

/**
 * Public key (32 bytes) of a secret in polkadot-js form. Key agreement with the base point is exactly scalar × base,
 * and the one multiplication the library offers for a secret without its public key.
 */
export const publicKeyOf = (secretKey: Uint8Array): Uint8Array => sr25519Agreement(secretKey, BASE_POINT);
