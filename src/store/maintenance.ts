import { closeSync, fsyncSync, openSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';

import { openContents } from './contents.ts';
import { SCHEMA_VERSION, schemaOf } from './migrations.ts';
import type { LogInfo } from './store.ts';
import { decodeValue } from './storedValue.ts';
import type { LogReport, SnapshotReport, StoreReport } from './storeReport.ts';

/** Enough to see what is wrong. */
const MAX_LINES = 100;

const numberOf = (value: unknown): number => Number(value ?? 0);

/** Waits until a file, or the names in a folder, are on the disk. */
export const syncPath = (path: string): void => {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
};

const integrityOf = (db: DatabaseSync): readonly string[] =>
  db
    .prepare(`PRAGMA integrity_check(${MAX_LINES})`)
    .all()
    .map((row) => String(row['integrity_check']))
    .filter((line) => line !== 'ok');

/** Looks at each record of a log. */
const checkLog = (db: DatabaseSync, info: LogInfo): LogReport => {
  const rows = db
    .prepare(
      'SELECT seq, key, value FROM records WHERE log = (SELECT id FROM logs WHERE name = ?) ORDER BY seq',
    )
    .iterate(info.name);
  const gaps: { readonly after: number; readonly before: number }[] = [];
  const unreadable: number[] = [];
  const seen = { last: 0, gaps: 0, unreadable: 0, setAside: 0, records: 0, bytes: 0 };
  for (const { seq, key, value } of rows) {
    const number = numberOf(seq);
    if (seen.last > 0 && number > seen.last + 1) {
      seen.gaps += 1;
      if (gaps.length < MAX_LINES) gaps.push({ after: seen.last, before: number });
    }
    seen.last = number;
    if (value === null) {
      seen.setAside += 1;
      continue;
    }
    seen.records += 1;
    seen.bytes += Buffer.byteLength(String(value)) + (key === null ? 0 : Buffer.byteLength(String(key)));
    if (decodeValue(value).ok) continue;
    seen.unreadable += 1;
    if (unreadable.length < MAX_LINES) unreadable.push(number);
  }
  const isCountRight =
    seen.records === info.records && seen.bytes === info.bytes && seen.last <= info.lastSeq;
  return {
    ...info,
    gaps,
    gapCount: seen.gaps,
    unreadable,
    unreadableCount: seen.unreadable,
    setAside: seen.setAside,
    isCountRight,
  };
};

const checkSnapshots = (db: DatabaseSync): readonly SnapshotReport[] =>
  db
    .prepare('SELECT name, version, saved_at_ms, value FROM snapshots ORDER BY name')
    .all()
    .map(({ name, version, saved_at_ms: savedAtMs, value }) => ({
      name: String(name),
      version: numberOf(version),
      savedAtMs: numberOf(savedAtMs),
      bytes: Buffer.byteLength(String(value)),
      isReadable: decodeValue(value).ok,
    }));

const problemsOf = (
  damage: readonly string[],
  logs: readonly LogReport[],
  snapshots: readonly SnapshotReport[],
): readonly string[] => [
  ...damage.map((line) => `the file is damaged: ${line}`),
  ...logs.flatMap(({ name, unreadable, unreadableCount, isCountRight }) => [
    ...(unreadableCount > 0
      ? [`${unreadableCount} records of ${name} do not parse: ${unreadable.slice(0, 10).join(', ')}`]
      : []),
    ...(isCountRight ? [] : [`${name} holds other records than it counts`]),
  ]),
  ...snapshots.flatMap(({ name, isReadable }) => (isReadable ? [] : [`the snapshot ${name} does not parse`])),
];

const checkDatabase = (db: DatabaseSync, file: string): StoreReport => {
  const schema = schemaOf(db);
  const damage = integrityOf(db);
  const contents = openContents(db, file);
  const logs =
    schema === SCHEMA_VERSION && damage.length === 0 ? contents.logs().map((info) => checkLog(db, info)) : [];
  const snapshots = damage.length === 0 ? checkSnapshots(db) : [];
  const problems = problemsOf(damage, logs, snapshots);
  return {
    file,
    schema,
    owner: contents.owner(),
    isSound: problems.length === 0,
    problems,
    damage,
    logs,
    snapshots,
    setAside: numberOf(db.prepare('SELECT count(*) AS count FROM set_aside').get()?.['count']),
    size: contents.size(),
  };
};

/** What is done to a store as a whole, on a connection of its own that only reads. */
export const openMaintenance = (db: DatabaseSync, file: string) => ({
  /**
   * A copy as of now, compacted, while others go on writing (`VACUUM INTO`: one read transaction, so that a busy
   * writer cannot make it start again, as it does with SQLite's page-wise backup).
   */
  copyTo: (target: string): null => {
    // For copies of files made by schema 1. On others it would be a write.
    if (numberOf(db.prepare('PRAGMA auto_vacuum').get()?.['auto_vacuum']) === 0)
      db.exec('PRAGMA auto_vacuum = INCREMENTAL');
    db.prepare('VACUUM INTO ?').run(target);
    syncPath(target);
    return null;
  },
  /** All on one snapshot, so that a daemon that writes meanwhile changes nothing of it. */
  check: (): StoreReport => {
    db.exec('BEGIN');
    try {
      return checkDatabase(db, file);
    } finally {
      db.exec('ROLLBACK');
    }
  },
  /** The token of each lease. */
  leaseTokens: (): Readonly<Record<string, number>> =>
    Object.fromEntries(
      db
        .prepare('SELECT name, token FROM leases')
        .all()
        .map(({ name, token }) => [String(name), numberOf(token)]),
    ),
});
