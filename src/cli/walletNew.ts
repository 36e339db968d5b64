/** `miaoai wallet new` and `miaoai wallet regen`: keys are made, or come back from what a person kept of them. */
import { Command, Option } from 'commander';
import * as Effect from 'effect/Effect';
import type * as Redacted from 'effect/Redacted';

import { commandExitCodes } from '../exitCodes.ts';
import type { WalletError } from '../keys/errors.ts';
import { keysReady } from '../keys/identity.ts';
import type { KeyKind } from '../keys/password.ts';
import { refuseExisting, saveKey, savePublicKey } from '../keys/saveKey.ts';
import { type KeySecret, newSecret, PHRASE_WORDS, type PhraseWords, secretFromText } from '../keys/secret.ts';
import { decodeHotkey } from '../keys/ss58.ts';
import { checkNames, filesOfKey, type WalletLocation, walletFiles } from '../keys/wallet.ts';
import { badSettings, concluding, done, type Ending, failed, walletFailed } from './ending.ts';
import { addSettings, readSettings } from './settings.ts';
import {
  locationOf,
  newPassword,
  passwordSettingsFor,
  placesOf,
  readInput,
  shortWalletFlags,
  walletSettings,
} from './walletInputs.ts';

type Flags = {
  readonly only?: KeyKind;
  readonly words?: string;
  readonly fromFile?: string;
  readonly address?: string;
  /** Commander's form of `--no-password`. */
  readonly password: boolean;
  readonly encryptHotkey?: boolean;
  readonly overwrite?: boolean;
  readonly json?: boolean;
};

const settings = { ...walletSettings, ...passwordSettingsFor('coldkey', 'hotkey') };
const KINDS: readonly KeyKind[] = ['coldkey', 'hotkey'];

type Made = {
  readonly kind: KeyKind;
  readonly address: string;
  readonly files: readonly string[];
  readonly isEncrypted: boolean;
};

const isToEncrypt = (kind: KeyKind, flags: Flags): boolean =>
  flags.password && (kind === 'coldkey' || flags.encryptHotkey === true);

type Job = { readonly kind: KeyKind; readonly secret: KeySecret };

type OnMade = (kind: KeyKind, secret: KeySecret) => void;

/** A wallet that is there already most likely lacks a hotkey only. */
const inTheWay =
  (jobs: readonly Job[], overwrite: boolean) =>
  (error: WalletError): Ending => {
    const { code, text } = walletFailed(error);
    const advice = overwrite
      ? '. Say which key is to be destroyed: --only coldkey, --only hotkey'
      : '. To add a hotkey to the wallet: --only hotkey';
    return failed(code, jobs.length > 1 ? `${text}${advice}` : text, error.reason);
  };

/** What must not exist. A coldkey owns the TAO, so that nobody destroys one who may have meant the hotkey beside it. */
const protectedFiles = (
  jobs: readonly Job[],
  location: WalletLocation,
  overwrite: boolean,
): readonly string[] => {
  const files = walletFiles(location);
  if (!overwrite) return jobs.flatMap(({ kind }) => filesOfKey(files, kind));
  return jobs.length > 1 ? [files.coldkey] : [];
};

/** Passwords are asked for before anything is written, so that giving up leaves nothing behind. */
const passwordsFor = Effect.fnUntraced(function* (
  jobs: readonly Job[],
  flags: Flags,
  { location, passwordFile }: { readonly location: WalletLocation; readonly passwordFile: string | null },
) {
  const passwords = new Map<KeyKind, Redacted.Redacted<string>>();
  for (const { kind } of jobs.filter((job) => isToEncrypt(job.kind, flags))) {
    const password = yield* Effect.promise(() => newPassword(placesOf(passwordFile), location, kind));
    if (!password.ok) return yield* Effect.fail(password.error);
    passwords.set(kind, password.value);
  }
  return passwords;
});

const write = Effect.fnUntraced(function* (
  jobs: readonly Job[],
  flags: Flags,
  place: { readonly location: WalletLocation; readonly passwordFile: string | null; readonly onMade: OnMade },
) {
  const { location, onMade } = place;
  const overwrite = flags.overwrite ?? false;
  yield* Effect.mapError(checkNames(location), walletFailed);
  const files = protectedFiles(jobs, location, overwrite);
  yield* Effect.mapError(refuseExisting(files), inTheWay(jobs, overwrite));
  const passwords = yield* passwordsFor(jobs, flags, place);
  const made: Made[] = [];
  for (const { kind, secret } of jobs) {
    const password = passwords.get(kind) ?? null;
    const saved = yield* Effect.mapError(
      saveKey({ location, kind, secret, password, overwrite }),
      walletFailed,
    );
    const written = [saved.file, saved.publicFile];
    made.push({ kind, address: secret.address, files: written, isEncrypted: password !== null });
    // At once, and not at the end: when the next key cannot be written, this one is there all the same.
    onMade(kind, secret);
  }
  return made satisfies readonly Made[];
});

const describe = (made: readonly Made[]): string =>
  made
    .map(({ kind, address, files, isEncrypted }) => {
      const [file = ''] = files;
      return `${kind}  ${address}  ${isEncrypted ? 'encrypted' : 'not encrypted'}  ${file}`;
    })
    .join('\n');

