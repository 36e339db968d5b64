import { createDecipheriv, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

/**
 * The oldest encryption of Bittensor keyfiles: a Fernet token under a key that PBKDF2 makes of the password. Only read;
 * whoever re-encrypts gets `$NACL`. Token format: github.com/fernet/spec.
 */

export const FERNET_PREFIX = 'gAAAAA';
/** Salt and rounds of the Python library that wrote these files. */
const SALT = 'Iguesscyborgslikemyselfhaveatendencytobeparanoidaboutourorigins';
const ROUNDS = 10_000_000;
const KEY_BYTES = 32;
const VERSION = 0x80;
const IV_OFFSET = 9;
const IV_BYTES = 16;
const MAC_BYTES = 32;

/** Content of a token under a 32-byte key (signing key ‖ AES-128 key); null when the key or the token is wrong. */
export const openFernetToken = (token: string, key: Uint8Array): Uint8Array | null => {
  const bytes = Buffer.from(token.trim(), 'base64url');
  const ciphertext = bytes.subarray(IV_OFFSET + IV_BYTES, -MAC_BYTES);
  if (bytes[0] !== VERSION || ciphertext.length === 0 || ciphertext.length % IV_BYTES !== 0) return null;
  const mac = createHmac('sha256', key.subarray(0, KEY_BYTES / 2))
    .update(bytes.subarray(0, -MAC_BYTES))
    .digest();
  if (!timingSafeEqual(mac, bytes.subarray(-MAC_BYTES))) return null;
  const iv = bytes.subarray(IV_OFFSET, IV_OFFSET + IV_BYTES);
  const decipher = createDecipheriv('aes-128-cbc', key.subarray(KEY_BYTES / 2), iv);
  try {
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
  } catch {
    return null;
  }
};

/** Content of a keyfile with this prefix; null when the password is wrong or the file is damaged. Takes seconds. */
export const openFernet = async (file: Uint8Array, password: string): Promise<Uint8Array | null> => {
  const key = await promisify(pbkdf2)(password, SALT, ROUNDS, KEY_BYTES, 'sha256');
  return openFernetToken(Buffer.from(file).toString('latin1'), key);
};
