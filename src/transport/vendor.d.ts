/** The parts used here of two libraries that ship no types. */

declare module 'noise-handshake' {
  type KeyPair = { publicKey: Uint8Array; secretKey: Uint8Array };
  class NoiseState {
    constructor(pattern: 'XX', initiator: boolean, staticKeyPair: KeyPair);
    /** Ephemeral key pair; set before the first `send` by test vectors only. */
    e: KeyPair | null;
    /** The peer's static public key, once it arrived. */
    readonly rs: Uint8Array | null;
    readonly complete: boolean;
    /** Keys of the two directions and the transcript hash, once complete. */
    readonly tx: Uint8Array | null;
    readonly rx: Uint8Array | null;
    readonly hash: Uint8Array | null;
    initialise(prologue: Uint8Array): void;
    send(payload: Uint8Array): Uint8Array;
    recv(message: Uint8Array): Uint8Array;
  }
  export = NoiseState;
}

declare module 'noise-handshake/dh.js' {
  export function generateKeyPair(secretKey?: Uint8Array): { publicKey: Uint8Array; secretKey: Uint8Array };
}

declare module 'sodium-native' {
  export const crypto_aead_chacha20poly1305_ietf_KEYBYTES: number;
  export const crypto_aead_chacha20poly1305_ietf_NPUBBYTES: number;
  export const crypto_aead_chacha20poly1305_ietf_ABYTES: number;
  export function crypto_aead_chacha20poly1305_ietf_encrypt(
    ciphertext: Uint8Array,
    message: Uint8Array,
    additionalData: Uint8Array | null,
    secretNonce: null,
    publicNonce: Uint8Array,
    key: Uint8Array,
  ): number;
  export function crypto_aead_chacha20poly1305_ietf_decrypt(
    message: Uint8Array,
    secretNonce: null,
    ciphertext: Uint8Array,
    additionalData: Uint8Array | null,
    publicNonce: Uint8Array,
    key: Uint8Array,
  ): number;
}
