import type { DatabaseSync } from 'node:sqlite';

/** New data takes free pages first, so that a store with retention keeps its size; only much more is given back ... */
const FREE_SHARE = 0.25;
const FREE_PAGES = 1_024;
/** ... in steps of 4 MiB, some ten milliseconds each. */
const STEP_PAGES = 1_024;

const pragma = (db: DatabaseSync, name: string): number =>
  Number(Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0] ?? 0);

/**
 * Gives room that dropped records left back to the disk, a step at a time. Files made by schema 1 know nothing of it
 * and keep their size until they are restored from a backup, which is compact. Failing changes nothing.
 */
export const shrink = (db: DatabaseSync): void => {
  try {
    const free = pragma(db, 'freelist_count');
    if (free < FREE_PAGES || free < pragma(db, 'page_count') * FREE_SHARE) return;
    db.exec(`PRAGMA incremental_vacuum(${STEP_PAGES})`);
  } catch {
    // A full disk or a busy neighbour: the next dropping tries again.
  }
};
