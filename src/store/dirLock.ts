import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as Effect from 'effect/Effect';

import { loadSqlite } from './database.ts';
import { sqliteCode, troubleOf } from './diskTrouble.ts';
import { DataDirLocked, DataDirRefused } from './errors.ts';
import { isProcessAlive } from './livingProcess.ts';

/** Locked by whoever uses the folder. No other code may open it: closing any descriptor drops a POSIX lock. */
const LOCK_FILE = 'lock';
/** Says who holds the lock; only for messages. */
const PID_FILE = 'daemon.pid';
/** sqlite.org/rescode.html */
const SQLITE_BUSY = 5;

/** The living process that says it holds the lock, or null while the file is missing or of an earlier holder. */
export const holderOf = (dir: string): number | null => {
  try {
    const pid = Number.parseInt(readFileSync(join(dir, PID_FILE), 'utf8'), 10);
    return Number.isSafeInteger(pid) && pid > 0 && isProcessAlive(pid) ? pid : null;
  } catch {
    return null;
  }
};

const locked = (dir: string): DataDirLocked => {
  const pid = holderOf(dir);
  const who = pid === null ? 'another process' : `process ${pid}`;
  return new DataDirLocked({
    dir,
    pid,
    message: `${dir} is in use by ${who}: stop it first, or give this daemon a --data-dir of its own`,
  });
};

/** Why a folder cannot be locked, and what to do about it. */
export const lockRefused = (dir: string, cause: unknown): DataDirRefused => {
  const detail = cause instanceof Error ? cause.message : String(cause);
  const advice = troubleOf(cause) === 'full' ? 'free some disk space' : 'check that it is writable';
  return new DataDirRefused({ dir, message: `cannot lock ${dir}: ${detail}; ${advice}` });
};

/**
 * Whether a living process has the folder, alone or together with others; nothing is written. Where nobody has it, it
 * is taken for an instant in which a daemon that starts is refused: ask only where a process says that it is there.
 */
export const isDirHeld = (dir: string): boolean => {
  const file = join(dir, LOCK_FILE);
  if (!existsSync(file)) return false;
  try {
    const { DatabaseSync } = loadSqlite();
    const db = new DatabaseSync(file, { timeout: 0 });
    try {
      db.exec('BEGIN EXCLUSIVE');
      return false;
    } finally {
      db.close();
    }
  } catch (cause) {
    return sqliteCode(cause) === SQLITE_BUSY;
  }
};

/** A process that is refused an exclusive lock holds a pending one for an instant, in which nobody may share. */
const SHARE_PATIENCE_MS = 500;

const acquire = (dir: string, isShared: boolean) => {
  const { DatabaseSync } = loadSqlite();
  const db = new DatabaseSync(join(dir, LOCK_FILE), { timeout: isShared ? SHARE_PATIENCE_MS : 0 });
  try {
    // A transaction that has read holds SQLite's shared lock until it ends: compatible with others of its kind only.
    if (isShared) {
      db.exec('BEGIN');
      db.prepare('SELECT count(*) FROM sqlite_schema').get();
    } else db.exec('BEGIN EXCLUSIVE');
    if (!isShared || holderOf(dir) === null)
      writeFileSync(join(dir, PID_FILE), `${process.pid}\n`, { mode: 0o600 });
    return db;
  } catch (cause) {
    db.close();
    throw cause;
  }
};

/** The name stays where it is another's: several processes may share the folder. */
const forgetPid = (dir: string): void => {
  if (holderOf(dir) === process.pid) rmSync(join(dir, PID_FILE), { force: true });
};

const lockBy = (dir: string, isShared: boolean) =>
  Effect.acquireRelease(
    Effect.try({
      try: () => acquire(dir, isShared),
      catch: (cause) => (sqliteCode(cause) === SQLITE_BUSY ? locked(dir) : lockRefused(dir, cause)),
    }),
    (db) =>
      Effect.sync(() => {
        forgetPid(dir);
        db.close();
      }),
  );

/**
 * Takes the folder for this process until the scope closes. The lock is one of the operating system (an exclusive
 * transaction of SQLite, whose locks are `fcntl`), so it ends with its process however that dies, and a process that
 * happens to get the same pid later is never mistaken for the holder.
 */
export const lockDir = (dir: string) => lockBy(dir, false);

/** Takes the folder together with others that share it; refused while somebody has it alone, and refuses those. */
export const shareDir = (dir: string) => lockBy(dir, true);
