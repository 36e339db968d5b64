import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import * as Effect from 'effect/Effect';
import * as Fiber from 'effect/Fiber';
import { describe, expect, it } from 'vitest';

import { backupStore, checkStore, restoreStore } from '#src/store/backup.ts';
import { RESTORED_SNAPSHOT } from '#src/store/restored.ts';
import { EmbeddedStore, openStoreReadOnly } from '#src/store/sqlite.ts';

import { failureOf, freshDir, tamper, withStore } from './openStore.ts';

const run = <A, E>(effect: Effect.Effect<A, E>): Promise<A> => Effect.runPromise(effect);

const filled = async (dir: string) => {
  await withStore({ dir, owner: 'test/86/5Alice/validator' }, (store) =>
    Effect.gen(function* () {
      yield* store.append(
        'evidence',
        Array.from({ length: 500 }, (_, n) => ({ key: `k${n}`, value: { n, text: 'x'.repeat(200) } })),
      );
      yield* store.dropRecords('evidence', 100);
      yield* store.saveSnapshot({ name: 'scores', version: 2, value: [0.5] });
      yield* store.useIds('tasks', ['a']);
      yield* store.addTo('hits', 2);
      yield* store.takeLease({ name: 'writer', holder: 'old', over: null });
    }),
  );
};

describe('store / backup: copies', () => {
  it('copies a store while it is written: all that was acknowledged before, no record twice or half', async () => {
    const dir = freshDir();
    const to = join(freshDir(), 'copy.sqlite');
    const { before, backup } = await withStore({ dir }, (store) =>
      Effect.gen(function* () {
        let count = 0;
        const writing = yield* Effect.forkChild(
          Effect.forever(
            Effect.suspend(() => {
              count += 1;
              const value = { count, text: 'y'.repeat(300) };
              return store.append('evidence', [{ key: `w${count}`, value }]);
            }),
          ),
        );
        while (count < 100) yield* Effect.sleep(5);
        const acknowledged = yield* store.lastSeq('evidence');
        const made = yield* backupStore({ dir, to });
        const afterwards = count;
        while (count < afterwards + 20) yield* Effect.sleep(5);
        yield* Fiber.interrupt(writing);
        return { before: acknowledged, backup: made };
      }),
    );
    expect(backup).toMatchObject({ file: to, report: { file: to, isSound: true, problems: [] } });
    expect(backup.bytes).toBe(statSync(to).size);
    expect(statSync(to).mode & 0o777).toBe(0o600);
    const [log] = backup.report.logs;
    expect(log?.records).toBeGreaterThanOrEqual(before);
    expect(log?.records).toBe(log?.lastSeq);
    expect(readdirSync(join(to, '..'))).toEqual(['copy.sqlite']);
  });

  it('never writes over a file, and says where there is nothing to copy', async () => {
    const dir = freshDir();
    await filled(dir);
    const to = join(freshDir(), 'copy.sqlite');
    writeFileSync(to, 'precious');
    const error = await failureOf(backupStore({ dir, to }));
    expect(error._tag).toBe('StoreInvalid');
    expect(error.message).toContain('choose another name');
    expect(readFileSync(to, 'utf8')).toBe('precious');
    expect((await failureOf(backupStore({ dir: freshDir(), to: `${to}2` })))._tag).toBe('StoreInvalid');
    const nowhere = await failureOf(backupStore({ dir, to: join(to, 'below', 'a file') }));
    expect(nowhere._tag).toBe('StoreInvalid');
    expect(nowhere.message).toContain(`no folder ${join(to, 'below')} `);
  });
});

describe('store / backup: checks', () => {
  it('finds a whole store sound, and names what is not', async () => {
    const dir = freshDir();
    await filled(dir);
    const sound = await run(checkStore({ dir }));
    expect(sound).toMatchObject({
      isSound: true,
      schema: 2,
      owner: 'test/86/5Alice/validator',
      logs: [{ name: 'evidence', firstSeq: 101, lastSeq: 500, records: 400, gapCount: 0 }],
      snapshots: [{ name: 'scores', version: 2, isReadable: true }],
    });
    tamper(
      dir,
      `UPDATE records SET value = '{"n' WHERE seq = 200; DELETE FROM records WHERE seq BETWEEN 300 AND 309;
       UPDATE snapshots SET value = ''`,
    );
    const report = await run(checkStore({ dir }));
    expect(report.isSound).toBe(false);
    expect(report.logs[0]).toMatchObject({
      gaps: [{ after: 299, before: 310 }],
      gapCount: 1,
      unreadable: [200],
      isCountRight: false,
    });
    expect(report.problems).toEqual([
      '1 records of evidence do not parse: 200',
      'evidence holds other records than it counts',
      'the snapshot scores does not parse',
    ]);
  });

  it('finds pages that were overwritten', async () => {
    const dir = freshDir();
    await filled(dir);
    const file = join(dir, 'store.sqlite');
    const bytes = readFileSync(file);
    bytes.fill(0x5a, 8 * 4096, 12 * 4096);
    writeFileSync(file, bytes);
    const report = await Effect.runPromise(Effect.result(checkStore({ dir })));
    if (report._tag === 'Success') expect(report.success.isSound).toBe(false);
    else expect(report.failure._tag).toBe('StoreCorrupt');
    const to = join(freshDir(), 'copy.sqlite');
    expect((await failureOf(backupStore({ dir, to })))._tag).toBe('StoreCorrupt');
    expect(existsSync(to)).toBe(false);
  });
});

