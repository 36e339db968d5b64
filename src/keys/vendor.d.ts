/** The part used here of sodium-native, which ships no types; declarations of one module merge. */

declare module 'sodium-native' {
  export const crypto_pwhash_ALG_ARGON2I13: number;
  export const crypto_secretbox_MACBYTES: number;
  export const crypto_secretbox_NONCEBYTES: number;
  /** Argon2 on a thread of libuv's pool; fills `out`. `memlimit` in bytes, `opslimit` in passes. */
  export function crypto_pwhash_async(
    out: Uint8Array,
    password: Uint8Array,
    salt: Uint8Array,
    opslimit: number,
    memlimit: number,
    algorithm: number,
  ): Promise<void>;
  export function crypto_secretbox_easy(
    ciphertext: Uint8Array,
    message: Uint8Array,
    nonce: Uint8Array,
    key: Uint8Array,
  ): void;
  /** false when the tag does not fit: another key, or changed bytes. */
  export function crypto_secretbox_open_easy(
    message: Uint8Array,
    ciphertext: Uint8Array,
    nonce: Uint8Array,
    key: Uint8Array,
  ): boolean;
}
