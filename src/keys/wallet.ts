import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import * as Effect from 'effect/Effect';

import { WalletError, type WalletReason } from './errors.ts';
import { MAX_SECRET_FILE_BYTES, readSecretFile } from './files.ts';
import { type Identity, identityOf } from './identity.ts';
import { secretFromKeyfile } from './keyfile.ts';
import type { KeyKind, PasswordPlaces } from './password.ts';
import type { KeySecret } from './secret.ts';
import { codeOf } from './systemError.ts';
import { unlockKeyfile } from './unlock.ts';

/** Names as in the environment: BT_WALLET_PATH, BT_WALLET_NAME, BT_WALLET_HOTKEY. */
export type WalletLocation = { readonly path: string; readonly name: string; readonly hotkey: string };

/** Files of one wallet and one of its hotkeys (btwallet src/wallet.rs); the `…pub.txt` are readable without a password. */
export type WalletFiles = {
  readonly coldkey: string;
  readonly coldkeyPublic: string;
  readonly hotkey: string;
  readonly hotkeyPublic: string;
};

/** Folder of all wallets, with a leading `~` replaced by the home directory. */
export const walletsFolder = (path: string): string =>
  resolve(path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path);

export const walletFiles = ({ path, name, hotkey }: WalletLocation): WalletFiles => {
  const folder = join(walletsFolder(path), name);
  return {
    coldkey: join(folder, 'coldkey'),
    coldkeyPublic: join(folder, 'coldkeypub.txt'),
    hotkey: join(folder, 'hotkeys', hotkey),
    hotkeyPublic: join(folder, 'hotkeys', `${hotkey}${PUBLIC_SUFFIX}`),
  };
};

const publicFileOf = { coldkey: 'coldkeyPublic', hotkey: 'hotkeyPublic' } as const;

/** The files that a key of this kind consists of. */
export const filesOfKey = (files: WalletFiles, kind: KeyKind): readonly [secret: string, shown: string] => [
  files[kind],
  files[publicFileOf[kind]],
];

/** `<path>/<name>/hotkeys/<hotkey>`. */
export const hotkeyFile = (location: WalletLocation): string => walletFiles(location).hotkey;

/** No separator, and no control character: names are printed, and a terminal obeys some of those. */
export const isFolderName = (name: string): boolean =>
  /^[^/\\\p{Cc}]+$/u.test(name) && name !== '.' && name !== '..';

export const PUBLIC_SUFFIX = 'pub.txt';

/** Fails where a name is a path, which would lead out of the wallet folder, or the name of another key's public part. */
export const checkNames = Effect.fnUntraced(function* (location: WalletLocation) {
  const isPublic = location.hotkey.endsWith(PUBLIC_SUFFIX);
  if (isFolderName(location.name) && isFolderName(location.hotkey) && !isPublic) return;
  const message = isPublic
    ? `no hotkey can have a name that ends with ${PUBLIC_SUFFIX}: such a file is the public part of another one`
    : 'BT_WALLET_NAME and BT_WALLET_HOTKEY are names, not paths; the folder goes into BT_WALLET_PATH';
  return yield* new WalletError({ reason: 'NotFound', file: hotkeyFile(location), message });
});

const adviceFor: { readonly [K in KeyKind]: string } = {
  hotkey:
    'check BT_WALLET_PATH, BT_WALLET_NAME and BT_WALLET_HOTKEY, or create the hotkey with `miaoai wallet new` or `btcli wallet new-hotkey`',
  coldkey:
    'check BT_WALLET_PATH and BT_WALLET_NAME; the coldkey is needed for this command only, and may be kept on another machine',
};

const readFailure = (file: string, kind: KeyKind, cause: unknown): WalletError => {
  const code = codeOf(cause);
  const reason: WalletReason = code === 'ENOENT' || code === 'ENOTDIR' ? 'NotFound' : 'Unreadable';
  const advice = reason === 'NotFound' ? adviceFor[kind] : 'check that it is a file this user may read';
  return new WalletError({ reason, file, message: `cannot read the keyfile ${file} (${code}): ${advice}` });
};

/** A keyfile as it is on disk, bounded in size. */
export const readKeyfile = Effect.fnUntraced(function* (file: string, kind: KeyKind) {
  const read = yield* Effect.tryPromise({
    try: () => readSecretFile(file),
    catch: (cause) => readFailure(file, kind, cause),
  });
  const { bytes } = read;
  if (bytes === null) {
    const message = `${file} is larger than ${MAX_SECRET_FILE_BYTES} bytes, so it is no keyfile`;
    return yield* new WalletError({ reason: 'TooLarge', file, message });
  }
  return { ...read, bytes };
});

export type OpenedKey = {
  readonly secret: KeySecret;
  readonly file: string;
  /** What the operator should change although the key was loaded; null: nothing. */
  readonly warning: string | null;
};

/**
 * Opens a key of a wallet folder, plain or encrypted, with everything its keyfile holds. Only the file of this kind is
 * read: a wallet without a coldkey is complete for a daemon.
 */
export const openKey = Effect.fn('keys.openKey')(function* (
  location: WalletLocation,
  kind: KeyKind,
  places: PasswordPlaces,
) {
  yield* checkNames(location);
  const file = walletFiles(location)[kind];
  const { bytes, mode, isOpenToOthers } = yield* readKeyfile(file, kind);
  const content = yield* unlockKeyfile({ file, kind, bytes }, places);
  const secret = secretFromKeyfile(content);
  if (!secret.ok) {
    const { reason, message } = secret.error;
    return yield* new WalletError({ reason, file, message: `the keyfile ${file}: ${message}` });
  }
  const warning = isOpenToOthers
    ? `others on this machine may use ${file} (mode ${mode.toString(8)}): chmod 600 ${file}`
    : null;
  return { secret: secret.value, file, warning } satisfies OpenedKey;
});

/** Nobody gives a password: encrypted keyfiles are refused. */
const nothingGiven: PasswordPlaces = { passwordFile: null, env: {}, ask: null };

/**
 * Loads the signing hotkey of an ordinary Bittensor wallet folder (btwallet's keyfiles and those of the older Python
 * library, plain or encrypted). Fails with a `WalletError` that names the file and what to do; never shows its content.
 */
export const loadHotkey = Effect.fn('keys.loadHotkey')(function* (
  location: WalletLocation,
  places: PasswordPlaces = nothingGiven,
) {
  const { secret } = yield* openKey(location, 'hotkey', places);
  return identityOf(secret.pair) satisfies Identity;
});
