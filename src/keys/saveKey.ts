import { access } from 'node:fs/promises';
import * as Effect from 'effect/Effect';
import * as Redacted from 'effect/Redacted';

import { encryptKeyfile } from './encryption.ts';
import { WalletError } from './errors.ts';
import { writeSecretFile } from './files.ts';
import { keyfileJson, publicKeyfileJson } from './keyfile.ts';
import type { KeyKind } from './password.ts';
import type { KeySecret } from './secret.ts';
import { codeOf } from './systemError.ts';
import { checkNames, filesOfKey, type WalletLocation, walletFiles } from './wallet.ts';

const exists = (file: string): WalletError =>
  new WalletError({
    reason: 'Exists',
    file,
    message: `${file} exists and is left as it is: choose another name, or --overwrite to destroy the key in it`,
  });

const writeFailure = (file: string, cause: unknown): WalletError => {
  const code = codeOf(cause);
  if (code === 'EEXIST') return exists(file);
  const message = `cannot write ${file} (${code}): check the folder's owner and permissions, and the space on disk`;
  return new WalletError({ reason: 'Unwritable', file, message });
};

/** Fails with the first of these files that exists, before anything is made. */
export const refuseExisting = Effect.fnUntraced(function* (files: readonly string[]) {
  for (const file of files) {
    const isThere = yield* Effect.promise(() =>
      access(file).then(
        () => true,
        () => false,
      ),
    );
    if (isThere) return yield* exists(file);
  }
});

const write = (file: string, content: string | Uint8Array, overwrite: boolean) =>
  Effect.tryPromise({
    try: () => writeSecretFile(file, content, { overwrite }),
    catch: (cause) => writeFailure(file, cause),
  });

/** Writes the public part of a key alone, as on a machine that must never have the secret. */
export const savePublicKey = Effect.fn('keys.savePublicKey')(function* (options: {
  readonly location: WalletLocation;
  readonly kind: KeyKind;
  readonly publicKey: Uint8Array;
  readonly overwrite: boolean;
}) {
  yield* checkNames(options.location);
  const [, shown] = filesOfKey(walletFiles(options.location), options.kind);
  yield* write(shown, publicKeyfileJson(options.publicKey), options.overwrite);
  return shown;
});

/**
 * Writes a key the way btcli does: the keyfile, encrypted unless `password` is null, and its public part. Files have
 * mode 0600, new folders 0700, and nothing that exists is replaced without `overwrite`. Encryption takes seconds and
 * 512 MiB, on another thread.
 */
export const saveKey = Effect.fn('keys.saveKey')(function* (options: {
  readonly location: WalletLocation;
  readonly kind: KeyKind;
  readonly secret: KeySecret;
  readonly password: Redacted.Redacted<string> | null;
  readonly overwrite: boolean;
}) {
  const { location, kind, secret, password, overwrite } = options;
  yield* checkNames(location);
  const [file, shown] = filesOfKey(walletFiles(location), kind);
  if (!overwrite) yield* refuseExisting([file, shown]);
  const plain = keyfileJson(secret);
  const content =
    password === null
      ? plain
      : yield* Effect.tryPromise({
          try: () => encryptKeyfile(plain, Redacted.value(password)),
          catch: () =>
            new WalletError({
              reason: 'NoMemory',
              file,
              message: `cannot encrypt ${file}: it takes 512 MiB of memory for some seconds; raise the limit of this process`,
            }),
        });
  yield* write(file, content, overwrite);
  yield* write(shown, publicKeyfileJson(secret.pair.publicKey), overwrite);
  return { file, publicFile: shown };
});
