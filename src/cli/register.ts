/** `miaoai register`: a uid for a hotkey, paid by the coldkey. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Command, Option } from 'commander';
import * as Effect from 'effect/Effect';
import { Chain, type ChainConnection } from '../chain/client.ts';
import { type SubmitError, SubmitUnconfirmed, toSubmitFailure } from '../chain/errors.ts';
import type { PreparedExtrinsic } from '../chain/extrinsics.ts';
import { registerHotkey } from '../chain/register.ts';
import { formatTao, preflightRegistration, type RegistrationTerms } from '../chain/registration.ts';
import type { BlockNumber, Hotkey } from '../domain/ids.ts';
import { commandExitCodes } from '../exitCodes.ts';
import { WalletError } from '../keys/errors.ts';
import { identityOf, keysReady } from '../keys/identity.ts';
import { describeKey } from '../keys/listWallets.ts';
import type { KeyKind } from '../keys/password.ts';
import { openKey, type WalletLocation, walletFiles, walletsFolder } from '../keys/wallet.ts';
import { ownTerminal, showProgress } from '../progress.ts';
import { chainSettings, connectFirst } from './connecting.ts';
import { badSettings, concluding, done, type Ending, failed, walletFailed } from './ending.ts';
import { addSettings, readSettings } from './settings.ts';
import { taoOption } from './tao.ts';
import {
  locationOf,
  passwordSettingsFor,
  placesOf,
  shortWalletFlags,
  walletSettings,
} from './walletInputs.ts';

const settings = { ...walletSettings, ...passwordSettingsFor('coldkey'), ...chainSettings };

type Flags = { readonly maxPrice: bigint; readonly yes?: boolean; readonly json?: boolean };
type Keys = { readonly hotkey: Hotkey; readonly coldkey: string };

const HOURS_PER_BLOCK = 12 / 3_600;

/** Nothing is there under this name, so it is more likely misspelt, or not made yet, than without its address. */
const noKey = (location: WalletLocation, kind: KeyKind): WalletError => {
  const { name, path, hotkey } = location;
  const folder = join(walletsFolder(path), name);
  const isThere = existsSync(folder);
  const what = isThere
    ? `wallet ${name} in ${path} has no ${kind === 'hotkey' ? `hotkey ${hotkey}` : kind}`
    : `there is no wallet ${name} in ${path}`;
  const flags = `--name ${name}${isThere ? ` --only ${kind}` : ''} --hotkey ${hotkey}`;
  const known = isThere ? `, \`miaoai wallet regen --only ${kind} --address …\` adds one by its address` : '';
  const message = `${what}: \`miaoai wallet list\` shows what is there, \`miaoai wallet new ${flags}\` makes one${known}`;
  return new WalletError({ reason: 'NotFound', file: walletFiles(location)[kind], message });
};

/** Public addresses of both keys, without any password: nothing is unlocked before the operator has seen the price. */
const addressesOf = Effect.fnUntraced(function* (location: WalletLocation) {
  const { name, path } = location;
  const addressOf = Effect.fnUntraced(function* (kind: KeyKind) {
    const key = yield* describeKey(location, kind);
    // A plain keyfile is opened: TAO burned for a hotkey that only a wrong public file names would be lost.
    if (kind === 'hotkey' && key?.encryption === 'none') {
      return (yield* openKey(location, kind, placesOf(null))).secret.address;
    }
    if (key !== null && key.address !== null) return key.address;
    if (key === null) return yield* noKey(location, kind);
    const message =
      `the address of the ${kind} of wallet ${name}/${location.hotkey} in ${path} is not known: ` +
      `\`miaoai wallet list\` shows what is there, \`miaoai wallet regen --only ${kind} --address …\` adds it`;
    return yield* new WalletError({ reason: 'NotFound', file: walletFiles(location)[kind], message });
  });
  const addresses = Effect.all({ hotkey: addressOf('hotkey'), coldkey: addressOf('coldkey') });
  return yield* Effect.mapError(addresses, walletFailed);
});

const AGAIN =
  'The same command tells what became of it, and is safe to repeat: a hotkey is registered at most once';

/** The chain's own words for people; what was sent and may still happen has a code of its own. */
const chainFailed = (error: SubmitError): Ending => {
  const failure = toSubmitFailure(error);
  const isRefusal = failure._tag === 'Refused' || failure._tag === 'NotIncluded';
  const isUnknown = failure._tag === 'Unconfirmed' || failure._tag === 'Unreachable';
  const code = isRefusal
    ? commandExitCodes.refused
    : isUnknown
      ? commandExitCodes.unreachable
      : commandExitCodes.failed;
  const message = failure._tag === 'Unconfirmed' ? `${failure.message}. ${AGAIN}` : failure.message;
  return failed(code, message, failure._tag === 'Refused' ? failure.check : failure._tag);
};

