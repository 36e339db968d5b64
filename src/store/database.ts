import type { DatabaseSync } from 'node:sqlite';

import { sqliteCode } from './diskTrouble.ts';
import { migrate } from './migrations.ts';
import type { ThreadFailure, ThreadInput } from './storeThread.ts';

/** Other processes read while we write; only their opening and a checkpoint ever wait for each other. */
const BUSY_PATIENCE_MS = 5_000;
/** Of a commit for another process's: the thread answers nobody meanwhile, and the group commit tries again. */
const COMMIT_PATIENCE_MS = 1_000;
/** A long reader keeps the write-ahead log from being reset; afterwards its file shrinks to this. */
const WAL_KEEP_BYTES = 67_108_864;

/** Primary result codes of SQLite (sqlite.org/rescode.html). */
const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;

/** Loads `node:sqlite` without its warning of being experimental, which tells an operator nothing. */
export const loadSqlite = (): typeof import('node:sqlite') => {
  const emitWarning = process.emitWarning;
  process.emitWarning = () => undefined;
  try {
    return process.getBuiltinModule('node:sqlite');
  } finally {
    process.emitWarning = emitWarning;
  }
};

/** What an error of SQLite means to the one who asked. */
export const toThreadFailure = (cause: unknown, file: string): ThreadFailure => {
  const detail = cause instanceof Error ? cause.message : String(cause);
  switch (sqliteCode(cause)) {
    case SQLITE_FULL:
      return { _tag: 'DiskFull', message: `no room left for ${file}: ${detail}; free some disk space` };
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {
        _tag: 'StoreCorrupt',
        message: `${file} is damaged: ${detail}; move it away and restore a backup, or start afresh`,
      };
    case SQLITE_BUSY:
      return {
        _tag: 'StoreUnavailable',
        message: `${file} is locked: another process is writing to it, or was stopped while it did; it goes on once that process continues or ends`,
      };
    case SQLITE_CANTOPEN:
      return { _tag: 'StoreUnavailable', message: `cannot open ${file}: check the path and its permissions` };
    default:
      return { _tag: 'StoreUnavailable', message: `${file}: ${detail}` };
  }
};

/** Claims the store for an identity on first use; afterwards names the owner when it is another. */
const claim = (db: DatabaseSync, { owner, readOnly }: ThreadInput): ThreadFailure | null => {
  if (owner === null) return null;
  const row = db.prepare('SELECT name FROM owner').get();
  if (row !== undefined)
    return row['name'] === owner ? null : { _tag: 'StoreForeign', owner: String(row['name']) };
  if (readOnly) return null;
  // Another process may claim it at the same moment: whoever was first is the owner.
  db.prepare('INSERT INTO owner (id, name) VALUES (1, ?) ON CONFLICT DO NOTHING').run(owner);
  const first = String(db.prepare('SELECT name FROM owner').get()?.['name']);
  return first === owner ? null : { _tag: 'StoreForeign', owner: first };
};

const prepareForWriting = (db: DatabaseSync): void => {
  // Room that dropped records leave can go back to the disk; only a new file can be told so.
  if (db.prepare('PRAGMA page_count').get()?.['page_count'] === 0)
    db.exec('PRAGMA auto_vacuum = INCREMENTAL');
  db.exec(
    `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = ${WAL_KEEP_BYTES}`,
  );
};

/**
 * Opens the database file with a write-ahead log. `synchronous=FULL` makes each commit wait for the disk, so that
 * what was acknowledged survives a loss of power as well as a kill.
 */
export const openDatabase = (
  input: ThreadInput,
):
  | { readonly ok: true; readonly db: DatabaseSync }
  | { readonly ok: false; readonly failure: ThreadFailure } => {
  let db: DatabaseSync | null = null;
  try {
    const { DatabaseSync } = loadSqlite();
    db = new DatabaseSync(input.file, { readOnly: input.readOnly, timeout: BUSY_PATIENCE_MS });
    if (!input.readOnly) prepareForWriting(db);
    const failure = migrate(db, input) ?? claim(db, input);
    if (failure === null) {
      db.exec(`PRAGMA busy_timeout = ${COMMIT_PATIENCE_MS}`);
      return { ok: true, db };
    }
    db.close();
    return { ok: false, failure };
  } catch (cause) {
    if (db?.isOpen === true) db.close();
    return { ok: false, failure: toThreadFailure(cause, input.file) };
  }
};
