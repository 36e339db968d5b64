import NoiseState from 'noise-handshake';
import { generateKeyPair } from 'noise-handshake/dh.js';

/** X25519 key pair, 32 bytes each. */
export type NoiseKeyPair = { readonly publicKey: Uint8Array; readonly secretKey: Uint8Array };

/** Keys of both directions after the handshake, 32 bytes each, as seen from this side. */
export type SplitKeys = { readonly send: Uint8Array; readonly receive: Uint8Array };

/** One side of `Noise_XX_25519_ChaChaPoly_BLAKE2b` (revision 34): → e / ← e, ee, s, es / → s, se. */
export interface NoiseHandshake {
  /** This side's static public key, 32 bytes. */
  readonly localStatic: Uint8Array;
  /** The next message with its payload, in turn. */
  write(payload: Uint8Array): Uint8Array;
  /** Payload of the peer's next message; null when it does not authenticate or is too short. Final: start anew. */
  read(message: Uint8Array): Uint8Array | null;
  /** The peer's static public key once it came, else null. */
  remoteStatic(): Uint8Array | null;
  /** Keys of the session once all three messages passed, else null. */
  split(): SplitKeys | null;
}

export const generateNoiseKeys = (): NoiseKeyPair => generateKeyPair();

/** The key pair of a 32-byte secret; for fixed keys in tests. */
export const noiseKeysFrom = (secretKey: Uint8Array): NoiseKeyPair => generateKeyPair(Buffer.from(secretKey));

// One static key per process, never written down: a hotkey vouches for it anew in every handshake.
const processKeys = generateNoiseKeys();

/**
 * Starts a handshake. `prologue` must be equal on both sides or the second message does not authenticate.
 *
 * `staticKeys` and `ephemeralKeys` are for fixed keys in tests; an ephemeral key must never be used twice.
 */
export const createNoise = (settings: {
  readonly initiator: boolean;
  readonly prologue: Uint8Array;
  readonly staticKeys?: NoiseKeyPair;
  readonly ephemeralKeys?: NoiseKeyPair;
}): NoiseHandshake => {
  const staticKeys = settings.staticKeys ?? processKeys;
  const state = new NoiseState('XX', settings.initiator, staticKeys);
  state.initialise(settings.prologue);
  // The library wipes the ephemeral pair in place when it is done.
  if (settings.ephemeralKeys !== undefined) state.e = copyOf(settings.ephemeralKeys);
  return {
    localStatic: staticKeys.publicKey,
    write: (payload) => state.send(payload),
    read: (message) => {
      try {
        // The library keeps a view of the message and wipes it at the end, so it gets its own copy.
        return state.recv(Buffer.from(message));
      } catch {
        return null;
      }
    },
    remoteStatic: () => state.rs,
    split: () => (state.tx === null || state.rx === null ? null : { send: state.tx, receive: state.rx }),
  };
};

const copyOf = (keys: NoiseKeyPair): NoiseKeyPair => ({
  publicKey: Buffer.from(keys.publicKey),
  secretKey: Buffer.from(keys.secretKey),
});
