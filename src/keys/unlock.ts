import * as Effect from 'effect/Effect';
import * as Redacted from 'effect/Redacted';

import { decryptKeyfile, encryptionOf } from './encryption.ts';
import { WalletError, type WalletReason } from './errors.ts';
import { findPassword, type KeyKind, type PasswordPlaces, passwordWays } from './password.ts';
import type { AskSecret } from './prompt.ts';

/** Tries of a person at a terminal; a script has one. */
const MAX_TRIES = 3;

type Keyfile = { readonly file: string; readonly kind: KeyKind; readonly bytes: Uint8Array };

const refuse = ({ file }: Keyfile, reason: WalletReason, message: string): WalletError =>
  new WalletError({ reason, file, message });

/** null: the password does not open it. */
const decrypt = (keyfile: Keyfile, password: Redacted.Redacted<string>) =>
  Effect.tryPromise({
    try: () => decryptKeyfile(keyfile.bytes, Redacted.value(password)),
    catch: () =>
      refuse(
        keyfile,
        'NoMemory',
        `cannot decrypt ${keyfile.file}: the password's key takes 512 MiB of memory for some seconds; raise the limit of this process`,
      ),
  });

const wrong = (keyfile: Keyfile, from: string): WalletError =>
  refuse(
    keyfile,
    'WrongPassword',
    `the password from ${from} does not open the ${keyfile.kind} ${keyfile.file}: correct it there (or the file is damaged)`,
  );

/** A person's tries, until one fits or there are none left. */
const askAndDecrypt = Effect.fnUntraced(function* (keyfile: Keyfile, ask: AskSecret) {
  for (let left = MAX_TRIES; left > 0; left -= 1) {
    const answer = yield* Effect.promise(() => ask(`Password of the ${keyfile.kind} ${keyfile.file}: `));
    if (answer === null) {
      return yield* refuse(keyfile, 'NoPassword', `no password was typed for ${keyfile.file}`);
    }
    const plain = yield* decrypt(keyfile, Redacted.make(answer));
    if (plain !== null) return plain;
  }
  return yield* refuse(
    keyfile,
    'WrongPassword',
    `${MAX_TRIES} wrong passwords for the ${keyfile.kind} ${keyfile.file}`,
  );
});

/**
 * Plain text of a keyfile. An encrypted one is opened with the password from the first place that has one; a broken
 * place or a wrong password fails at once, only a person is asked again. Decryption takes seconds, on another thread.
 */
export const unlockKeyfile = Effect.fn('keys.unlockKeyfile')(function* (
  keyfile: Keyfile,
  places: PasswordPlaces,
) {
  const encryption = encryptionOf(keyfile.bytes);
  if (encryption === 'none') return Buffer.from(keyfile.bytes).toString('utf8');
  const { file, kind } = keyfile;
  const found = yield* Effect.promise(() => findPassword(places, { keyfile: file, kind }));
  if (found !== null && !found.ok) {
    return yield* refuse(keyfile, 'NoPassword', `the ${kind} ${file} is encrypted, and ${found.error}`);
  }
  if (found !== null) {
    const plain = yield* decrypt(keyfile, found.value.password);
    return plain === null ? yield* wrong(keyfile, found.value.from) : Buffer.from(plain).toString('utf8');
  }
  if (places.ask === null) {
    const message = `the ${kind} ${file} is encrypted (${encryption}) and no password is given. Ways to give it:\n${passwordWays(file, kind)}`;
    return yield* refuse(keyfile, 'NoPassword', message);
  }
  return Buffer.from(yield* askAndDecrypt(keyfile, places.ask)).toString('utf8');
});
