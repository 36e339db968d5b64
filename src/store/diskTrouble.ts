import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

import type { CommitFailure } from './groupCommit.ts';
import type { StoreTrouble } from './health.ts';

/** Primary result codes of SQLite (sqlite.org/rescode.html). */
const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_NOMEM = 7;
const SQLITE_READONLY = 8;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_PROTOCOL = 15;
const SQLITE_NOTADB = 26;

/** Name of the file that a diagnosis writes and removes. */
const TRIAL = '.trial';
const TRIAL_BYTES = 65_536;

/** Extended codes of SQLite carry the primary one in their low byte; null for other errors. */
export const sqliteCode = (cause: unknown): number | null =>
  cause instanceof Error && 'errcode' in cause && typeof cause.errcode === 'number'
    ? cause.errcode & 0xff
    : null;

/** What a system error says about writing; null where it says nothing of these. */
export const troubleOf = (cause: unknown): StoreTrouble | null => {
  const code = cause instanceof Error && 'code' in cause ? cause.code : null;
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return 'full';
    case 'EROFS':
    case 'EACCES':
    case 'EPERM':
      return 'readOnly';
    case 'EMFILE':
    case 'ENFILE':
      return 'descriptors';
    case 'ENOMEM':
      return 'memory';
    default:
      return null;
  }
};

/**
 * What keeps this process from writing beside `file`, found by writing there. SQLite answers "disk I/O error" to a
 * file system that was mounted read-only, and keeps the system's reason to itself.
 */
export const diagnose = (file: string): StoreTrouble | null => {
  const trial = join(dirname(file), TRIAL);
  try {
    const descriptor = openSync(trial, 'w', 0o600);
    try {
      writeSync(descriptor, Buffer.alloc(TRIAL_BYTES, 1));
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
      rmSync(trial, { force: true });
    }
    return null;
  } catch (cause) {
    return troubleOf(cause);
  }
};

/** The trouble behind an error of SQLite; null when the error is one of the data or of the statement. */
const sqliteTrouble = (cause: unknown, file: string): StoreTrouble | null => {
  switch (sqliteCode(cause)) {
    case SQLITE_FULL:
      return 'full';
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return 'slow';
    case SQLITE_NOMEM:
      return 'memory';
    case SQLITE_READONLY:
      return 'readOnly';
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      return diagnose(file) ?? 'failed';
    default:
      return null;
  }
};

/** What an error of a commit means. SQLite rolls back whatever fails, so that nothing was written. */
export const toCommitFailure = (cause: unknown, file: string): CommitFailure => {
  const detail = cause instanceof Error ? cause.message : String(cause);
  const code = sqliteCode(cause);
  if (code === SQLITE_CORRUPT || code === SQLITE_NOTADB)
    return {
      kind: 'corrupt',
      message: `${file} is damaged: ${detail}; stop the daemon, move the file away and restore a backup`,
    };
  const trouble = sqliteTrouble(cause, file);
  return trouble === null
    ? { kind: 'refused', message: `${file} does not take it: ${detail}` }
    : { kind: 'trouble', trouble, message: `cannot write to ${file}: ${detail}`, isUnknown: false };
};
