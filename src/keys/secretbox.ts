import { randomBytes } from 'node:crypto';
import sodium from 'sodium-native';

/**
 * btwallet's own encryption of keyfiles: `$NACL`, a nonce, and a secretbox of the JSON under a key that Argon2i makes
 * of the password (btwallet src/keyfile.rs). The salt is a constant of that format.
 */

export const SECRETBOX_PREFIX = '$NACL';
const SALT = Buffer.from('137183dff15a09bc9c90b5518739e9b1', 'hex');
const KEY_BYTES = 32;
/** `limitBytes` 0: there is no limit. */
type MemoryUse = { readonly limitBytes: number; readonly usedBytes: number };
/** libsodium's SENSITIVE parameters of Argon2i: seconds of one core and this much memory, whoever guesses. */
const PASSES = 8;
const MEMORY_BYTES = 536_870_912;

/**
 * Whether a process may have so much memory on top of what it uses. A container's limit does not let the allocation
 * fail: it kills the process without a word.
 */
export const memoryAllows = ({ limitBytes, usedBytes }: MemoryUse): boolean =>
  limitBytes === 0 || usedBytes + MEMORY_BYTES <= limitBytes;

const keyOf = async (password: string): Promise<Uint8Array> => {
  const use = { limitBytes: process.constrainedMemory(), usedBytes: process.memoryUsage.rss() };
  if (!memoryAllows(use)) throw new RangeError(`memory is limited to ${use.limitBytes} bytes`);
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

/** File content for `plain` under a key of 32 bytes. */
export const sealBox = (plain: Uint8Array, key: Uint8Array, nonce: Uint8Array): Uint8Array => {
  const box = Buffer.alloc(plain.length + sodium.crypto_secretbox_MACBYTES);
  sodium.crypto_secretbox_easy(box, plain, nonce, key);
  return Buffer.concat([Buffer.from(SECRETBOX_PREFIX), nonce, box]);
};

const plainBytesOf = (file: Uint8Array): number =>
  file.length -
  SECRETBOX_PREFIX.length -
  sodium.crypto_secretbox_NONCEBYTES -
  sodium.crypto_secretbox_MACBYTES;

/** Content of a file under a key of 32 bytes; null when the key is wrong or the file was changed. */
export const openBox = (file: Uint8Array, key: Uint8Array): Uint8Array | null => {
  const plainBytes = plainBytesOf(file);
  if (plainBytes < 0) return null;
  const nonceEnd = SECRETBOX_PREFIX.length + sodium.crypto_secretbox_NONCEBYTES;
  const nonce = file.subarray(SECRETBOX_PREFIX.length, nonceEnd);
  const plain = Buffer.alloc(plainBytes);
  return sodium.crypto_secretbox_open_easy(plain, file.subarray(nonceEnd), nonce, key) ? plain : null;
};

/** Whole file content for `plain`. Takes seconds and 512 MiB, on another thread. `nonce` is given by tests only. */
export const sealSecretbox = async (
  plain: Uint8Array,
  password: string,
  nonce: Uint8Array = randomBytes(sodium.crypto_secretbox_NONCEBYTES),
): Promise<Uint8Array> => sealBox(plain, await keyOf(password), nonce);

/** Content of a file with this prefix; null when the password is wrong or the file was changed. */
export const openSecretbox = async (file: Uint8Array, password: string): Promise<Uint8Array | null> =>
  plainBytesOf(file) < 0 ? null : openBox(file, await keyOf(password));
