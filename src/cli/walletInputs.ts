import * as Effect from 'effect/Effect';
import * as Redacted from 'effect/Redacted';

import { commonSettings } from '../config/commonSettings.ts';
import type { ValuesOf } from '../config/setting.ts';
import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import { commandExitCodes } from '../exitCodes.ts';
import { MAX_SECRET_FILE_BYTES, readSecretFile } from '../keys/files.ts';
import {
  credentialName,
  findPassword,
  type KeyKind,
  type PasswordPlaces,
  passwordWays,
} from '../keys/password.ts';
import { terminalPrompt } from '../keys/prompt.ts';
import { codeOf } from '../keys/systemError.ts';
import { type WalletLocation, walletFiles } from '../keys/wallet.ts';
import { type Ending, failed } from './ending.ts';

/** Which wallet a command is about. */
export const walletSettings = {
  walletName: commonSettings.walletName,
  walletHotkey: commonSettings.walletHotkey,
  walletPath: commonSettings.walletPath,
} as const;

export const passwordSettings = { walletPasswordFile: commonSettings.walletPasswordFile } as const;

/** The same with the credentials of the keys that a command opens or makes. */
export const passwordSettingsFor = (...kinds: readonly KeyKind[]): typeof passwordSettings => {
  const names = kinds.map(credentialName).join(' or ');
  const note = `systemd's credential ${names}, a BT_PW_ variable, or a question on the terminal`;
  const { walletPasswordFile } = passwordSettings;
  return { walletPasswordFile: { ...walletPasswordFile, default: { value: () => null, note } } };
};

export const shortWalletFlags = {
  walletName: '--name',
  walletHotkey: '--hotkey',
  walletPath: '--path',
  walletPasswordFile: '--password-file',
} as const;

export type WalletValues = ValuesOf<typeof walletSettings>;

export const locationOf = ({ walletPath, walletName, walletHotkey }: WalletValues): WalletLocation => ({
  path: walletPath,
  name: walletName,
  hotkey: walletHotkey,
});

export const placesOf = (walletPasswordFile: string | null): PasswordPlaces => ({
  passwordFile: walletPasswordFile,
  env: process.env,
  ask: terminalPrompt(),
});

/** A password typed here protects a file that may be stolen; a password from a place is the operator's own decision. */
const MIN_TYPED_LENGTH = 8;
const MAX_TRIES = 3;

const noPassword = (message: string): Outcome<never, Ending> =>
  fail(failed(commandExitCodes.password, message, 'NoPassword'));

const typeTwice = async (
  ask: NonNullable<PasswordPlaces['ask']>,
  kind: KeyKind,
): Promise<Outcome<Redacted.Redacted<string>, Ending>> => {
  for (let left = MAX_TRIES; left > 0; left -= 1) {
    const first = await ask(`New password for the ${kind}: `);
    if (first === null) return noPassword('no password was typed, nothing was written');
    if (first.length < MIN_TYPED_LENGTH) {
      process.stderr.write(`Too short: at least ${MIN_TYPED_LENGTH} characters.\n`);
      continue;
    }
    if ((await ask('The same again: ')) === first) return succeed(Redacted.make(first));
    process.stderr.write('These differ.\n');
  }
  return noPassword('no password was chosen, nothing was written');
};

/** Password that a new keyfile gets: from the places of any password, or typed twice. */
export const newPassword = async (
  places: PasswordPlaces,
  location: WalletLocation,
  kind: KeyKind,
): Promise<Outcome<Redacted.Redacted<string>, Ending>> => {
  const keyfile = walletFiles(location)[kind];
  const found = await findPassword(places, { keyfile, kind });
  if (found !== null) return found.ok ? succeed(found.value.password) : noPassword(found.error);
  if (places.ask !== null) return typeTwice(places.ask, kind);
  const advice = kind === 'coldkey' ? ', or --no-password to leave it unencrypted' : '';
  return noPassword(
    `the ${kind} is to be encrypted and no password is given. Ways to give it${advice}:\n${passwordWays(keyfile, kind)}`,
  );
};

/** Standard input to its end, bounded. */
const readStandardInput = async (): Promise<Buffer | null> => {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > MAX_SECRET_FILE_BYTES) return null;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
};

/** Bytes of a file, or of standard input where no file is named. Fails with a message. */
export const readInput = (file: string | undefined, what: string): Effect.Effect<Buffer, Ending> => {
  const from = file ?? 'standard input';
  return Effect.flatMap(
    Effect.tryPromise({
      try: async () =>
        file === undefined
          ? await readStandardInput()
          : (await readSecretFile(file, { allowPipe: true })).bytes,
      catch: (cause) =>
        failed(
          commandExitCodes.settings,
          `cannot read the ${what} from ${from} (${codeOf(cause)})`,
          'Settings',
        ),
    }),
    (bytes) => {
      if (bytes !== null && bytes.length > 0) return Effect.succeed(bytes);
      const problem = bytes === null ? `has more than ${MAX_SECRET_FILE_BYTES} bytes` : 'is empty';
      return Effect.fail(
        failed(commandExitCodes.settings, `the ${what} from ${from} ${problem}`, 'Settings'),
      );
    },
  );
};
