import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  pbkdf2,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { promisify } from 'node:util';

/**
 * Ansible Vault 1.1 (and 1.2, which only adds a label), cipher AES256: what btwallet's "legacy" encryption and older
 * Bittensor wallets write. Format: Ansible's documentation, "Ansible Vault payload format 1.1 - 1.2".
 */

export const VAULT_PREFIX = '$ANSIBLE_VAULT';
const HEADER = /^\$ANSIBLE_VAULT;1\.[12];AES256(?:;[^\r\n]*)?\r?\n/;
const ROUNDS = 10_000;
const SALT_BYTES = 32;
const KEY_BYTES = 32;
const IV_BYTES = 16;
const MAC_BYTES = 32;
const BLOCK_BYTES = 16;
const LINE_LENGTH = 80;

const derive = async (password: string, salt: Uint8Array) => {
  const bytes = await promisify(pbkdf2)(password, salt, ROUNDS, 2 * KEY_BYTES + IV_BYTES, 'sha256');
  return {
    cipherKey: bytes.subarray(0, KEY_BYTES),
    macKey: bytes.subarray(KEY_BYTES, 2 * KEY_BYTES),
    iv: bytes.subarray(2 * KEY_BYTES),
  };
};

const macOf = (key: Uint8Array, ciphertext: Uint8Array): Buffer =>
  createHmac('sha256', key).update(ciphertext).digest();

/** PKCS#7, which the format has although its cipher is a stream. */
const pad = (plain: Uint8Array): Buffer => {
  const count = BLOCK_BYTES - (plain.length % BLOCK_BYTES);
  return Buffer.concat([plain, Buffer.alloc(count, count)]);
};
const unpad = (padded: Buffer): Buffer | null => {
  const count = padded.at(-1) ?? 0;
  if (count < 1 || count > BLOCK_BYTES || count > padded.length) return null;
  return padded.subarray(-count).every((byte) => byte === count) ? padded.subarray(0, -count) : null;
};

/** Whole file content for `plain`; `salt` (32 bytes) is given by tests only. */
export const sealVault = async (
  plain: Uint8Array,
  password: string,
  salt: Uint8Array = randomBytes(SALT_BYTES),
): Promise<Uint8Array> => {
  const { cipherKey, macKey, iv } = await derive(password, salt);
  const cipher = createCipheriv('aes-256-ctr', cipherKey, iv);
  const ciphertext = Buffer.concat([cipher.update(pad(plain)), cipher.final()]);
  const parts = [salt, macOf(macKey, ciphertext), ciphertext].map((part) =>
    Buffer.from(part).toString('hex'),
  );
  const body = Buffer.from(parts.join('\n')).toString('hex');
  const lines = body.match(new RegExp(`.{1,${LINE_LENGTH}}`, 'g')) ?? [];
  return Buffer.from(`${VAULT_PREFIX};1.1;AES256\n${lines.join('\n')}\n`);
};

const hex = (text: string | undefined): Buffer | null =>
  text !== undefined && /^(?:[0-9a-fA-F]{2})+$/.test(text) ? Buffer.from(text, 'hex') : null;

/** The three parts of a file's body: hex of three lines of hex. */
const partsOf = (file: Uint8Array) => {
  const text = Buffer.from(file).toString('latin1').trimStart();
  const header = HEADER.exec(text);
  if (header === null) return null;
  const body = hex(text.slice(header[0].length).replace(/\s/g, ''));
  const [salt, mac, ciphertext] = (body?.toString('latin1') ?? '').split('\n').map(hex);
  if (!salt || !mac || !ciphertext || mac.length !== MAC_BYTES) return null;
  return { salt, mac, ciphertext };
};

/** Content of a vault; null when the password is wrong or the file is damaged. */
export const openVault = async (file: Uint8Array, password: string): Promise<Uint8Array | null> => {
  const parts = partsOf(file);
  if (parts === null) return null;
  const { salt, mac, ciphertext } = parts;
  const { cipherKey, macKey, iv } = await derive(password, salt);
  if (!timingSafeEqual(mac, macOf(macKey, ciphertext))) return null;
  const decipher = createDecipheriv('aes-256-ctr', cipherKey, iv);
  return unpad(Buffer.concat([decipher.update(ciphertext), decipher.final()]));
};
