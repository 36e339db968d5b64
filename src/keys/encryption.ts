import { openVault, VAULT_PREFIX } from './ansibleVault.ts';
import { FERNET_PREFIX, openFernet } from './fernet.ts';
import { openSecretbox, SECRETBOX_PREFIX, sealSecretbox } from './secretbox.ts';

/** How a keyfile is encrypted; `none` is plain JSON. Names as `miaoai wallet show` prints them. */
export type KeyfileEncryption = 'none' | 'nacl' | 'ansible' | 'fernet';

type Opener = (file: Uint8Array, password: string) => Promise<Uint8Array | null>;

const schemes: readonly {
  readonly name: KeyfileEncryption;
  readonly prefix: string;
  readonly open: Opener;
}[] = [
  { name: 'nacl', prefix: SECRETBOX_PREFIX, open: openSecretbox },
  { name: 'ansible', prefix: VAULT_PREFIX, open: openVault },
  { name: 'fernet', prefix: FERNET_PREFIX, open: openFernet },
];

const schemeOf = (file: Uint8Array) => {
  const start = Buffer.from(file.subarray(0, 64)).toString('latin1');
  return schemes.find(({ prefix }) => start.startsWith(prefix));
};

/** The encryption that a keyfile's first bytes name (btwallet src/keyfile.rs). */
export const encryptionOf = (file: Uint8Array): KeyfileEncryption => schemeOf(file)?.name ?? 'none';

/** Plain content of an encrypted keyfile; null when the password is wrong or the file is damaged. */
export const decryptKeyfile: Opener = async (file, password) =>
  (await schemeOf(file)?.open(file, password)) ?? null;

/** A keyfile's content under a password, the way btcli writes it (`$NACL`). */
export const encryptKeyfile = (plain: string, password: string): Promise<Uint8Array> =>
  sealSecretbox(Buffer.from(plain, 'utf8'), password);
