import type { DatabaseSync } from 'node:sqlite';

import type { Exchanges, RawRecord, RawSetAside, RawSnapshot } from './storeThread.ts';

/** A page ends after the record that passes this many characters, so that a reader's memory stays bounded. */
const PAGE_CHARACTERS = 8_388_608;
/** Enough to see what is wrong; the rest stays in the file. */
const SET_ASIDE_ROWS = 1_000;

/** The reading half of the worker; also all of it where the store is opened read-only. */
export const openReads = (db: DatabaseSync) => {
  const page = db.prepare(
    `SELECT seq, key, value AS text FROM records
     WHERE log = (SELECT id FROM logs WHERE name = ?) AND seq > ? AND seq <= ? AND value IS NOT NULL
     ORDER BY seq LIMIT ?`,
  );
  const byKey = db.prepare(
    `SELECT seq, key, value AS text FROM records
     WHERE log = (SELECT id FROM logs WHERE name = ?) AND key = ? AND value IS NOT NULL`,
  );
  const lastSeq = db.prepare('SELECT last_seq AS seq FROM logs WHERE name = ?');
  const snapshot = db.prepare(
    'SELECT version, value AS text, revision, saved_at_ms AS savedAtMs FROM snapshots WHERE name = ?',
  );
  const setAside = db.prepare(
    'SELECT kind, name, seq, key, reason, at_ms AS atMs FROM set_aside ORDER BY id DESC LIMIT ?',
  );
  return {
    read: ({ log, after, upTo, limit }: Exchanges['read']['ask']): readonly RawRecord[] => {
      const records: RawRecord[] = [];
      let characters = 0;
      for (const row of page.iterate(log, after, upTo, limit)) {
        const record = { ...row } as RawRecord;
        records.push(record);
        characters += typeof record.text === 'string' ? record.text.length : 0;
        if (characters >= PAGE_CHARACTERS) break;
      }
      return records;
    },
    find: ({ log, key }: Exchanges['find']['ask']): RawRecord | null => {
      const row = byKey.get(log, key);
      return row === undefined ? null : ({ ...row } as RawRecord);
    },
    lastSeq: (log: string): number => Number(lastSeq.get(log)?.['seq'] ?? 0),
    loadSnapshot: (name: string): RawSnapshot | null => {
      const row = snapshot.get(name);
      return row === undefined ? null : ({ ...row } as RawSnapshot);
    },
    setAside: (): readonly RawSetAside[] =>
      setAside.all(SET_ASIDE_ROWS).map((row) => ({ ...row }) as RawSetAside),
  };
};
