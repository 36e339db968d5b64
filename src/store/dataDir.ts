import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import * as Effect from 'effect/Effect';

import { DataDirRefused } from './errors.ts';
import { DATABASE_FILE } from './openThread.ts';

export type DataDirQuestion = {
  /** `--data-dir` or MIAOAI_DATA_DIR, used as it is; null for the default. */
  readonly explicit: string | null;
  readonly home: string;
  /** Name of the network or URL of the node. */
  readonly network: string;
  readonly netuid: number;
  /** SS58 address. */
  readonly hotkey: string;
  readonly role: 'validator' | 'miner';
};

/** Folders are for their owner alone: verdicts and truths in them are worth money before they are revealed. */
const OWNER_ONLY = 0o700;
const OTHERS = 0o077;

/**
 * A folder name for a network: names stay as they are, anything else is reduced to host and port, and marked with a
 * hash so that two different URLs never share a folder.
 */
export const networkFolder = (network: string): string => {
  if (/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(network)) return network;
  // Paths are shown in logs and messages: without user, password and path, which providers use as credentials.
  const address = network
    .replace(/^\w+:\/\//, '')
    .replace(/^[^/?#]*@/, '')
    .replace(/[/?#].+$/, '');
  const readable = address.replace(/[^A-Za-z0-9.-]+/g, '_');
  const mark = createHash('sha256').update(network).digest('hex').slice(0, 8);
  return `${readable.replace(/^[.-]+/, '').slice(0, 48)}-${mark}`;
};

/** The folder below which all data folders are that nobody named. */
export const dataRoot = (home: string): string => join(home, '.local', 'state', 'miaoai');

/**
 * The folder of one daemon: `~/.local/state/miaoai/<network>/<netuid>/<hotkey>/<role>` unless the operator names
 * another. Distinct per identity, so that two daemons of one machine never meet.
 */
export const resolveDataDir = (question: DataDirQuestion): string => {
  const { explicit, home, network, netuid, hotkey, role } = question;
  if (explicit !== null) return resolve(explicit);
  return join(dataRoot(home), networkFolder(network), String(netuid), hotkey, role);
};

/** Whether the folder is for nothing but a store: closing a shared one, such as `/tmp` or a home, would break others. */
const isOwnFolder = (dir: string): boolean => {
  const names = readdirSync(dir);
  return names.length === 0 || [DATABASE_FILE, 'holder.lock'].some((name) => names.includes(name));
};

/** Why a folder that other users may enter is refused, and what to do. */
export const openFolderProblem = (dir: string, mode: number): string => {
  const octal = (mode & 0o777).toString(8).padStart(4, '0');
  const what = `${dir} is open to other users (mode ${octal})`;
  return isOwnFolder(dir)
    ? `${what}: run  chmod 700 '${dir}'`
    : `${what} and holds other things: choose a folder of its own, such as '${join(dir, 'miaoai')}', which is made with the right mode`;
};

/** What is wrong with an existing path as a data folder, with the command that repairs it; null when nothing is. */
const dirProblem = (dir: string): string | null => {
  const stat = statSync(dir);
  if (!stat.isDirectory()) return `${dir} is not a folder: move it away or choose another --data-dir`;
  return (stat.mode & OTHERS) === 0 ? null : openFolderProblem(dir, stat.mode);
};

/**
 * Makes the folder and those above it that are missing, one by one: the recursive form of Node 24 never ends where a file
 * system refuses with ENOENT, as /proc does. The store knows nothing of keys, or it would use theirs.
 */
const makeFolders = (dir: string): void => {
  if (existsSync(dir)) return;
  makeFolders(dirname(dir));
  try {
    mkdirSync(dir, { mode: OWNER_ONLY });
  } catch (cause) {
    // Another process was faster.
    if (!existsSync(dir)) throw cause;
  }
};

const refused = (dir: string, message: string) => new DataDirRefused({ dir, message });

/** Creates the folder with mode 0700, or checks that an existing one is closed to other users. */
export const prepareDataDir = Effect.fn('store.prepareDataDir')(function* (dir: string) {
  const problem = yield* Effect.try({
    try: () => {
      makeFolders(dir);
      return dirProblem(dir);
    },
    catch: (cause) => {
      const detail = cause instanceof Error ? cause.message : String(cause);
      return refused(
        dir,
        `cannot use ${dir}: ${detail}; choose another --data-dir or correct its permissions`,
      );
    },
  });
  if (problem !== null) return yield* refused(dir, problem);
});
