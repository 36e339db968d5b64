/** `miaoai register`: a uid for a hotkey, paid by the coldkey. */
import { createInterface } from 'node:readline/promises';
import { Command, Option } from 'commander';
import * as Effect from 'effect/Effect';
import { Chain, type ChainConnection } from '../chain/client.ts';
import { type SubmitError, toSubmitFailure } from '../chain/errors.ts';
import { registerHotkey } from '../chain/register.ts';
import { formatTao, preflightRegistration, type RegistrationTerms } from '../chain/registration.ts';
import type { Hotkey } from '../domain/ids.ts';
import { commandExitCodes } from '../exitCodes.ts';
import { identityOf, keysReady } from '../keys/identity.ts';
import { type KeyInfo, listWallets } from '../keys/listWallets.ts';
import type { KeyKind } from '../keys/password.ts';
import { openKey, type WalletLocation } from '../keys/wallet.ts';
import { chainSettings, connectFirst } from './connecting.ts';
import { badSettings, concluding, done, type Ending, failed, walletFailed } from './ending.ts';
import { addSettings, readSettings } from './settings.ts';
import { taoOption } from './tao.ts';
import { locationOf, passwordSettings, placesOf, shortWalletFlags, walletSettings } from './walletInputs.ts';

const settings = { ...walletSettings, ...passwordSettings, ...chainSettings };

type Flags = { readonly maxPrice: bigint; readonly yes?: boolean; readonly json?: boolean };
type Keys = { readonly hotkey: Hotkey; readonly coldkey: string };

const HOURS_PER_BLOCK = 12 / 3_600;

/** Public addresses of both keys, without any password: nothing is unlocked before the operator has seen the price. */
const addressesOf = Effect.fnUntraced(function* (location: WalletLocation) {
  const wallets = yield* Effect.mapError(listWallets(location.path), walletFailed);
  const wallet = wallets.find(({ name }) => name === location.name);
  const hotkey = wallet?.hotkeys.find(({ name }) => name === location.hotkey);
  const addressOf = (kind: KeyKind, key: KeyInfo | null | undefined) =>
    key?.address == null
      ? Effect.fail(
          failed(
            commandExitCodes.key,
            `the address of the ${kind} of wallet ${location.name}/${location.hotkey} in ${location.path} is not known: ` +
              `\`miaoai wallet list\` shows what is there, \`miaoai wallet regen --only ${kind} --address …\` adds it`,
            'NotFound',
          ),
        )
      : Effect.succeed(key.address);
  return {
    hotkey: yield* addressOf('hotkey', hotkey),
    coldkey: yield* addressOf('coldkey', wallet?.coldkey),
  } satisfies Keys;
});

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
  return failed(code, failure.message, failure._tag === 'Refused' ? failure.check : failure._tag);
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
    `  immunity  ${immunityPeriodBlocks} blocks, about ${hours} h at 12 s, in which the new uid cannot be replaced`,
    'The price is burned: it does not come back when the uid is lost.',
  ].join('\n');
};

/** Asks on standard error; a script says --yes instead. */
const confirm = async (question: string): Promise<boolean> => {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  // Ctrl-D closes the interface, and no answer would ever come.
  const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
  const answer = await Promise.race([lines.question(question), closed]);
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

const alreadyThere = ({ netuid, uid, block }: RegistrationTerms, keys: Keys): Ending =>
  done(`${keys.hotkey} has uid ${uid} on subnet ${netuid} already: nothing was sent`, {
    netuid,
    uid,
    block,
    hotkey: keys.hotkey,
    wasRegistered: true,
  });

const register = Effect.fnUntraced(function* (command: Command, flags: Flags) {
  yield* Effect.promise(keysReady);
  const values = readSettings(command, settings);
  if (!values.ok) return badSettings(values.error);
  const location = locationOf(values.value);
  const keys = yield* addressesOf(location);
  const connection: ChainConnection = yield* connectFirst(values.value);
  const head = yield* Effect.mapError(connection.finalizedHead(), chainFailed);
  const terms = yield* Effect.mapError(connection.readRegistration({ head, ...keys }), chainFailed);
  if (terms.uid !== null) return alreadyThere(terms, keys);
  process.stderr.write(`${termsText(terms, keys, flags.maxPrice)}\n`);
  const preflight = preflightRegistration(terms, { ...keys, maxPriceRao: flags.maxPrice });
  if (!preflight.ok) {
    const { error } = preflight;
    return failed(
      commandExitCodes.refused,
      error.message,
      error._tag === 'Refused' ? error.check : error._tag,
    );
  }
  yield* isAgreed(flags);
  const coldkey = yield* unlockColdkey(location, values.value.walletPasswordFile, keys);
  const registered = yield* Effect.mapError(
    registerHotkey({ connection, coldkey, hotkey: keys.hotkey, maxPriceRao: flags.maxPrice }),
    chainFailed,
  );
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
      new Option('--max-price <TAO>', 'the most to burn; nothing is sent above it')
        .argParser(taoOption)
        .makeOptionMandatory(),
    )
    .option('--yes', 'do not ask; for scripts')
    .option('--json', 'print one JSON object');
  return command.action((flags: Flags) => concluding(run(command, flags), flags.json ?? false));
};
