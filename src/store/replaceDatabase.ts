import { existsSync, linkSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';

import { loadSqlite } from './database.ts';
import { syncPath } from './maintenance.ts';

/** Brings what stands in the write-ahead log into the file, and removes the log; false where the file is damaged. */
const settle = (file: string): boolean => {
  const { DatabaseSync } = loadSqlite();
  try {
    const db = new DatabaseSync(file, { timeout: 0 });
    try {
      db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    } finally {
      db.close();
    }
    return true;
  } catch {
    return false;
  }
};

/**
 * Puts `fresh` in the place of `file` in one step, so that at each moment one of the two is there, and keeps the old
 * one beside it as `kept`. Only for whoever has the folder alone. Answers what is in the way, or null.
 */
export const replaceDatabase = (paths: {
  readonly file: string;
  readonly fresh: string;
  readonly kept: string;
}): string | null => {
  const { file, fresh, kept } = paths;
  if (existsSync(file)) {
    const isSettled = settle(file);
    // A log left beside the new file would be taken for its own: with a damaged store it is kept with that.
    if (existsSync(`${file}-wal`)) {
      if (isSettled) return `somebody is still reading ${file}: end it, then try again`;
      renameSync(`${file}-wal`, `${kept}-wal`);
    }
    rmSync(`${file}-shm`, { force: true });
    linkSync(file, kept);
  }
  renameSync(fresh, file);
  syncPath(dirname(file));
  return null;
};