/** The one time a phrase is shown: on a terminal, never in what may become a file or a log. */
const showPhrase: OnMade = (kind, { phrase }) => {
  process.stderr.write(
    process.stderr.isTTY
      ? `\nPhrase of the ${kind}. Write it down: whoever has it has the key, and it is not shown again.\n\n    ${phrase}\n\n`
      : `There is no terminal, so the phrase of the ${kind} is not shown; it is in its keyfile: keep a copy of that.\n`,
  );
};

const makeKeys = (command: Command, flags: Flags): Promise<Ending> =>
  Effect.runPromise(
    Effect.gen(function* () {
      yield* Effect.promise(keysReady);
      const values = readSettings(command, settings);
      if (!values.ok) return badSettings(values.error);
      const words = PHRASE_WORDS.find((count) => String(count) === flags.words) satisfies
        | PhraseWords
        | undefined;
      const jobs = (flags.only === undefined ? KINDS : [flags.only]).map((kind) => ({
        kind,
        secret: newSecret(words ?? 12),
      }));
      const { walletPasswordFile: passwordFile } = values.value;
      const place = { location: locationOf(values.value), passwordFile, onMade: showPhrase };
      const made = yield* write(jobs, flags, place);
      return done(describe(made), { keys: made });
    }).pipe(Effect.catch((ending) => Effect.succeed(ending))),
  );

/** Typed without echo on a terminal; from a pipe or a file otherwise. Never an argument: those show in `ps` and history. */
const readSecret = Effect.fnUntraced(function* (fromFile: string | undefined) {
  const ask = fromFile === undefined ? placesOf(null).ask : null;
  if (ask === null) return (yield* readInput(fromFile, 'secret')).toString('utf8');
  const typed = yield* Effect.promise(() => ask('Phrase, seed or private key: '));
  if (typed !== null) return typed;
  return yield* Effect.fail(
    failed(commandExitCodes.declined, 'no secret was typed, nothing was written', 'Declined'),
  );
});

/** The public part alone, for a machine on which the coldkey must never be. */
const regenPublic = Effect.fnUntraced(function* (
  location: WalletLocation,
  kind: KeyKind,
  options: { readonly address: string; readonly overwrite: boolean },
) {
  const publicKey = decodeHotkey(options.address);
  if (!publicKey.ok) return badSettings(publicKey.error.message);
  const request = { location, kind, publicKey: publicKey.value, overwrite: options.overwrite };
  const file = yield* Effect.mapError(savePublicKey(request), walletFailed);
  return done(`${kind}  ${options.address}  public part only  ${file}`, {
    keys: [{ kind, address: options.address, files: [file], isEncrypted: false }],
  });
});

const regenKey = (command: Command, flags: Flags): Promise<Ending> =>
  Effect.runPromise(
    Effect.gen(function* () {
      yield* Effect.promise(keysReady);
      const values = readSettings(command, settings);
      if (!values.ok) return badSettings(values.error);
      const { only: kind = 'hotkey', address, overwrite = false } = flags;
      const location = locationOf(values.value);
      if (address !== undefined) return yield* regenPublic(location, kind, { address, overwrite });
      const secret = secretFromText(yield* readSecret(flags.fromFile));
      if (!secret.ok) return failed(commandExitCodes.key, secret.error.message, secret.error._tag);
      const { walletPasswordFile: passwordFile } = values.value;
      const place = { location, passwordFile, onMade: () => undefined };
      const made = yield* write([{ kind, secret: secret.value }], flags, place);
      return done(describe(made), { keys: made });
    }).pipe(Effect.catch((ending) => Effect.succeed(ending))),
  );

const keyCommand = (name: string): Command =>
  addSettings(new Command(name), settings, shortWalletFlags)
    .option('--no-password', 'leave the coldkey unencrypted')
    .option('--encrypt-hotkey', 'encrypt the hotkey too; a daemon then needs its password at every start')
    .option('--overwrite', 'destroy the key that is there already; a coldkey only with --only coldkey')
    .option('--json', 'print one JSON object; never holds a secret');

export const newCommand = (): Command => {
  const command = keyCommand('new')
    .description('make a coldkey and a hotkey; their phrases are shown once, on the terminal')
    .addOption(new Option('--only <kind>', 'make this key alone').choices(KINDS))
    .addOption(
      new Option('--words <count>', 'words of a phrase').choices(PHRASE_WORDS.map(String)).default('12'),
    );
  return command.action((flags: Flags) => concluding(makeKeys(command, flags), flags.json ?? false));
};

export const regenCommand = (): Command => {
  const command = keyCommand('regen')
    .description(
      'bring a key back from its phrase, seed or private key, which is typed, piped in or read from a file: ' +
        'an argument would show in the list of processes and in the history of the shell',
    )
    .addOption(new Option('--only <kind>', 'which key').choices(KINDS).makeOptionMandatory())
    .option('--from-file <file>', 'file that holds the secret and nothing else')
    .option('--address <ss58>', 'write the public part of this address alone, without any secret');
  return command.action((flags: Flags) => concluding(regenKey(command, flags), flags.json ?? false));
};
