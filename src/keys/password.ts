import { homedir } from 'node:os';
import { join, relative } from 'node:path';
import * as Redacted from 'effect/Redacted';

import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import { readSecretFile } from './files.ts';
import type { AskSecret } from './prompt.ts';
import { codeOf } from './systemError.ts';

export type KeyKind = 'hotkey' | 'coldkey';

/** Where a password may come from, in this order. */
export type PasswordPlaces = {
  /** `--wallet-password-file`, BT_WALLET_PASSWORD_FILE. */
  readonly passwordFile: string | null;
  /** CREDENTIALS_DIRECTORY of systemd, and btwallet's BT_PW_ variables. */
  readonly env: { readonly [name: string]: string | undefined };
  /** null: nobody is there to be asked. */
  readonly ask: AskSecret | null;
};

export type FoundPassword = {
  readonly password: Redacted.Redacted<string>;
  /** For messages: `the file …`, `the variable …`. */
  readonly from: string;
};

/** Name of the systemd credential (`LoadCredential=hotkey_password:/path`). */
export const credentialName = (kind: KeyKind): string => `${kind}_password`;

/** btwallet's variable for a keyfile: separators and dots of its path become `_`, upper case (btwallet src/keyfile.rs). */
export const passwordVariable = (keyfile: string): string =>
  `BT_PW_${keyfile.replace(/[/\\.]/g, '_').toUpperCase()}`;

/** XOR with the variable's name, over and over. Hides from a glance at the environment, nothing more. */
const mask = (bytes: Uint8Array, variable: string): Buffer => {
  const name = Buffer.from(variable, 'utf8');
  return Buffer.from(bytes.map((byte, index) => byte ^ (name[index % name.length] ?? 0)));
};

/** Value of a `BT_PW_` variable for a password: base64 of the masked bytes. */
export const maskPassword = (password: string, variable: string): string =>
  mask(Buffer.from(password, 'utf8'), variable).toString('base64');

const unmaskPassword = (value: string, variable: string): string | null => {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(value)) return null;
  const bytes = mask(Buffer.from(value, 'base64'), variable);
  const text = bytes.toString('utf8');
  return Buffer.from(text, 'utf8').equals(bytes) ? text : null;
};

const found = (password: string, from: string): Outcome<FoundPassword, string> =>
  succeed({ password: Redacted.make(password), from });

/** First line's worth of a password file: one line break at its end does not belong to the password. */
const readPassword = async (file: string, what: string): Promise<Outcome<FoundPassword, string>> => {
  try {
    const { bytes } = await readSecretFile(file, { allowPipe: true });
    const text = bytes?.toString('utf8') ?? '';
    // The decoder puts a replacement for what is none, and the password would be another one.
    if (bytes !== null && !Buffer.from(text, 'utf8').equals(bytes)) {
      return fail(`${what} ${file} is not UTF-8 text: write the password anew`);
    }
    const password = text.replace(/\r?\n$/, '');
    if (bytes === null || /[\r\n]/.test(password)) {
      return fail(`${what} ${file} has more than one line: it must hold the password alone`);
    }
    return password === '' ? fail(`${what} ${file} is empty`) : found(password, `${what} ${file}`);
  } catch (cause) {
    return fail(`${what} ${file} cannot be read (${codeOf(cause)})`);
  }
};

const fromCredential = async (
  { env }: PasswordPlaces,
  kind: KeyKind,
): Promise<Outcome<FoundPassword, string> | null> => {
  const folder = env['CREDENTIALS_DIRECTORY'];
  if (folder === undefined || folder === '') return null;
  const file = join(folder, credentialName(kind));
  const exists = await readSecretFile(file).then(
    () => true,
    (cause: unknown) => codeOf(cause) !== 'ENOENT',
  );
  return exists ? readPassword(file, 'the systemd credential') : null;
};

/**
 * Names under which a script may have stored the password. btwallet 4.0.1 (measured) makes them of the wallet's path as
 * it was given: absolute for the default and behind `~`, relative where it is; older ones kept the `~`.
 */
const variablesFor = (keyfile: string): readonly string[] => {
  const home = `${homedir()}/`;
  const short = keyfile.startsWith(home) ? [`~/${keyfile.slice(home.length)}`] : [];
  const fromHere = relative(process.cwd(), keyfile);
  const near = fromHere.startsWith('..') ? [] : [fromHere, `./${fromHere}`];
  return [keyfile, ...short, ...near].map(passwordVariable);
};

const fromVariable = ({ env }: PasswordPlaces, keyfile: string): Outcome<FoundPassword, string> | null => {
  for (const variable of variablesFor(keyfile)) {
    const value = env[variable];
    if (value === undefined || value === '') continue;
    const password = unmaskPassword(value, variable);
    return password === null
      ? fail(
          `the variable ${variable} does not hold a password in btwallet's form; \`miaoai wallet password-variable\` makes it`,
        )
      : found(password, `the variable ${variable}`);
  }
  return null;
};

/** The password of a keyfile from a place that needs nobody; null where none has one. Fails when a place is broken. */
export const findPassword = async (
  places: PasswordPlaces,
  { keyfile, kind }: { readonly keyfile: string; readonly kind: KeyKind },
): Promise<Outcome<FoundPassword, string> | null> => {
  if (places.passwordFile !== null) return readPassword(places.passwordFile, 'the password file');
  return (await fromCredential(places, kind)) ?? fromVariable(places, keyfile);
};

/** Every way to give a password, for the message that none was found. */
export const passwordWays = (keyfile: string, kind: KeyKind): string =>
  [
    '  1. a file with the password alone: --wallet-password-file, BT_WALLET_PASSWORD_FILE',
    `  2. the systemd credential ${credentialName(kind)}: LoadCredential=${credentialName(kind)}:/path/of/the/file`,
    `  3. the variable ${passwordVariable(keyfile)}, as btcli sets it (\`miaoai wallet password-variable\` prints it)`,
    '  4. typing it: start this on a terminal',
  ].join('\n');
