import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, linkSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import * as Redacted from 'effect/Redacted';

import { fail, type Outcome, succeed } from '../domain/outcome.ts';

export type Token = Redacted.Redacted<string>;

const shortest = 32;
const longestBytes = 1_024;

const hasCode = (cause: unknown, code: string): boolean =>
  cause instanceof Error && 'code' in cause && cause.code === code;

/** Makes the file whole at once, so that nobody reads a part of it; fails with EEXIST where somebody else just did. */
const createTokenFile = (path: string): string => {
  const token = randomBytes(32).toString('base64url');
  const fresh = `${path}.${process.pid}.${randomBytes(6).toString('hex')}`;
  try {
    writeFileSync(fresh, `${token}\n`, { mode: 0o600, flag: 'wx' });
    linkSync(fresh, path);
  } finally {
    rmSync(fresh, { force: true });
  }
  return token;
};

const readText = (path: string): { readonly text: string; readonly mode: number } => {
  const file = openSync(path, 'r');
  try {
    const { mode } = fstatSync(file);
    const bytes = Buffer.alloc(longestBytes);
    return { text: bytes.toString('utf8', 0, readSync(file, bytes)).trim(), mode };
  } finally {
    closeSync(file);
  }
};

/** null where there is no file. */
const readToken = (path: string): Outcome<string, string> | null => {
  try {
    const { text, mode } = readText(path);
    if ((mode & 0o077) !== 0) return fail(`${path} is open to other users: run  chmod 600 '${path}'`);
    return text.length < shortest
      ? fail(`${path} holds fewer than ${shortest} characters: remove it, and a new one is made`)
      : succeed(text);
  } catch (cause) {
    return hasCode(cause, 'ENOENT') ? null : fail(`cannot read ${path}: ${String(cause)}`);
  }
};

const makeToken = (path: string): Outcome<string, string> => {
  try {
    return succeed(createTokenFile(path));
  } catch (cause) {
    // Another daemon was quicker: both have the same token.
    const others = hasCode(cause, 'EEXIST') ? readToken(path) : null;
    return others ?? fail(`cannot make ${path}: ${String(cause)}`);
  }
};

/**
 * The token in a file: 32 random bytes as text, made with mode 0600 where there is no file. Fails with what to do
 * where others may read it, or where it is too short to be one.
 */
export const tokenOfFile = (path: string): Outcome<Token, string> => {
  const token = readToken(path) ?? makeToken(path);
  return token.ok ? succeed(Redacted.make(token.value, { label: 'dashboard token' })) : token;
};
