import type { DatabaseSync } from 'node:sqlite';

import { fenceProblem } from './leaseRows.ts';
import { type LogEnd, openLogEnds } from './logEnds.ts';
import type { CommitAnswer, Exchanges } from './storeThread.ts';
import { inTransaction } from './transaction.ts';
import type {
  AddToWrite,
  AppendWrite,
  DropRecordsWrite,
  ImportRecordsWrite,
  SnapshotWrite,
  UseIdsWrite,
  Write,
  WriteResult,
} from './write.ts';

/** Room that a probe needs, so that it does not succeed where the next group would not: a few hundred rows. */
const PROBE_BYTES = 65_536;

const prepare = (db: DatabaseSync) => ({
  findKey: db.prepare('SELECT seq FROM records WHERE log = ? AND key = ?'),
  addRecord: db.prepare('INSERT INTO records (log, seq, key, value) VALUES (?, ?, ?, ?)'),
  oldRecords: db.prepare(
    `SELECT max(seq) AS last, count(*) AS rows, count(value) AS records,
       coalesce(sum(CASE WHEN value IS NULL THEN 0 ELSE octet_length(value) + coalesce(octet_length(key), 0) END), 0) AS bytes
     FROM (SELECT seq, key, value FROM records WHERE log = ? AND seq <= ? ORDER BY seq LIMIT ?)`,
  ),
  dropRecords: db.prepare('DELETE FROM records WHERE log = ? AND seq <= ?'),
  revision: db.prepare('SELECT revision FROM snapshots WHERE name = ?'),
  lastRevision: db.prepare(
    'SELECT max((SELECT coalesce(max(revision), 0) FROM snapshots), (SELECT coalesce(max(revision), 0) FROM set_aside)) AS revision',
  ),
  saveSnapshot: db.prepare(
    'INSERT OR REPLACE INTO snapshots (name, version, revision, saved_at_ms, value) VALUES (?, ?, ?, ?, ?)',
  ),
  addSet: db.prepare('INSERT INTO id_sets (name) VALUES (?) ON CONFLICT DO NOTHING'),
  findSet: db.prepare('SELECT id FROM id_sets WHERE name = ?'),
  useId: db.prepare('INSERT INTO ids (id_set, id) VALUES (?, ?) ON CONFLICT DO NOTHING'),
  counter: db.prepare('SELECT value FROM counters WHERE name = ?'),
  setCounter: db.prepare('INSERT OR REPLACE INTO counters (name, value) VALUES (?, ?)'),
  probe: db.prepare('INSERT OR REPLACE INTO probes (id, filling) VALUES (1, zeroblob(?))'),
  keepRecord: db.prepare(
    `INSERT INTO set_aside (kind, name, seq, key, value, reason, at_ms)
     SELECT 'record', logs.name, seq, key, value, ?, ? FROM records JOIN logs ON logs.id = log
     WHERE logs.name = ? AND seq = ? AND value IS NOT NULL`,
  ),
  uncountRecord: db.prepare(
    `UPDATE logs SET (records, bytes) = (
       SELECT logs.records - 1, logs.bytes - octet_length(value) - coalesce(octet_length(key), 0)
       FROM records WHERE log = logs.id AND seq = ?2
     ) WHERE name = ?1 AND EXISTS (SELECT 1 FROM records WHERE log = logs.id AND seq = ?2 AND value IS NOT NULL)`,
  ),
  clearRecord: db.prepare(
    'UPDATE records SET value = NULL WHERE log = (SELECT id FROM logs WHERE name = ?) AND seq = ?',
  ),
  keepSnapshot: db.prepare(
    `INSERT INTO set_aside (kind, name, revision, value, reason, at_ms)
     SELECT 'snapshot', name, revision, value, ?, ? FROM snapshots WHERE name = ? AND revision = ?`,
  ),
  clearSnapshot: db.prepare('DELETE FROM snapshots WHERE name = ? AND revision = ?'),
});

type Statements = ReturnType<typeof prepare>;

const refused = (message: string): WriteResult => ({ kind: 'refused', message });

const addRecord = (
  statements: Statements,
  end: LogEnd,
  record: { readonly seq: number; readonly key: string | null; readonly text: string },
): void => {
  statements.addRecord.run(end.id, record.seq, record.key, record.text);
  end.lastSeq = record.seq;
  end.records += 1;
  end.bytes += Buffer.byteLength(record.text) + (record.key === null ? 0 : Buffer.byteLength(record.key));
  end.isChanged = true;
};

const append = (statements: Statements, end: LogEnd, records: AppendWrite['records']): WriteResult => {
  const duplicates: number[] = [];
  let lastSeq = end.lastSeq;
  for (const [index, { key, text }] of records.entries()) {
    const known = key === null ? undefined : statements.findKey.get(end.id, key)?.['seq'];
    if (known === undefined) {
      addRecord(statements, end, { seq: end.lastSeq + 1, key, text });
      lastSeq = end.lastSeq;
    } else {
      duplicates.push(index);
      lastSeq = Number(known);
    }
  }
  return { kind: 'appended', lastSeq, duplicates };
};

