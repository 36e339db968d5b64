import { join } from 'node:path';
import * as Effect from 'effect/Effect';
import type * as Scope from 'effect/Scope';

import { loadSqlite } from './database.ts';
import { lockRefused } from './dirLock.ts';
import { sqliteCode } from './diskTrouble.ts';
import type { DataDirRefused } from './errors.ts';

/** Locked by the process that writes. No other code may open it: closing any descriptor drops a POSIX lock. */
const LOCK_FILE = 'holder.lock';
/** sqlite.org/rescode.html */
const SQLITE_BUSY = 5;

/** The open lock, or null while another process has it. */
const acquire = (dir: string) => {
  const { DatabaseSync } = loadSqlite();
  const db = new DatabaseSync(join(dir, LOCK_FILE), { timeout: 0 });
  try {
    db.exec('BEGIN EXCLUSIVE');
    return db;
  } catch (cause) {
    db.close();
    if (sqliteCode(cause) === SQLITE_BUSY) return null;
    throw cause;
  }
};

/**
 * Tries to become the one process that writes to the store of a folder: true, and the lock is held until the scope
 * closes; false while another process of this machine has it. The operating system frees it when its holder dies, so
 * that a standby that gets it need not wait for the lease time. It only tells of death: a holder that was stopped
 * keeps it, and what makes writing safe is the token of the lease alone.
 */
export const tryHolderLock = (dir: string): Effect.Effect<boolean, DataDirRefused, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.try({ try: () => acquire(dir), catch: (cause) => lockRefused(dir, cause) }),
      (db) => Effect.sync(() => db?.close()),
    ),
    (db) => db !== null,
  );