const termsText = (terms: RegistrationTerms, keys: Keys, maxPriceRao: bigint): string => {
  const { netuid, neurons, maxNeurons, immunityPeriodBlocks } = terms;
  const hours = Math.round(immunityPeriodBlocks * HOURS_PER_BLOCK);
  const place =
    neurons < maxNeurons
      ? `${neurons} of ${maxNeurons} places are taken`
      : `all ${maxNeurons} places are taken: the weakest neuron without immunity loses its place`;
  return [
    `Register on subnet ${netuid} (block ${terms.block})`,
    `  hotkey    ${keys.hotkey}`,
    `  coldkey   ${keys.coldkey}, balance ${formatTao(terms.balanceRao)}`,
    `  price     ${formatTao(terms.priceRao)} now, your limit is ${formatTao(maxPriceRao)}; plus a small fee`,
    `  places    ${place}`,
    `  immunity  ${immunityPeriodBlocks} blocks, about ${hours} h where a block takes 12 s, in which the new uid cannot be replaced`,
    'The price is burned: it does not come back when the uid is lost.',
  ].join('\n');
};

/** Asks on standard error; a script says --yes instead. */
const confirm = async (question: string): Promise<boolean> => {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  // Ctrl-D closes the interface, and no answer would ever come.
  const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
  // Ctrl-C lets the question fail.
  const answer = await Promise.race([lines.question(question).catch(() => ''), closed]);
  lines.close();
  return answer.trim().toLowerCase() === 'yes';
};

const isAgreed = Effect.fnUntraced(function* (flags: Flags) {
  if (flags.yes) return;
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    return yield* Effect.fail(badSettings('nobody is there to confirm: add --yes for use in a script'));
  }
  if (yield* Effect.promise(() => confirm('Type yes to register: '))) return;
  return yield* Effect.fail(failed(commandExitCodes.declined, 'nothing was sent', 'Declined'));
});

/** The coldkey that pays. It must be the one whose balance was shown. */
const unlockColdkey = Effect.fnUntraced(function* (
  location: WalletLocation,
  passwordFile: string | null,
  keys: Keys,
) {
  const { secret } = yield* Effect.mapError(
    openKey(location, 'coldkey', placesOf(passwordFile)),
    walletFailed,
  );
  if (secret.address === keys.coldkey) return identityOf(secret.pair);
  const message = `the coldkey is ${secret.address}, but coldkeypub.txt says ${keys.coldkey}: one of the files belongs to another wallet`;
  return yield* Effect.fail(failed(commandExitCodes.key, message, 'Mismatch'));
});

/** A hotkey of another coldkey earns for that one: not what the operator wanted, and not theirs to change. */
const alreadyThere = ({ netuid, uid, block, ownerColdkey }: RegistrationTerms, keys: Keys): Ending => {
  const { hotkey, coldkey } = keys;
  const place = `${hotkey} has uid ${uid} on subnet ${netuid} already`;
  if (ownerColdkey === coldkey) {
    const json = { netuid, uid, block, hotkey, wasRegistered: true };
    return done(`${place}: nothing was sent`, json);
  }
  const message = `${place}, but belongs to coldkey ${ownerColdkey}, not to ${coldkey}: nothing was sent; use another hotkey, or that coldkey`;
  return failed(commandExitCodes.refused, message, 'NonAssociatedColdKey');
};

/** Ctrl-C, or SIGTERM: the process must not end without a word while TAO may be on its way. */
const interruption = Effect.callback<void>((resume) => {
  const stop = (): void => resume(Effect.void);
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.once(signal, stop);
  return Effect.sync(() => {
    for (const signal of signals) process.off(signal, stop);
  });
});

/** Registers; null where another extrinsic, as one of an attempt before this, was faster. */
const registerOnce = (request: Parameters<typeof registerHotkey>[0]) =>
  registerHotkey(request).pipe(
    Effect.catchTag('SubmitRefused', (error) =>
      error.check === 'HotKeyAlreadyRegisteredInSubNet' ? Effect.succeed(null) : Effect.fail(error),
    ),
  );

