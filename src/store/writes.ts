import type { DatabaseSync } from 'node:sqlite';

import type { AppendWrite, Exchanges, SnapshotWrite, Write, WriteResult } from './storeThread.ts';

/** The end of a log as this, its only writer, knows it. */
type LogEnd = { readonly id: number; lastSeq: number };

const prepare = (db: DatabaseSync) => ({
  findLog: db.prepare('SELECT id FROM logs WHERE name = ?'),
  addLog: db.prepare('INSERT INTO logs (name) VALUES (?)'),
  lastSeq: db.prepare('SELECT max(seq) AS seq FROM records WHERE log = ?'),
  findKey: db.prepare('SELECT seq FROM records WHERE log = ? AND key = ?'),
  addRecord: db.prepare('INSERT INTO records (log, seq, key, value) VALUES (?, ?, ?, ?)'),
  revision: db.prepare('SELECT revision FROM snapshots WHERE name = ?'),
  lastRevision: db.prepare(
    'SELECT max((SELECT coalesce(max(revision), 0) FROM snapshots), (SELECT coalesce(max(revision), 0) FROM set_aside)) AS revision',
  ),
  saveSnapshot: db.prepare(
    'INSERT OR REPLACE INTO snapshots (name, version, revision, saved_at_ms, value) VALUES (?, ?, ?, ?, ?)',
  ),
  keepRecord: db.prepare(
    `INSERT INTO set_aside (kind, name, seq, key, value, reason, at_ms)
     SELECT 'record', logs.name, seq, key, value, ?, ? FROM records JOIN logs ON logs.id = log
     WHERE logs.name = ? AND seq = ? AND value IS NOT NULL`,
  ),
  clearRecord: db.prepare(
    'UPDATE records SET value = NULL WHERE log = (SELECT id FROM logs WHERE name = ?) AND seq = ?',
  ),
  keepSnapshot: db.prepare(
    `INSERT INTO set_aside (kind, name, revision, value, reason, at_ms)
     SELECT 'snapshot', name, revision, value, ?, ? FROM snapshots WHERE name = ?`,
  ),
  clearSnapshot: db.prepare('DELETE FROM snapshots WHERE name = ?'),
});

type Statements = ReturnType<typeof prepare>;

const logEnd = (statements: Statements, name: string): LogEnd => {
  const id = statements.findLog.get(name)?.['id'];
  if (id === undefined) return { id: Number(statements.addLog.run(name).lastInsertRowid), lastSeq: 0 };
  return { id: Number(id), lastSeq: Number(statements.lastSeq.get(Number(id))?.['seq'] ?? 0) };
};

const append = (statements: Statements, end: LogEnd, records: AppendWrite['records']): WriteResult => {
  const duplicates: number[] = [];
  let lastSeq = end.lastSeq;
  for (const [index, { key, text }] of records.entries()) {
    const known = key === null ? undefined : statements.findKey.get(end.id, key)?.['seq'];
    if (known === undefined) {
      end.lastSeq += 1;
      statements.addRecord.run(end.id, end.lastSeq, key, text);
      lastSeq = end.lastSeq;
    } else {
      duplicates.push(index);
      lastSeq = Number(known);
    }
  }
  return { kind: 'appended', lastSeq, duplicates };
};

const saveSnapshot = (statements: Statements, write: SnapshotWrite): WriteResult => {
  const found = statements.revision.get(write.name)?.['revision'];
  const actual = found === undefined ? null : Number(found);
  if (write.expected !== undefined && write.expected !== actual) return { kind: 'conflict', actual };
  const revision = Number(statements.lastRevision.get()?.['revision'] ?? 0) + 1;
  statements.saveSnapshot.run(write.name, write.version, revision, Date.now(), write.text);
  return { kind: 'saved', revision };
};

/** Runs `work` in one transaction: one wait for the disk, all or nothing. */
const inTransaction = <A>(db: DatabaseSync, work: () => A): A => {
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

/**
 * The writing half of the worker. Each call is one transaction; an error of SQLite leaves the database as it was
 * before the call.
 */
export const openWrites = (db: DatabaseSync) => {
  const statements = prepare(db);
  const ends = new Map<string, LogEnd>();

  const apply = (write: Write): WriteResult => {
    if (write.kind === 'snapshot') return saveSnapshot(statements, write);
    const end = ends.get(write.log) ?? logEnd(statements, write.log);
    ends.set(write.log, end);
    return append(statements, end, write.records);
  };

  return {
    commit: (writes: readonly Write[]): readonly WriteResult[] => {
      try {
        return inTransaction(db, () => writes.map(apply));
      } catch (cause) {
        // What was counted in memory has been rolled back on disk.
        ends.clear();
        throw cause;
      }
    },
    quarantine: (values: Exchanges['quarantine']['ask']): null => {
      const at = Date.now();
      return inTransaction(db, () => {
        for (const { name, seq, reason } of values) {
          if (seq === null) {
            statements.keepSnapshot.run(reason, at, name);
            statements.clearSnapshot.run(name);
          } else {
            statements.keepRecord.run(reason, at, name, seq);
            statements.clearRecord.run(name, seq);
          }
        }
        return null;
      });
    },
  };
};
