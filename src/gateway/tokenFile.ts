import { randomBytes } from 'node:crypto';
import { fstatSync, openSync, readSync, writeFileSync } from 'node:fs';
import * as Redacted from 'effect/Redacted';

import { fail, type Outcome, succeed } from '../domain/outcome.ts';

export type Token = Redacted.Redacted<string>;

const shortest = 32;
const longestBytes = 1_024;

const isMissing = (cause: unknown): boolean =>
  cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';

/** Makes the file, or fails because somebody else just did. */
const createTokenFile = (path: string): string => {
  const token = randomBytes(32).toString('base64url');
  writeFileSync(path, `${token}\n`, { mode: 0o600, flag: 'wx' });
  return token;
};

const readText = (path: string): { readonly text: string; readonly mode: number } => {
  const file = openSync(path, 'r');
  const { mode } = fstatSync(file);
  const bytes = Buffer.alloc(longestBytes);
  return { text: bytes.toString('utf8', 0, readSync(file, bytes)).trim(), mode };
};

/**
 * The token in a file: 32 random bytes as text, made with mode 0600 where there is no file. Fails with what to do
 * where others may read it, or where it is too short to be one.
 */
export const tokenOfFile = (path: string): Outcome<Token, string> => {
  try {
    const { text, mode } = readText(path);
    if ((mode & 0o077) !== 0) return fail(`${path} is open to other users: run  chmod 600 '${path}'`);
    return text.length < shortest
      ? fail(`${path} holds fewer than ${shortest} characters: remove it, and a new one is made`)
      : succeed(Redacted.make(text, { label: 'dashboard token' }));
  } catch (cause) {
    if (!isMissing(cause)) return fail(`cannot read ${path}: ${String(cause)}`);
  }
  try {
    return succeed(Redacted.make(createTokenFile(path), { label: 'dashboard token' }));
  } catch (cause) {
    return fail(`cannot make ${path}: ${String(cause)}`);
  }
};