describe('store / backup: restoring', () => {
  it('puts a backup in place, keeps what was there, says so inside, and lets no old holder write', async () => {
    const dir = freshDir();
    await filled(dir);
    const to = join(freshDir(), 'copy.sqlite');
    await run(backupStore({ dir, to }));
    const old = await withStore({ dir }, (store) =>
      Effect.gen(function* () {
        yield* store.append('evidence', [{ value: 'after the backup' }]);
        const over = yield* store.readLease('writer');
        return yield* store.takeLease({ name: 'writer', holder: 'later', over });
      }),
    );
    const restored = await run(restoreStore({ from: to, dir }));
    expect(restored.fromSeq).toEqual({ evidence: 500 });
    await withStore({ dir, owner: 'test/86/5Alice/validator' }, (store) =>
      Effect.gen(function* () {
        expect(yield* store.lastSeq('evidence')).toBe(500);
        expect(yield* store.loadSnapshot(RESTORED_SNAPSHOT)).toMatchObject({
          value: { atMs: restored.atMs, fromSeq: { evidence: 500 } },
        });
        store.fence(old);
        expect((yield* Effect.flip(store.append('evidence', [{ value: 1 }])))._tag).toBe('StoreFenced');
        const lease = yield* store.readLease('writer');
        expect(lease).toMatchObject({ holder: null });
        expect(lease?.token).toBeGreaterThan(old.token);
      }),
    );
    const kept = new DatabaseSync(restored.kept ?? '', { readOnly: true });
    expect(kept.prepare('SELECT max(seq) AS last FROM records').get()).toEqual({ last: 501 });
    kept.close();
    expect(readdirSync(dir).filter((name) => name.includes('restoring'))).toEqual([]);
  });

  it('restores into an empty folder, and over a damaged store', async () => {
    const source = freshDir();
    await filled(source);
    const to = join(freshDir(), 'copy.sqlite');
    await run(backupStore({ dir: source, to }));
    const dir = join(freshDir(), 'new');
    expect((await run(restoreStore({ from: to, dir }))).kept).toBeNull();
    writeFileSync(join(dir, 'store.sqlite'), 'this is no database '.repeat(400));
    const { kept } = await run(restoreStore({ from: to, dir }));
    expect(readFileSync(kept ?? '', 'utf8')).toContain('no database');
    expect((await run(checkStore({ dir }))).isSound).toBe(true);
  });

  it('is refused while the store is in use, alone or shared, while it is read, and for what is no store', async () => {
    const dir = freshDir();
    await filled(dir);
    const to = join(freshDir(), 'copy.sqlite');
    await run(backupStore({ dir, to }));
    for (const shared of [true, false])
      await Effect.runPromise(
        Effect.scoped(
          Effect.gen(function* () {
            yield* EmbeddedStore.open({ dir, shared });
            expect((yield* Effect.flip(restoreStore({ from: to, dir })))._tag).toBe('DataDirLocked');
          }),
        ),
      );
    const text = join(freshDir(), 'text');
    writeFileSync(text, 'no database '.repeat(1_000));
    expect((await failureOf(restoreStore({ from: text, dir })))._tag).toBe('StoreCorrupt');
    expect((await failureOf(restoreStore({ from: `${text}2`, dir })))._tag).toBe('StoreInvalid');
    await Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const reader = yield* openStoreReadOnly({ dir });
          expect(yield* reader.lastSeq('evidence')).toBe(500);
          const error = yield* Effect.flip(restoreStore({ from: to, dir }));
          expect(error.message).toContain('still reading');
        }),
      ),
    );
    expect((await run(checkStore({ dir }))).isSound).toBe(true);
  });
});