/** Everything is looked at before anything is written: a refused write leaves nothing. */
const importRecords = (
  statements: Statements,
  end: LogEnd,
  { log, records }: ImportRecordsWrite,
): WriteResult => {
  const keys = new Set<string>();
  let lastSeq = end.lastSeq;
  for (const { seq, key } of records) {
    if (seq <= lastSeq)
      return refused(`record ${seq} cannot follow record ${lastSeq} of ${log}: import into an empty log`);
    lastSeq = seq;
    if (key === null) continue;
    if (keys.has(key) || statements.findKey.get(end.id, key) !== undefined)
      return refused(`record ${seq} has a key that ${log} has already: ${key}`);
    keys.add(key);
  }
  for (const record of records) addRecord(statements, end, record);
  return { kind: 'imported' };
};

const dropRecords = (statements: Statements, end: LogEnd, { upTo, limit }: DropRecordsWrite): WriteResult => {
  const old = statements.oldRecords.get(end.id, upTo, limit) ?? {};
  if (Number(old['rows'] ?? 0) === 0) return { kind: 'dropped', records: 0 };
  statements.dropRecords.run(end.id, Number(old['last']));
  end.records -= Number(old['records']);
  end.bytes -= Number(old['bytes']);
  end.isChanged = true;
  return { kind: 'dropped', records: Number(old['rows']) };
};

const nextRevision = (statements: Statements): number =>
  Number(statements.lastRevision.get()?.['revision'] ?? 0) + 1;

const saveSnapshot = (statements: Statements, write: SnapshotWrite): WriteResult => {
  const found = statements.revision.get(write.name)?.['revision'];
  const actual = found === undefined ? null : Number(found);
  if (write.expected !== undefined && write.expected !== actual) return { kind: 'conflict', actual };
  const revision = nextRevision(statements);
  statements.saveSnapshot.run(write.name, write.version, revision, Date.now(), write.text);
  return { kind: 'saved', revision };
};

const useIds = (statements: Statements, { set, ids }: UseIdsWrite): WriteResult => {
  statements.addSet.run(set);
  const setId = Number(statements.findSet.get(set)?.['id']);
  const duplicates: number[] = [];
  for (const [index, id] of ids.entries())
    if (Number(statements.useId.run(setId, id).changes) === 0) duplicates.push(index);
  return { kind: 'used', duplicates };
};

const addTo = (statements: Statements, { counter, by }: AddToWrite): WriteResult => {
  const value = Number(statements.counter.get(counter)?.['value'] ?? 0) + by;
  if (!Number.isSafeInteger(value))
    return refused(`the counter ${counter} would pass what a number can hold`);
  statements.setCounter.run(counter, value);
  return { kind: 'added', value };
};

/** The writes of one commit, each against what those before it have left. */
const openApply = (db: DatabaseSync) => {
  const statements = prepare(db);
  const ends = openLogEnds(db);
  const apply = (write: Write): WriteResult => {
    switch (write.kind) {
      case 'append':
        return append(statements, ends.of(write.log), write.records);
      case 'importRecords':
        return importRecords(statements, ends.of(write.log), write);
      case 'dropRecords':
        return dropRecords(statements, ends.of(write.log), write);
      case 'snapshot':
        return saveSnapshot(statements, write);
      case 'importSnapshot': {
        const { name, version, savedAtMs, text } = write;
        statements.saveSnapshot.run(name, version, nextRevision(statements), savedAtMs, text);
        return { kind: 'imported' };
      }
      case 'useIds':
        return useIds(statements, write);
      case 'addTo':
        return addTo(statements, write);
      case 'probe':
        statements.probe.run(PROBE_BYTES);
        return { kind: 'probed' };
    }
  };
  return { statements, ends, apply };
};

/**
 * The writing half of the worker. Each call is one transaction; an error of SQLite leaves the database as it was
 * before the call. Other processes may write to the same file: nothing that they could change is remembered.
 */
export const openWrites = (db: DatabaseSync) => {
  const { statements, ends, apply } = openApply(db);
  const commit = ({ writes, fence }: Exchanges['commit']['ask']): CommitAnswer => {
    try {
      return inTransaction(db, () => {
        const fenced = fence === null ? null : fenceProblem(db, fence);
        if (fenced !== null) return { ok: false, failure: fenced } as const;
        ends.begin();
        const results = writes.map(apply);
        ends.save();
        return { ok: true, results } as const;
      });
    } catch (cause) {
      // What was counted in memory has been rolled back on disk.
      ends.forget();
      throw cause;
    }
  };
  return {
    commit,
    quarantine: ({ values, fence }: Exchanges['quarantine']['ask']): null => {
      const at = Date.now();
      return inTransaction(db, () => {
        if (fence !== null && fenceProblem(db, fence) !== null) return null;
        ends.forget();
        for (const { name, seq, revision, reason } of values) {
          if (seq === null) {
            statements.keepSnapshot.run(reason, at, name, revision);
            statements.clearSnapshot.run(name, revision);
          } else {
            statements.keepRecord.run(reason, at, name, seq);
            statements.uncountRecord.run(name, seq);
            statements.clearRecord.run(name, seq);
          }
        }
        return null;
      });
    },
  };
};
