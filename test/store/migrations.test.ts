import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import * as Effect from 'effect/Effect';
import { describe, expect, it } from 'vitest';

import { backupStore, checkStore } from '#src/store/backup.ts';
import { shareDir } from '#src/store/dirLock.ts';
import { EmbeddedStore, openStoreReadOnly } from '#src/store/sqlite.ts';

import { failureOf, freshDir, withStore } from './openStore.ts';

/** A file as the first release wrote it: "MIAO" as application id, schema 1. */
const writeSchemaOne = (dir: string): void => {
  const db = new DatabaseSync(join(dir, 'store.sqlite'));
  db.exec(`
    PRAGMA journal_mode = WAL;
    CREATE TABLE owner (id INTEGER PRIMARY KEY CHECK (id = 1), name TEXT NOT NULL) STRICT;
    CREATE TABLE logs (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE records (
      log INTEGER NOT NULL REFERENCES logs (id), seq INTEGER NOT NULL, key TEXT, value TEXT,
      PRIMARY KEY (log, seq)
    ) STRICT;
    CREATE UNIQUE INDEX records_by_key ON records (log, key) WHERE key IS NOT NULL;
    CREATE TABLE snapshots (
      name TEXT PRIMARY KEY, version INTEGER NOT NULL, revision INTEGER NOT NULL UNIQUE,
      saved_at_ms INTEGER NOT NULL, value TEXT NOT NULL
    ) STRICT;
    CREATE TABLE set_aside (
      id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, seq INTEGER, key TEXT, revision INTEGER,
      value TEXT, reason TEXT NOT NULL, at_ms INTEGER NOT NULL
    ) STRICT;
    INSERT INTO owner VALUES (1, 'test/86/5Alice/validator');
    INSERT INTO logs VALUES (1, 'evidence'), (2, 'empty');
    INSERT INTO records VALUES (1, 1, 'ab', '"ü"'), (1, 2, NULL, '[1]'), (1, 3, 'bad', NULL);
    INSERT INTO snapshots VALUES ('scores', 2, 7, 1234, '[0.5]');
    INSERT INTO set_aside VALUES (1, 'record', 'evidence', 3, 'bad', NULL, '{"n', 'cut', 99);
    PRAGMA application_id = ${0x4d_49_41_4f};
    PRAGMA user_version = 1;
  `);
  db.close();
};

describe('store / migrations', () => {
  it('brings a store of the first release up with all it holds, once, and goes on behind it', async () => {
    const dir = freshDir();
    writeSchemaOne(dir);
    const older = await failureOf(openStoreReadOnly({ dir }));
    expect(older.message).toContain('start the daemon once');
    for (let opening = 0; opening < 2; opening += 1)
      await withStore({ dir, owner: 'test/86/5Alice/validator' }, (store) =>
        Effect.gen(function* () {
          expect(yield* store.read('evidence', { after: 0, limit: 9 })).toEqual([
            { seq: 1, key: 'ab', value: 'ü' },
            { seq: 2, key: null, value: [1] },
          ]);
          expect(yield* store.logs).toEqual([
            { name: 'empty', firstSeq: 0, lastSeq: 0, records: 0, bytes: 0 },
            // 2 for the key, 4 for the quoted umlaut, 3 for the list.
            { name: 'evidence', firstSeq: 1, lastSeq: 3, records: 2, bytes: 9 },
          ]);
          expect(yield* store.loadSnapshot('scores')).toEqual({
            version: 2,
            value: [0.5],
            revision: 7,
            savedAtMs: 1_234,
          });
          expect(yield* store.setAside).toHaveLength(1);
        }),
      );
    await withStore({ dir }, (store) =>
      Effect.gen(function* () {
        expect((yield* store.append('evidence', [{ key: 'bad', value: 1 }])).duplicates).toEqual([0]);
        expect((yield* store.append('evidence', [{ value: 'next' }])).lastSeq).toBe(4);
        expect(yield* store.saveSnapshot({ name: 'scores', version: 2, value: [1] })).toBe(8);
        expect(yield* store.useIds('tasks', ['a'])).toEqual([]);
        expect(yield* store.takeLease({ name: 'writer', holder: 'x', over: null })).toMatchObject({
          token: 1,
        });
      }),
    );
    expect((await Effect.runPromise(checkStore({ dir }))).problems).toEqual([]);
  });

  it('brings a shared store up while nobody else has it, and waits for that otherwise', async () => {
    const dir = freshDir();
    writeSchemaOne(dir);
    await Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          yield* shareDir(dir);
          const error = yield* Effect.flip(EmbeddedStore.open({ dir, shared: true }));
          expect(error.message).toContain('older schema 1: stop it');
        }),
      ),
    );
    await withStore({ dir, shared: true }, (store) =>
      Effect.gen(function* () {
        const other = yield* EmbeddedStore.open({ dir, shared: true });
        expect(yield* other.lastSeq('evidence')).toBe(3);
        expect((yield* store.append('evidence', [{ value: 1 }])).lastSeq).toBe(4);
      }),
    );
  });

  it('lets a store be copied and looked at before it is brought up', async () => {
    const dir = freshDir();
    writeSchemaOne(dir);
    expect(await Effect.runPromise(checkStore({ dir }))).toMatchObject({
      schema: 1,
      isSound: true,
      owner: 'test/86/5Alice/validator',
    });
    const copy = freshDir();
    await Effect.runPromise(backupStore({ dir, to: join(copy, 'store.sqlite') }));
    await withStore({ dir: copy }, (store) =>
      Effect.gen(function* () {
        expect(yield* store.lastSeq('evidence')).toBe(3);
        // The copy can give room back to the disk, which the first release's files cannot.
        yield* store.append(
          'evidence',
          Array.from({ length: 4_000 }, () => ({ value: 'x'.repeat(4_000) })),
        );
        const full = yield* store.size;
        yield* store.dropRecords('evidence', 4_000);
        for (let step = 0; step < 8; step += 1) {
          yield* store.append('evidence', [{ value: step }]);
          const last = yield* store.lastSeq('evidence');
          yield* store.dropRecords('evidence', last - 1);
        }
        const { fileBytes, walBytes, freeBytes } = yield* store.size;
        expect(full.fileBytes + full.walBytes).toBeGreaterThan(16_000_000);
        expect(fileBytes).toBeGreaterThan(0);
        expect(walBytes).toBeGreaterThan(0);
        expect(freeBytes).toBeLessThan(6_000_000);
      }),
    );
  });
});
