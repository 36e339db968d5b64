import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';

import type { LogInfo } from './store.ts';
import type { Exchanges, StoreSize } from './storeThread.ts';

const sizeOfFile = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

const numberOf = (db: DatabaseSync, pragma: 'page_size' | 'freelist_count'): number =>
  Number(db.prepare(`PRAGMA ${pragma}`).get()?.[pragma] ?? 0);

const LOGS = `SELECT name, last_seq AS lastSeq, records, bytes, coalesce(
    (SELECT seq FROM records WHERE log = logs.id AND value IS NOT NULL ORDER BY seq LIMIT 1), 0
  ) AS firstSeq FROM logs ORDER BY name`;
const USED_IDS = `SELECT id FROM ids WHERE id_set = (SELECT id FROM id_sets WHERE name = ?) AND id > ?
  ORDER BY id LIMIT ?`;

/** What a database holds, by name. Statements are prepared when asked for: a file to be checked may be older. */
export const openContents = (db: DatabaseSync, file: string) => {
  const names = (table: 'snapshots' | 'id_sets'): readonly string[] =>
    db
      .prepare(`SELECT name FROM ${table} ORDER BY name`)
      .all()
      .map(({ name }) => String(name));
  return {
    owner: (): string | null => {
      const row = db.prepare('SELECT name FROM owner').get();
      return row === undefined ? null : String(row['name']);
    },
    logs: (): readonly LogInfo[] =>
      db
        .prepare(LOGS)
        .all()
        .map((row) => ({ ...row }) as LogInfo),
    snapshotNames: (): readonly string[] => names('snapshots'),
    counters: (): Readonly<Record<string, number>> =>
      Object.fromEntries(
        db
          .prepare('SELECT name, value FROM counters ORDER BY name')
          .all()
          .map(({ name, value }) => [String(name), Number(value)]),
      ),
    idSets: (): readonly string[] => names('id_sets'),
    usedIds: ({ set, after, limit }: Exchanges['usedIds']['ask']): readonly string[] =>
      db
        .prepare(USED_IDS)
        .all(set, after, limit)
        .map(({ id }) => String(id)),
    size: (): StoreSize => ({
      fileBytes: sizeOfFile(file),
      walBytes: sizeOfFile(`${file}-wal`),
      freeBytes: numberOf(db, 'freelist_count') * numberOf(db, 'page_size'),
    }),
  };
};
