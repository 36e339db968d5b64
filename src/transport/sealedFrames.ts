import sodium from 'sodium-native';

const {
  crypto_aead_chacha20poly1305_ietf_ABYTES: TAG_BYTES,
  crypto_aead_chacha20poly1305_ietf_NPUBBYTES: NONCE_BYTES,
  crypto_aead_chacha20poly1305_ietf_decrypt: decrypt,
  crypto_aead_chacha20poly1305_ietf_encrypt: encrypt,
} = sodium;

/** What sealing adds to a message. */
export const SEAL_BYTES: number = TAG_BYTES;
/** Frames one key may seal; far below the 2^64 of Noise, exact in a double, and years at any rate a link allows. */
export const MAX_FRAMES_PER_KEY = 2 ** 48;
const TWO_32 = 2 ** 32;

/** A counter as ChaCha20-Poly1305 nonce: 4 zero bytes, then 64 bits little-endian (Noise specification, 12.3). */
const createNonce = (start: number) => {
  const bytes = Buffer.alloc(NONCE_BYTES);
  let next = start;
  return {
    /** Writes the next counter; null when the key is used up. */
    take(): Buffer | null {
      if (next >= MAX_FRAMES_PER_KEY) return null;
      bytes.writeUInt32LE(next % TWO_32, 4);
      bytes.writeUInt32LE(Math.floor(next / TWO_32), 8);
      next += 1;
      return bytes;
    },
  };
};

export interface Sealer {
  /** Sealed copy of `message`, `SEAL_BYTES` longer; null once the counter is exhausted. */
  seal(message: Uint8Array): Buffer | null;
}

export interface Opener {
  /** The message inside; null when it was altered, replayed, reordered, or the counter is exhausted. */
  open(frame: Uint8Array): Buffer | null;
}

/**
 * Seals frames of one direction with ChaCha20-Poly1305 under a key of the Noise split.
 *
 * The counter is implicit: it is not sent, so a frame that is missing, repeated or out of order does not open.
 * The handshake library's own cipher is not used because it limits a frame to 65,535 bytes and its counter to 32 bits.
 */
export const createSealer = (key: Uint8Array, firstCounter = 0): Sealer => {
  const nonce = createNonce(firstCounter);
  return {
    seal(message) {
      const counter = nonce.take();
      if (counter === null) return null;
      const frame = Buffer.allocUnsafe(message.length + TAG_BYTES);
      encrypt(frame, message, null, null, counter, key);
      return frame;
    },
  };
};

/** The other end of `createSealer`. A link must be closed after the first null. */
export const createOpener = (key: Uint8Array, firstCounter = 0): Opener => {
  const nonce = createNonce(firstCounter);
  return {
    open(frame) {
      if (frame.length < TAG_BYTES) return null;
      const counter = nonce.take();
      if (counter === null) return null;
      const message = Buffer.allocUnsafe(frame.length - TAG_BYTES);
      try {
        decrypt(message, null, frame, null, counter, key);
        return message;
      } catch {
        return null;
      }
    },
  };
};
