/** What `doctor` looks at on this machine: data folder, wallet, models. Nothing is made, changed or started. */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname } from 'node:path';
import * as Effect from 'effect/Effect';

import type { Config, MinerConfig } from '../config.ts';
import type { Hotkey } from '../domain/ids.ts';
import { readModelFolder } from '../inference/manifest.ts';
import { expandModelDirs } from '../inference/modelDirs.ts';
import { inspectMachine, planProvider } from '../inference/providers.ts';
import { encryptionOf } from '../keys/encryption.ts';
import { identityFromUri } from '../keys/identity.ts';
import { describeKey } from '../keys/listWallets.ts';
import { findPassword, type PasswordPlaces } from '../keys/password.ts';
import { openKey, readKeyfile, type WalletLocation, walletFiles } from '../keys/wallet.ts';
import { openFolderProblem, resolveDataDir } from '../store/dataDir.ts';
import type { Finding } from './doctorReport.ts';

type Say = (check: string, status: Finding['status'], message: string) => Finding;
const about =
  (area: Finding['area']): Say =>
  (check, status, message) => ({ area, check, status, message });

const machine = about('machine');
const wallet = about('wallet');
const models = about('models');

export const settingsFindings = (config: Config): readonly Finding[] => {
  const settings = about('settings');
  const given = Object.values(config.sources).filter((source) => source !== 'default').length;
  const fine = settings('Settings', 'ok', `${given} given, the others have their defaults`);
  if (config.unknownNames.length === 0) return [fine];
  const names = config.unknownNames.join(', ');
  return [fine, settings('UnknownNames', 'warning', `nothing reads ${names}: misspelt?`)];
};

export const nodeFinding = (): Finding =>
  machine('Node', 'ok', `Node ${process.versions.node} on ${process.platform} ${process.arch}`);

/** The folder, or where it does not exist yet, the nearest one above it. */
export const existing = (path: string): string => (existsSync(path) ? path : existing(dirname(path)));

const isWritable = (path: string): boolean => {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

export const dataDirOf = (config: Config, hotkey: Hotkey): string => {
  const { network, netuid, role } = config;
  return resolveDataDir({ explicit: config.dataDir, home: homedir(), network, netuid, hotkey, role });
};

/** The folder would be usable; whether a daemon holds it now is no matter, since the daemon may be asked about. */
export const dataDirFinding = (config: Config, hotkey: Hotkey): Finding => {
  const dir = dataDirOf(config, hotkey);
  const found = existing(dir);
  const stat = statSync(found);
  if (!stat.isDirectory()) return machine('DataDir', 'blocked', `${found} is not a folder: move it away`);
  if (!isWritable(found)) {
    return machine('DataDir', 'blocked', `${found} is not writable for this user: correct its owner or mode`);
  }
  if (found !== dir) return machine('DataDir', 'ok', `${dir} will be made at the first start`);
  return (stat.mode & 0o077) === 0
    ? machine('DataDir', 'ok', `${dir} is writable and closed to others`)
    : machine('DataDir', 'blocked', openFolderProblem(dir, stat.mode));
};

export type WalletVerdict = { readonly hotkey: Hotkey | null; readonly findings: readonly Finding[] };

/** Address from the public part, for a hotkey that does not open. */
const shownAddress = Effect.fnUntraced(function* (location: WalletLocation) {
  const key = yield* Effect.catch(describeKey(location, 'hotkey'), () => Effect.succeed(null));
  return key?.address ?? null;
});

/** How the hotkey is protected, and where a daemon without a terminal would take its password from. */
const protection = Effect.fnUntraced(function* (location: WalletLocation, places: PasswordPlaces) {
  const file = walletFiles(location).hotkey;
  const read = yield* Effect.result(readKeyfile(file, 'hotkey'));
  if (read._tag === 'Failure') return null;
  const encryption = encryptionOf(read.success.bytes);
  if (encryption === 'none') return wallet('HotkeyEncryption', 'ok', `${file} is not encrypted`);
  const found = yield* Effect.promise(() => findPassword(places, { keyfile: file, kind: 'hotkey' }));
  if (found?.ok) {
    return wallet(
      'HotkeyEncryption',
      'ok',
      `encrypted (${encryption}); its password is in ${found.value.from}`,
    );
  }
  const message = `encrypted (${encryption}), and no place has its password: a daemon starts on a terminal only`;
  return wallet('HotkeyEncryption', 'warning', message);
});

/** Of a daemon that runs. */
export const openedFinding = (hotkey: Hotkey): Finding =>
  wallet('Hotkey', 'ok', `${hotkey} is open in this process`);

/** Whether the daemon could load its hotkey. Decrypts it, because only that shows whether the password is right. */
export const examineWallet = Effect.fnUntraced(function* (config: Config, places: PasswordPlaces) {
  if (config.hotkeyUri !== null) {
    const identity = identityFromUri(config.hotkeyUri);
    if (!identity.ok)
      return { hotkey: null, findings: [wallet('Hotkey', 'blocked', identity.error.message)] };
    const message = `${identity.value.hotkey} of a development URI`;
    return { hotkey: identity.value.hotkey, findings: [wallet('Hotkey', 'ok', message)] };
  }
  const location = { path: config.walletPath, name: config.walletName, hotkey: config.walletHotkey };
  const protectedBy = yield* protection(location, places);
  const rest = protectedBy === null ? [] : [protectedBy];
  const opened = yield* Effect.result(openKey(location, 'hotkey', places));
  if (opened._tag === 'Failure') {
    const findings = [wallet('Hotkey', 'blocked', opened.failure.message), ...rest];
    return { hotkey: yield* shownAddress(location), findings };
  }
  const { secret, file, warning } = opened.success;
  const exposed = warning === null ? [] : [wallet('HotkeyMode', 'warning', warning)];
  const findings = [wallet('Hotkey', 'ok', `${secret.address} from ${file}`), ...rest, ...exposed];
  return { hotkey: secret.address, findings } satisfies WalletVerdict;
});

const modelFinding = (dir: string): Effect.Effect<Finding> =>
  Effect.match(readModelFolder(dir), {
    onSuccess: ({ name, labels, modelBytes, sha256 }) =>
      models(
        'Model',
        'ok',
        `${name}: ${labels.length} labels, ${(modelBytes / 1e6).toFixed(1)} MB, sha256 ${sha256}`,
      ),
    onFailure: ({ message }) => models('Model', 'blocked', message),
  });

const providerFinding = (config: MinerConfig): Effect.Effect<Finding> =>
  Effect.match(planProvider(config.provider, inspectMachine()), {
    onSuccess: ({ planned, reason }) =>
      reason === null
        ? models('Provider', 'ok', `models run on ${planned}`)
        : models('Provider', 'warning', `models run on ${planned}: ${reason}`),
    onFailure: ({ message }) => models('Provider', 'blocked', message),
  });

/** Every model folder read and hashed, and the provider that workers would start with. */
export const modelFindings = Effect.fnUntraced(function* (config: MinerConfig) {
  const dirs = expandModelDirs(config.modelDirs);
  const found = yield* Effect.forEach(dirs, modelFinding);
  const none = models('Model', 'blocked', 'no model folder: give --model-dirs');
  return [...(found.length === 0 ? [none] : found), yield* providerFinding(config)];
});