/** Registers, and says before it waits what was sent: neither a lost terminal nor Ctrl-C takes that back. */
const send = Effect.fnUntraced(function* (request: Parameters<typeof registerHotkey>[0]) {
  let sent: PreparedExtrinsic | null = null;
  let endProgress = (): void => {};
  let searched: BlockNumber | null = null;
  const onSigned = (prepared: PreparedExtrinsic): void => {
    sent = prepared;
    const last = prepared.expiresAtBlock - 1;
    process.stderr.write(
      `Sending ${prepared.hash}, valid up to block ${last}; waiting for the finalized block that has it.\n`,
    );
    const place = ownTerminal((text) => void process.stderr.write(`${text}\n`));
    // How long the chain takes to include and finalize it is not known; the last block that can have it is.
    const done = () => (searched === null ? null : { share: 0, text: `looked up to ${searched} of ${last}` });
    endProgress = showProgress({ name: 'waiting for the finalized block', done }, place);
  };
  const onBlock = (block: BlockNumber): void => {
    searched = block;
  };
  const interrupted = Effect.flatMap(interruption, () => {
    const error =
      sent === null
        ? failed(commandExitCodes.declined, 'interrupted, nothing was sent', 'Declined')
        : chainFailed(
            new SubmitUnconfirmed({ message: `interrupted after ${sent.hash} was sent: it still counts` }),
          );
    return Effect.fail(error);
  });
  const registered = Effect.mapError(registerOnce({ ...request, onSigned, onBlock }), chainFailed).pipe(
    Effect.ensuring(Effect.sync(() => endProgress())),
  );
  return yield* Effect.raceFirst(registered, interrupted);
});

/** What the operator sees before being asked; the code of the check where the chain would refuse. */
const showTerms = Effect.fnUntraced(function* (terms: RegistrationTerms, keys: Keys, maxPriceRao: bigint) {
  process.stderr.write(`${termsText(terms, keys, maxPriceRao)}\n`);
  const preflight = preflightRegistration(terms, { ...keys, maxPriceRao });
  if (preflight.ok) return;
  const { error } = preflight;
  const reason = error._tag === 'Refused' ? error.check : error._tag;
  return yield* Effect.fail(failed(commandExitCodes.refused, error.message, reason));
});

const register = Effect.fnUntraced(function* (command: Command, flags: Flags) {
  yield* Effect.promise(keysReady);
  const values = readSettings(command, settings);
  if (!values.ok) return badSettings(values.error);
  const location = locationOf(values.value);
  const keys: Keys = yield* addressesOf(location);
  const connection: ChainConnection = yield* connectFirst(values.value);
  const readTerms = Effect.flatMap(connection.finalizedHead(), (head) =>
    connection.readRegistration({ head, ...keys }),
  ).pipe(Effect.mapError(chainFailed));
  const terms = yield* readTerms;
  if (terms.uid !== null) return alreadyThere(terms, keys);
  yield* showTerms(terms, keys, flags.maxPrice);
  yield* isAgreed(flags);
  const coldkey = yield* unlockColdkey(location, values.value.walletPasswordFile, keys);
  const registered = yield* send({
    connection,
    coldkey,
    hotkey: keys.hotkey,
    maxPriceRao: flags.maxPrice,
  });
  if (registered === null) return alreadyThere(yield* readTerms, keys);
  const { uid, block, extrinsicHash, priceRao, immunityPeriodBlocks } = registered;
  const { netuid } = terms;
  return done(
    `registered as uid ${uid} of subnet ${netuid} in block ${block}, for about ${formatTao(priceRao)}`,
    {
      netuid,
      uid,
      block,
      hotkey: keys.hotkey,
      wasRegistered: false,
      priceRao: priceRao.toString(),
      extrinsicHash,
      immuneUntilBlock: block + immunityPeriodBlocks,
    },
  );
});

const run = (command: Command, flags: Flags): Promise<Ending> =>
  Effect.runPromise(
    Effect.scoped(register(command, flags)).pipe(
      Effect.catch((ending) => Effect.succeed(ending)),
      Effect.provide(Chain.layer),
    ),
  );

export const registerCommand = (): Command => {
  const command = addSettings(new Command('register'), settings, shortWalletFlags)
    .description('register the hotkey on the subnet; burns TAO of the coldkey, never more than --max-price')
    .addOption(
      new Option('--max-price <TAO>', 'required: the most to burn; nothing is sent above it')
        .argParser(taoOption)
        .makeOptionMandatory(),
    )
    .option('--yes', 'do not ask; for scripts')
    .option('--json', 'print one JSON object');
  return command.action((flags: Flags) => concluding(run(command, flags), flags.json ?? false));
};
