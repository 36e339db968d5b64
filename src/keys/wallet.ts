import { open } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import * as Effect from 'effect/Effect';

import { WalletError, type WalletReason } from './errors.ts';
import type { Identity } from './identity.ts';
import { identityFromKeyfile } from './keyfile.ts';

/** Names as in the environment: BT_WALLET_PATH, BT_WALLET_NAME, BT_WALLET_HOTKEY. */
export type WalletLocation = { readonly path: string; readonly name: string; readonly hotkey: string };

/** A keyfile is below 1 KiB; anything larger is some other file. */
const MAX_KEYFILE_BYTES = 64 * 1_024;

/** `<path>/<name>/hotkeys/<hotkey>`, with a leading `~` replaced by the home directory. */
export const hotkeyFile = ({ path, name, hotkey }: WalletLocation): string => {
  const root = path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;
  return join(resolve(root), name, 'hotkeys', hotkey);
};

const isFolderName = (name: string): boolean => /^[^/\\\0]+$/.test(name) && name !== '.' && name !== '..';

const codeOf = (cause: unknown): string =>
  cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : 'unknown';

const readFailure = (file: string, cause: unknown): WalletError => {
  const code = codeOf(cause);
  const reason: WalletReason = code === 'ENOENT' || code === 'ENOTDIR' ? 'NotFound' : 'Unreadable';
  const advice =
    reason === 'NotFound'
      ? 'check BT_WALLET_PATH, BT_WALLET_NAME and BT_WALLET_HOTKEY, or create the hotkey with `btcli wallet new-hotkey`'
      : 'check that it is a file this user may read';
  return new WalletError({ reason, file, message: `cannot read the keyfile ${file} (${code}): ${advice}` });
};

/** Reads at most one byte more than allowed, so that a device or a huge file cannot fill memory. */
const readBounded = async (file: string): Promise<string | null> => {
  await using handle = await open(file, 'r');
  const buffer = Buffer.alloc(MAX_KEYFILE_BYTES + 1);
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
  return bytesRead > MAX_KEYFILE_BYTES ? null : buffer.toString('utf8', 0, bytesRead);
};

/**
 * Loads the signing hotkey of an ordinary Bittensor wallet folder (plain keyfiles of btwallet and of the older Python
 * library). Fails with a `WalletError` that names the file and what to do; never shows its content.
 */
export const loadHotkey = Effect.fn('keys.loadHotkey')(function* (location: WalletLocation) {
  const file = hotkeyFile(location);
  if (!isFolderName(location.name) || !isFolderName(location.hotkey)) {
    const message =
      'BT_WALLET_NAME and BT_WALLET_HOTKEY are names, not paths; the folder goes into BT_WALLET_PATH';
    return yield* new WalletError({ reason: 'NotFound', file, message });
  }
  const content = yield* Effect.tryPromise({
    try: () => readBounded(file),
    catch: (cause) => readFailure(file, cause),
  });
  if (content === null) {
    const message = `${file} is larger than ${MAX_KEYFILE_BYTES} bytes, so it is no keyfile`;
    return yield* new WalletError({ reason: 'TooLarge', file, message });
  }
  const identity = identityFromKeyfile(content);
  if (!identity.ok) {
    const { reason, message } = identity.error;
    return yield* new WalletError({ reason, file, message: `the keyfile ${file}: ${message}` });
  }
  return identity.value satisfies Identity;
});
