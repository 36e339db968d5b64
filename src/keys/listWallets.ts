import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as Effect from 'effect/Effect';

import type { Hotkey } from '../domain/ids.ts';
import { encryptionOf, type KeyfileEncryption } from './encryption.ts';
import { WalletError } from './errors.ts';
import { readSecretFile } from './files.ts';
import { publicKeyInKeyfile } from './keyfile.ts';
import type { KeyKind } from './password.ts';
import { encodeHotkey } from './ss58.ts';
import { codeOf } from './systemError.ts';
import {
  checkNames,
  filesOfKey,
  isFolderName,
  PUBLIC_SUFFIX,
  type WalletLocation,
  walletFiles,
  walletsFolder,
} from './wallet.ts';

/** What can be told of a key without its password. */
export type KeyInfo = {
  readonly name: string;
  readonly file: string;
  /** null: neither the public file nor a plain keyfile names one. */
  readonly address: Hotkey | null;
  /** `absent`: only the public part is here. `unreadable`: this user may not read the keyfile. */
  readonly encryption: KeyfileEncryption | 'absent' | 'unreadable';
  /** Somebody else on this machine may read or change the keyfile. */
  readonly isOpenToOthers: boolean;
};

export type WalletInfo = {
  readonly name: string;
  readonly folder: string;
  /** null where there is neither a coldkey nor its public part. */
  readonly coldkey: KeyInfo | null;
  readonly hotkeys: readonly KeyInfo[];
};

/** Wallets and hotkeys beyond these are left out; nobody has them, and a wrong folder may. */
const MAX_WALLETS = 1_000;
const MAX_HOTKEYS = 2_000;

const addressIn = (bytes: Buffer | null): Hotkey | null => {
  const publicKey = bytes === null ? null : publicKeyInKeyfile(bytes.toString('utf8'));
  return publicKey?.ok ? encodeHotkey(publicKey.value) : null;
};

/** null: there is no such file. */
const readOrNull = async (file: string) => {
  try {
    return { isReadable: true, ...(await readSecretFile(file)) };
  } catch (cause) {
    return codeOf(cause) === 'ENOENT'
      ? null
      : { isReadable: false, bytes: null, mode: 0, isOpenToOthers: false };
  }
};

const keyInfo = async (name: string, file: string, publicFile: string): Promise<KeyInfo | null> => {
  const [keyfile, shown] = await Promise.all([readOrNull(file), readOrNull(publicFile)]);
  if (keyfile === null && shown === null) return null;
  const address = addressIn(shown?.bytes ?? null);
  if (keyfile === null) return { name, file, address, encryption: 'absent', isOpenToOthers: false };
  const { bytes, isOpenToOthers } = keyfile;
  const encryption = bytes === null ? 'unreadable' : encryptionOf(bytes);
  return {
    name,
    file,
    // What the keyfile itself says, where it can be read: the public file may be of another key.
    address: (encryption === 'none' ? addressIn(bytes) : null) ?? address,
    encryption,
    isOpenToOthers,
  };
};

/** One key of a wallet with what is known of it without any password; null where there is none. */
export const describeKey = Effect.fn('keys.describeKey')(function* (location: WalletLocation, kind: KeyKind) {
  yield* checkNames(location);
  const [file, shown] = filesOfKey(walletFiles(location), kind);
  const name = kind === 'coldkey' ? kind : location.hotkey;
  return yield* Effect.promise(() => keyInfo(name, file, shown));
});

/** Names in a folder, sorted; nothing where it does not exist. */
const namesIn = async (folder: string): Promise<readonly string[]> => {
  try {
    return (await readdir(folder)).filter((name) => !name.startsWith('.') && isFolderName(name)).toSorted();
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT' || codeOf(cause) === 'ENOTDIR') return [];
    throw cause;
  }
};

const hotkeyNames = (files: readonly string[]): readonly string[] => {
  const bare = files.map((name) =>
    name.endsWith(PUBLIC_SUFFIX) ? name.slice(0, -PUBLIC_SUFFIX.length) : name,
  );
  return [...new Set(bare)].filter((name) => name !== '').slice(0, MAX_HOTKEYS);
};

const walletInfo = async (path: string, name: string): Promise<WalletInfo> => {
  const folder = join(walletsFolder(path), name);
  const hotkeys: KeyInfo[] = [];
  for (const hotkey of hotkeyNames(await namesIn(join(folder, 'hotkeys')))) {
    const files = walletFiles({ path, name, hotkey });
    const info = await keyInfo(hotkey, files.hotkey, files.hotkeyPublic);
    if (info !== null) hotkeys.push(info);
  }
  const { coldkey, coldkeyPublic } = walletFiles({ path, name, hotkey: 'default' });
  return { name, folder, coldkey: await keyInfo('coldkey', coldkey, coldkeyPublic), hotkeys };
};

/** All wallets of a folder with what is known of their keys without any password. Folders without keys are left out. */
export const listWallets = Effect.fn('keys.listWallets')(function* (path: string) {
  const folder = walletsFolder(path);
  return yield* Effect.tryPromise({
    try: async () => {
      const wallets: WalletInfo[] = [];
      for (const name of (await namesIn(folder)).slice(0, MAX_WALLETS)) {
        const wallet = await walletInfo(path, name);
        if (wallet.coldkey !== null || wallet.hotkeys.length > 0) wallets.push(wallet);
      }
      return wallets satisfies readonly WalletInfo[];
    },
    catch: (cause) =>
      new WalletError({
        reason: 'Unreadable',
        file: folder,
        message: `cannot read the wallets in ${folder} (${codeOf(cause)}): check its owner and permissions`,
      }),
  });
});
