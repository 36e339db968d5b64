/** `daemon.json` in the data folder: where the page of a running daemon is, for the commands of its user. */
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { holderOf, isDirHeld } from './store/dirLock.ts';
import { isProcessAlive } from './store/livingProcess.ts';

export type DaemonFile = {
  readonly pid: number;
  /** Of the page, without a slash at its end. */
  readonly url: string;
  /** Secret of this run: reads everything, changes the log level, signs links for a login. */
  readonly control: string;
};

const fileName = 'daemon.json';
/** Of a process that stands by in a folder whose other process has `daemon.json`. */
const standbyName = /^standby\.(\d+)\.json$/;

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const decode = (text: string): DaemonFile | null => {
  try {
    const { pid, url, control }: Record<string, unknown> = JSON.parse(text);
    const isOurs =
      Number.isSafeInteger(pid) && /^http:\/\/[\w.[\]:-]+$/.test(textOf(url)) && textOf(control).length >= 32;
    return isOurs ? { pid: Number(pid), url: textOf(url), control: textOf(control) } : null;
  } catch {
    return null;
  }
};

const readFile = (path: string): DaemonFile | null => {
  try {
    return decode(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
};

const write = (path: string, file: DaemonFile): void => {
  const fresh = `${path}.${process.pid}`;
  writeFileSync(fresh, `${JSON.stringify(file)}\n`, { mode: 0o600 });
  renameSync(fresh, path);
};

export type WrittenDaemonFile = {
  /** This process is the one that acts: it takes the place of whoever had it. */
  readonly lead: () => void;
  /** Takes away what this process wrote, and nothing else. */
  readonly remove: () => void;
};

/**
 * Writes the file, readable for this user alone. While another process of the same folder lives, as a validator that
 * writes while this one stands by, the file is its own, and this process writes `standby.<pid>.json`.
 */
export const writeDaemonFile = (dir: string, file: DaemonFile): WrittenDaemonFile => {
  const path = join(dir, fileName);
  const standby = join(dir, `standby.${file.pid}.json`);
  const other = readFile(path);
  const isSecond = other !== null && other.pid !== file.pid && isProcessAlive(other.pid);
  write(isSecond ? standby : path, file);
  return {
    lead: () => {
      if (readFile(path)?.pid !== file.pid) write(path, file);
      rmSync(standby, { force: true });
    },
    remove: () => {
      rmSync(standby, { force: true });
      if (readFile(path)?.pid === file.pid) rmSync(path, { force: true });
    },
  };
};

const standbysIn = (dir: string): readonly DaemonFile[] => {
  try {
    return readdirSync(dir)
      .filter((name) => standbyName.test(name))
      .map((name) => readFile(join(dir, name)))
      .filter((file) => file !== null);
  } catch {
    return [];
  }
};

/** Daemons of a data folder that say they run: the one that acts first. Some may have died without a word. */
export const readDaemonFiles = (dir: string): readonly DaemonFile[] => {
  const first = readFile(join(dir, fileName));
  return [...(first === null ? [] : [first]), ...standbysIn(dir)].filter(({ pid }) => isProcessAlive(pid));
};

/**
 * Whether a daemon of the data folder runs, with a page or without. One that died without a word does not count, though
 * another process may have its number by now: the lock of the folder went with it.
 */
export const isDaemonRunning = (dir: string): boolean =>
  (holderOf(dir) !== null || readDaemonFiles(dir).length > 0) && isDirHeld(dir);
