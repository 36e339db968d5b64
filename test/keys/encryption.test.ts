import { createCipheriv, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';

import { openVault, sealVault } from '#src/keys/ansibleVault.ts';
import { decryptKeyfile, encryptionOf } from '#src/keys/encryption.ts';
import { openFernetToken } from '#src/keys/fernet.ts';
import { memoryAllows, openBox, openSecretbox, sealBox, sealSecretbox } from '#src/keys/secretbox.ts';

const PASSWORD = 'testing-password';
const PLAIN = '{"ss58Address":"5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV"}';
const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');
const textOf = (content: Uint8Array | null): string | null =>
  content === null ? null : Buffer.from(content).toString('utf8');

/** Fixed nonce; opens with btwallet 4.0.1 as well. */
const SECRETBOX = Buffer.from(
  '244e41434c0101010101010101010101010101010101010101010101017d25811b1584117f1c232a05f3dfb84f8d4df06537' +
    'eb683413532c83aed1fc7d7ca708a8a9a907c7f9ec85baad3ee4155563760428dd645a72ffc3468bf66e08c139c4f6ffaa3a2cb2' +
    '3b229703d3608528fb',
  'hex',
);
/** Written by btwallet 4.0.1, `legacy_encrypt_keyfile_data`. */
const VAULT = `$ANSIBLE_VAULT;1.1;AES256
38633761646337303265616162313861663037653334663032663666343766363138363463336234
3164313862323331643338343039343165366465613631650a373966333636653032346265616365
65653135656637633632313563303532633939376436656464653931303539643938383963623539
3064666164643563330a616566663432613163643539666531366136626630326537623535643362
31316232386630326266653462636332633761656231393738333162623037353834393232396664
30663133633661373536326135303231386433613230343234393238393763323531336261393838
38616139376131313533386361313265383637336365653031303934313261663366353863656565
31626262336436636236
`;
/** PBKDF2-HMAC-SHA256 of the password with 10,000,000 rounds, by Python's hashlib. */
const FERNET_KEY = Buffer.from('FYk-QY-hERFs1pIpswGseMihk3x-B3XO7d-7OCoA7rY=', 'base64url');

const fernetToken = (plain: string, key: Buffer): string => {
  const iv = Buffer.alloc(16, 7);
  const cipher = createCipheriv('aes-128-cbc', key.subarray(16), iv);
  const body = Buffer.concat([
    Buffer.of(0x80),
    Buffer.from('00000000659f0a00', 'hex'),
    iv,
    cipher.update(plain),
    cipher.final(),
  ]);
  const mac = createHmac('sha256', key.subarray(0, 16)).update(body).digest();
  return Buffer.concat([body, mac]).toString('base64url');
};

describe('keys / encryption', () => {
  it('tells the forms apart by their first bytes', () => {
    expect(encryptionOf(SECRETBOX)).toBe('nacl');
    expect(encryptionOf(bytes(VAULT))).toBe('ansible');
    expect(encryptionOf(bytes(fernetToken(PLAIN, FERNET_KEY)))).toBe('fernet');
    expect(encryptionOf(bytes(PLAIN))).toBe('none');
    expect(encryptionOf(bytes(''))).toBe('none');
  });

  describe('secretbox', () => {
    it('writes the bytes that btwallet reads', async () => {
      const sealed = await sealSecretbox(bytes(PLAIN), PASSWORD, Buffer.alloc(24, 1));
      expect(Buffer.from(sealed).toString('hex')).toBe(SECRETBOX.toString('hex'));
    }, 180_000);

    // Under keys without Argon2: its seconds are spent above, and where the command opens what it made.
    it('opens with its key and with no other, and not when a bit of it changed', () => {
      const key = Buffer.alloc(32, 7);
      const sealed = sealBox(bytes(PLAIN), key, Buffer.alloc(24, 2));
      expect(encryptionOf(sealed)).toBe('nacl');
      expect(textOf(openBox(sealed, key))).toBe(PLAIN);
      expect(openBox(sealed, Buffer.alloc(32, 8))).toBeNull();
      for (const index of [5, 28, 29, sealed.length - 1]) {
        const changed = Buffer.from(sealed);
        changed.writeUInt8(changed.readUInt8(index) ^ 1, index);
        expect(openBox(changed, key)).toBeNull();
      }
    });

    it('is refused without any work when it is too short to be one', async () => {
      expect(await openSecretbox(bytes('$NACL and less than a nonce'), PASSWORD)).toBeNull();
      expect(await openSecretbox(bytes('$NACL'), PASSWORD)).toBeNull();
    });

    it('is not tried where a limit of memory would kill the process instead of failing', () => {
      const MiB = 1_048_576;
      expect(memoryAllows({ limitBytes: 0, usedBytes: 100 * MiB })).toBe(true);
      expect(memoryAllows({ limitBytes: 612 * MiB, usedBytes: 100 * MiB })).toBe(true);
      expect(memoryAllows({ limitBytes: 611 * MiB, usedBytes: 100 * MiB })).toBe(false);
    });
  });

  describe('Ansible Vault', () => {
    it('opens what btwallet wrote, also with a label', async () => {
      expect(textOf(await decryptKeyfile(bytes(VAULT), PASSWORD))).toBe(PLAIN);
      const labelled = VAULT.replace('1.1;AES256', '1.2;AES256;prod').replaceAll('\n', '\r\n');
      expect(textOf(await openVault(bytes(labelled), PASSWORD))).toBe(PLAIN);
    });

    it.each([0, 1, 15, 16, 17, 300])('opens what it sealed, %i bytes', async (length) => {
      const plain = Buffer.alloc(length, 'a');
      const sealed = await sealVault(plain, 'pässwörd');
      expect(await openVault(sealed, 'pässwörd')).toEqual(plain);
      expect(await openVault(sealed, 'passwort')).toBeNull();
    });

    it.each([
      ['another version', VAULT.replace('1.1', '2.0')],
      ['another cipher', VAULT.replace('AES256', 'AES')],
      ['no body', '$ANSIBLE_VAULT;1.1;AES256\n'],
      ['no hex', VAULT.replace('3863', 'zz63')],
      ['half a body', VAULT.slice(0, 200)],
      ['changed ciphertext', VAULT.replace('31626262336436636236', '31626262336436636237')],
    ])('stays shut with %s', async (_name, text) => {
      expect(await openVault(bytes(text), PASSWORD)).toBeNull();
    });
  });

  describe('Fernet', () => {
    it('opens the token of the specification, and refuses it once changed', () => {
      const key = Buffer.from('cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=', 'base64url');
      const token =
        'gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==';
      expect(textOf(openFernetToken(token, key))).toBe('hello');
      expect(openFernetToken(token.replace('4BLL', '4BLM'), key)).toBeNull();
      expect(openFernetToken(token, FERNET_KEY)).toBeNull();
      expect(openFernetToken('gAAAAA', key)).toBeNull();
    });

    it('opens a keyfile by its password', async () => {
      const file = bytes(fernetToken(PLAIN, FERNET_KEY));
      expect(textOf(await decryptKeyfile(file, PASSWORD))).toBe(PLAIN);
    }, 120_000);
  });
});
