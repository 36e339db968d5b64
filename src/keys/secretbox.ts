import { randomBytes } from 'node:crypto';
import sodium from 'sodium-native';

/**
 * btwallet's own encryption of keyfiles: `$NACL`, a nonce, and a secretbox of the JSON under a key that Argon2i makes
 * of the password (btwallet src/keyfile.rs). The salt is a constant of that format.
 */

export const SECRETBOX_PREFIX = '$NACL';
const SALT = Buffer.from('137183dff15a09bc9c90b5518739e9b1', 'hex');
const KEY_BYTES = 32;
/** libsodium's SENSITIVE parameters of Argon2i: seconds of one core and this much memory, whoever guesses. */
const PASSES = 8;
const MEMORY_BYTES = 536_870_912;

const keyOf = async (password: string): Promise<Uint8Array> => {
  const key = Buffer.alloc(KEY_BYTES);
  await sodium.crypto_pwhash_async(
    key,
    Buffer.from(password, 'utf8'),
    SALT,
    PASSES,
    MEMORY_BYTES,
    sodium.crypto_pwhash_ALG_ARGON2I13,
  );
  return key;
};

/** Whole file content for `plain`. Takes seconds and 512 MiB, on another thread. `nonce` is given by tests only. */
export const sealSecretbox = async (
  plain: Uint8Array,
  password: string,
  nonce: Uint8Array = randomBytes(sodium.crypto_secretbox_NONCEBYTES),
): Promise<Uint8Array> => {
  const key = await keyOf(password);
  const box = Buffer.alloc(plain.length + sodium.crypto_secretbox_MACBYTES);
  sodium.crypto_secretbox_easy(box, plain, nonce, key);
  return Buffer.concat([Buffer.from(SECRETBOX_PREFIX), nonce, box]);
};

/** Content of a file with this prefix; null when the password is wrong or the file was changed. */
export const openSecretbox = async (file: Uint8Array, password: string): Promise<Uint8Array | null> => {
  const body = file.subarray(SECRETBOX_PREFIX.length);
  const nonceBytes = sodium.crypto_secretbox_NONCEBYTES;
  const plainBytes = body.length - nonceBytes - sodium.crypto_secretbox_MACBYTES;
  if (plainBytes < 0) return null;
  const key = await keyOf(password);
  const plain = Buffer.alloc(plainBytes);
  const isOpen = sodium.crypto_secretbox_open_easy(
    plain,
    body.subarray(nonceBytes),
    body.subarray(0, nonceBytes),
    key,
  );
  return isOpen ? plain : null;
};
