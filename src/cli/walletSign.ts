/** `miaoai wallet sign`, `verify` and `password-variable`. */
import { Command, Option } from 'commander';
import * as Effect from 'effect/Effect';
import * as Redacted from 'effect/Redacted';

import { commandExitCodes } from '../exitCodes.ts';
import { identityOf, keysReady } from '../keys/identity.ts';
import { isPlainText, verifyMessage, wrapMessage } from '../keys/message.ts';
import { type KeyKind, maskPassword, passwordVariable } from '../keys/password.ts';
import { decodeHotkey } from '../keys/ss58.ts';
import { openKey, walletFiles } from '../keys/wallet.ts';
import { badSettings, concluding, done, type Ending, walletFailed } from './ending.ts';
import { addSettings, readSettings } from './settings.ts';
import {
  locationOf,
  newPassword,
  passwordSettings,
  placesOf,
  readInput,
  shortWalletFlags,
  walletSettings,
} from './walletInputs.ts';

const settings = { ...walletSettings, ...passwordSettings };
const HEX = /^(?:0x)?((?:[0-9a-fA-F]{2})+)$/;
const SIGNATURE = /^(?:0x)?([0-9a-fA-F]{128})$/;

type MessageFlags = {
  readonly message?: string;
  readonly messageFile?: string;
  readonly hex?: boolean;
  readonly json?: boolean;
};

const messageOptions = (command: Command): Command =>
  command
    .option('--message <text>', 'the message')
    .option('--message-file <file>', 'file with the message; without either it is read from standard input')
    .option('--hex', 'the message is given as hex digits')
    .option('--json', 'print one JSON object');

const readMessage = Effect.fnUntraced(function* ({ message, messageFile, hex }: MessageFlags) {
  const given =
    message === undefined ? yield* readInput(messageFile, 'message') : Buffer.from(message, 'utf8');
  if (!hex) return given;
  const digits = HEX.exec(given.toString('utf8').trim())?.[1];
  if (digits !== undefined) return Buffer.from(digits, 'hex');
  return yield* Effect.fail(badSettings('the message is not hex: give an even number of hex digits'));
});

const finish = (work: Effect.Effect<Ending, Ending>, json: boolean | undefined): Promise<void> =>
  concluding(
    keysReady().then(() => Effect.runPromise(Effect.catch(work, (ending) => Effect.succeed(ending)))),
    json ?? false,
  );

const sign = (command: Command, flags: MessageFlags & { readonly coldkey?: boolean }) =>
  Effect.gen(function* () {
    const values = readSettings(command, settings);
    if (!values.ok) return badSettings(values.error);
    const given = yield* readMessage(flags);
    // Bytes could be a transaction that somebody wants signed; between <Bytes> and </Bytes> they are none.
    const isWrapped = flags.hex === true || !isPlainText(given);
    const message = isWrapped ? wrapMessage(given) : given;
    const kind: KeyKind = flags.coldkey ? 'coldkey' : 'hotkey';
    const places = placesOf(values.value.walletPasswordFile);
    const opened = yield* Effect.mapError(openKey(locationOf(values.value), kind, places), walletFailed);
    const signature = `0x${Buffer.from(identityOf(opened.secret.pair).sign(message)).toString('hex')}`;
    const { address } = opened.secret;
    return done(signature, { address, signature, isWrapped });
  });

export const signCommand = (): Command => {
  const command = messageOptions(addSettings(new Command('sign'), settings, shortWalletFlags))
    .description('sign a message with the hotkey, the way btcli does; prints the signature as hex')
    .option('--coldkey', 'sign with the coldkey instead');
  return command.action((flags: MessageFlags & { readonly coldkey?: boolean }) =>
    finish(sign(command, flags), flags.json),
  );
};

type VerifyFlags = MessageFlags & { readonly address: string; readonly signature: string };

const verify = (flags: VerifyFlags) =>
  Effect.gen(function* () {
    const publicKey = decodeHotkey(flags.address);
    if (!publicKey.ok) return badSettings(publicKey.error.message);
    const digits = SIGNATURE.exec(flags.signature)?.[1];
    if (digits === undefined) return badSettings('--signature: give 0x and 128 hex digits');
    const message = yield* readMessage(flags);
    const signature = Buffer.from(digits, 'hex');
    const isValid = verifyMessage({ message, signature, publicKey: publicKey.value });
    const json = { address: flags.address, isValid };
    if (isValid) return done(`valid: signed by ${flags.address}`, json);
    return { code: commandExitCodes.failed, text: `NOT valid for this message and ${flags.address}`, json };
  });

export const verifyCommand = (): Command =>
  messageOptions(new Command('verify'))
    .description(
      'check a signature, with and without <Bytes> around the message; exit code 0 if it is valid, 1 if not',
    )
    .requiredOption('--address <ss58>', 'who is said to have signed')
    .requiredOption('--signature <hex>', 'the signature, 64 bytes')
    .action((flags: VerifyFlags) => finish(verify(flags), flags.json));

type VariableFlags = { readonly only: KeyKind; readonly json?: boolean };

const variable = (command: Command, kind: KeyKind) =>
  Effect.gen(function* () {
    const values = readSettings(command, settings);
    if (!values.ok) return badSettings(values.error);
    const location = locationOf(values.value);
    const places = placesOf(values.value.walletPasswordFile);
    const password = yield* Effect.promise(() => newPassword(places, location, kind));
    if (!password.ok) return password.error;
    const name = passwordVariable(walletFiles(location)[kind]);
    const value = maskPassword(Redacted.value(password.value), name);
    return done(`${name}=${value}`, { name, value });
  });

export const passwordVariableCommand = (): Command => {
  const command = addSettings(new Command('password-variable'), settings, shortWalletFlags)
    .description(
      "print the line that puts a key's password into the environment in btcli's form; hidden from a glance only, not encrypted",
    )
    .addOption(new Option('--only <kind>', 'which key').choices(['coldkey', 'hotkey']).default('hotkey'))
    .option('--json', 'print one JSON object');
  return command.action((flags: VariableFlags) => finish(variable(command, flags.only), flags.json));
};
