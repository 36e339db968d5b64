import type { DatabaseSync } from 'node:sqlite';

/** Runs `work` in one transaction: one wait for the disk, all or nothing. */
export const inTransaction = <A>(db: DatabaseSync, work: () => A): A => {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (cause) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw cause;
  }
};
