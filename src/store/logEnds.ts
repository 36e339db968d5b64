import type { DatabaseSync } from 'node:sqlite';

/** The end of a log and what it holds, within one transaction and until another process writes. */
export type LogEnd = {
  readonly id: number;
  lastSeq: number;
  records: number;
  bytes: number;
  isChanged: boolean;
};

/** Remembers the ends of logs between commits, for as long as no other connection has written. */
export const openLogEnds = (db: DatabaseSync) => {
  const findLog = db.prepare('SELECT id, last_seq, records, bytes FROM logs WHERE name = ?');
  const addLog = db.prepare('INSERT INTO logs (name) VALUES (?)');
  const saveLog = db.prepare('UPDATE logs SET last_seq = ?, records = ?, bytes = ? WHERE id = ?');
  // Changes whenever another connection has committed, and not by our own commits (sqlite.org/pragma.html).
  const dataVersion = db.prepare('PRAGMA data_version');
  const ends = new Map<string, LogEnd>();
  let seenVersion: unknown = null;

  const load = (name: string): LogEnd => {
    const row = findLog.get(name);
    return {
      id: row === undefined ? Number(addLog.run(name).lastInsertRowid) : Number(row['id']),
      lastSeq: Number(row?.['last_seq'] ?? 0),
      records: Number(row?.['records'] ?? 0),
      bytes: Number(row?.['bytes'] ?? 0),
      isChanged: false,
    };
  };

  return {
    /** To be called inside each transaction that asks for ends, before the first question. */
    begin: (): void => {
      const version = dataVersion.get()?.['data_version'];
      if (version !== seenVersion) ends.clear();
      seenVersion = version;
    },
    of: (name: string): LogEnd => {
      const known = ends.get(name) ?? load(name);
      ends.set(name, known);
      return known;
    },
    save: (): void => {
      for (const end of ends.values()) {
        if (!end.isChanged) continue;
        saveLog.run(end.lastSeq, end.records, end.bytes, end.id);
        end.isChanged = false;
      }
    },
    forget: (): void => ends.clear(),
  };
};
