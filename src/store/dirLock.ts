import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as Effect from 'effect/Effect';

import { loadSqlite, sqliteCode } from './database.ts';
import { DataDirLocked, DataDirRefused } from './errors.ts';

/** Locked by whoever uses the folder. No other code may open it: closing any descriptor drops a POSIX lock. */
const LOCK_FILE = 'lock';
/** Says who holds the lock; only for messages. */
const PID_FILE = 'daemon.pid';
/** sqlite.org/rescode.html */
const SQLITE_BUSY = 5;

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return cause instanceof Error && 'code' in cause && cause.code === 'EPERM';
  }
};

/** The living process that says it holds the lock, or null while the file is missing or of an earlier holder. */
const holderOf = (dir: string): number | null => {
  try {
    const pid = Number.parseInt(readFileSync(join(dir, PID_FILE), 'utf8'), 10);
    return Number.isSafeInteger(pid) && pid > 0 && isAlive(pid) ? pid : null;
  } catch {
    return null;
  }
};

const locked = (dir: string): DataDirLocked => {
  const pid = holderOf(dir);
  const who = pid === null ? 'another process that is just starting' : `process ${pid}`;
  return new DataDirLocked({
    dir,
    pid,
    message: `${dir} is in use by ${who}: stop it first, or give this daemon a --data-dir of its own`,
  });
};

const refused = (dir: string, cause: unknown): DataDirRefused => {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new DataDirRefused({ dir, message: `cannot lock ${dir}: ${detail}; check that it is writable` });
};

const acquire = (dir: string) => {
  const { DatabaseSync } = loadSqlite();
  const db = new DatabaseSync(join(dir, LOCK_FILE), { timeout: 0 });
  try {
    db.exec('BEGIN EXCLUSIVE');
    writeFileSync(join(dir, PID_FILE), `${process.pid}\n`, { mode: 0o600 });
    return db;
  } catch (cause) {
    db.close();
    throw cause;
  }
};

/**
 * Takes the folder for this process until the scope closes. The lock is one of the operating system (an exclusive
 * transaction of SQLite, whose locks are `fcntl`), so it ends with its process however that dies, and a process that
 * happens to get the same pid later is never mistaken for the holder.
 */
export const lockDir = (dir: string) =>
  Effect.acquireRelease(
    Effect.try({
      try: () => acquire(dir),
      catch: (cause) => (sqliteCode(cause) === SQLITE_BUSY ? locked(dir) : refused(dir, cause)),
    }),
    (db) =>
      Effect.sync(() => {
        rmSync(join(dir, PID_FILE), { force: true });
        db.close();
      }),
  );
