import { writeFileSync } from 'node:fs';
import * as Effect from 'effect/Effect';
import * as Fiber from 'effect/Fiber';
import { describe, expect, it } from 'vitest';

import { toStoreFailure } from '#src/store/errors.ts';
import { EmbeddedStore, openStoreReadOnly } from '#src/store/sqlite.ts';
import { type Json, StoreService } from '#src/store/store.ts';

import { failureOf, freshDir, tamper, withStore } from './openStore.ts';

const values = (records: readonly { readonly value: Json }[]): readonly Json[] =>
  records.map(({ value }) => value);

const appendEach = (store: StoreService['Service'], count: number, log = 'verdicts') =>
  Effect.all(
    Array.from({ length: count }, (_, n) => store.append(log, [{ key: `k${n}`, value: { n } }])),
    { concurrency: 'unbounded' },
  );

describe('store / sqlite: logs', () => {
  it('numbers the records of each log from 1 and gives them back in order after a restart', async () => {
    const dir = freshDir();
    await withStore({ dir }, (store) =>
      Effect.gen(function* () {
        expect(yield* store.append('a', [{ value: 'one' }, { value: ['two', { deep: 2.5 }] }])).toEqual({
          lastSeq: 2,
          duplicates: [],
        });
        expect((yield* store.append('b', [{ value: null }])).lastSeq).toBe(1);
      }),
    );
    await withStore({ dir }, (store) =>
      Effect.gen(function* () {
        expect((yield* store.append('a', [{ key: 'k', value: '三 🛰 \ud800' }])).lastSeq).toBe(3);
        expect(yield* store.read('a', { after: 0, limit: 10 })).toEqual([
          { seq: 1, key: null, value: 'one' },
          { seq: 2, key: null, value: ['two', { deep: 2.5 }] },
          { seq: 3, key: 'k', value: '三 🛰 \ud800' },
        ]);
        expect(yield* store.lastSeq('a')).toBe(3);
        expect(yield* store.lastSeq('neverWritten')).toBe(0);
      }),
    );
  });

  it('reads a bounded range page by page', () =>
    withStore({ dir: freshDir() }, (store) =>
      Effect.gen(function* () {
        yield* store.append(
          'log',
          Array.from({ length: 20 }, (_, n) => ({ value: n + 1 })),
        );
        expect(values(yield* store.read('log', { after: 3, upTo: 9, limit: 4 }))).toEqual([4, 5, 6, 7]);
        expect(values(yield* store.read('log', { after: 7, upTo: 9, limit: 4 }))).toEqual([8, 9]);
        expect(yield* store.read('log', { after: 9, upTo: 9, limit: 4 })).toEqual([]);
        expect(yield* store.read('unknown', { after: 0, limit: 4 })).toEqual([]);
      }),
    ));

  it('keeps the first value of a key, in one call and across restarts, and reports the others', async () => {
    const dir = freshDir();
    const first = await withStore({ dir }, (store) =>
      store.append('log', [
        { key: 'x', value: 1 },
        { key: 'y', value: 2 },
        { key: 'x', value: 3 },
      ]),
    );
    expect(first).toEqual({ lastSeq: 1, duplicates: [2] });
    await withStore({ dir }, (store) =>
      Effect.gen(function* () {
        const second = yield* store.append('log', [
          { key: 'y', value: 4 },
          { key: 'z', value: 5 },
        ]);
        expect(second).toEqual({ lastSeq: 3, duplicates: [0] });
        expect(values(yield* store.read('log', { after: 0, limit: 9 }))).toEqual([1, 2, 5]);
        expect((yield* store.append('other', [{ key: 'x', value: 6 }])).duplicates).toEqual([]);
      }),
    );
  });

  it('finds a record by its key, and none by a key of another log', async () => {
    const dir = freshDir();
    await withStore({ dir }, (store) =>
      Effect.gen(function* () {
        yield* store.append('log', [
          { value: 0 },
          { key: 'e/7', value: { n: 7 } },
          { key: 'e/70', value: 70 },
        ]);
        yield* store.append('log', [{ key: 'e/7', value: 'later' }]);
        expect(yield* store.find('log', 'e/7')).toEqual({ seq: 2, key: 'e/7', value: { n: 7 } });
        expect(yield* store.find('log', 'e/8')).toBeNull();
        expect(yield* store.find('other', 'e/7')).toBeNull();
        expect((yield* Effect.flip(store.find('log', '')))._tag).toBe('StoreInvalid');
      }),
    );
    tamper(dir, "UPDATE records SET value = '{\"n\":' WHERE key = 'e/7'");
    await withStore({ dir }, (store) =>
      Effect.gen(function* () {
        expect(yield* store.find('log', 'e/7')).toBeNull();
        expect((yield* store.setAside).map(({ key, seq }) => ({ key, seq }))).toEqual([
          { key: 'e/7', seq: 2 },
        ]);
      }),
    );
  });

  it('puts the appends of many callers into few commits', () =>
    withStore({ dir: freshDir() }, (store) =>
      Effect.gen(function* () {
        const acknowledged = yield* appendEach(store, 2_000);
        const { rows, commits, pendingRows } = store.commitCounters();
        expect(new Set(acknowledged.map(({ lastSeq }) => lastSeq)).size).toBe(2_000);
        expect({ rows, pendingRows }).toEqual({ rows: 2_000, pendingRows: 0 });
        expect(commits).toBeLessThanOrEqual(20);
      }),
    ));

  it('does not let a lonely append wait for company', () =>
    withStore({ dir: freshDir() }, (store) =>
      Effect.gen(function* () {
        yield* store.append('log', [{ value: 0 }]);
        const startedAt = performance.now();
        yield* store.append('log', [{ value: 1 }]);
        expect(performance.now() - startedAt).toBeLessThan(1_000);
        expect(store.commitCounters().commits).toBe(2);
      }),
    ));

  it('says that it is full when more waits than the disk takes, and recovers', () =>
    withStore({ dir: freshDir() }, (store) =>
      Effect.gen(function* () {
        const many = Array.from({ length: 4_096 }, (_, n) => ({ value: n }));
        const results = yield* Effect.all(
          Array.from({ length: 6 }, () =>
            Effect.match(store.append('log', many), {
              onSuccess: () => 'stored',
              onFailure: (error) => (error._tag === 'StoreFull' ? toStoreFailure(error)._tag : error._tag),
            }),
          ),
          { concurrency: 'unbounded' },
        );
        expect(results).toEqual(['stored', 'stored', 'stored', 'stored', 'StoreFull', 'StoreFull']);
        expect(yield* store.lastSeq('log')).toBe(4 * 4_096);
        expect((yield* store.append('log', [{ value: 'after' }])).lastSeq).toBe(4 * 4_096 + 1);
      }),
    ));

  it('refuses what JSON would change without a word', () =>
    withStore({ dir: freshDir() }, (store) =>
      Effect.gen(function* () {
        const cyclic: { self?: Json } = {};
        cyclic.self = cyclic as Json;
        const bad: readonly [Json, string][] = [
          [{ score: Number.NaN }, 'value.score is NaN'],
          [[1, Number.POSITIVE_INFINITY], 'value[1] is Infinity'],
          [new Map() as unknown as Json, 'not a plain object'],
          [10n as unknown as Json, 'bigint'],
          [cyclic as Json, 'nested deeper'],
          ['x'.repeat(1_048_577), 'at most 1048576'],
        ];
        for (const [value, why] of bad) {
          const error = yield* Effect.flip(store.append('log', [{ value: 'good' }, { value }]));
          expect(error._tag).toBe('StoreInvalid');
          expect(error.message).toContain(`record 1: `);
          expect(error.message).toContain(why);
        }
        expect(yield* store.lastSeq('log')).toBe(0);
        for (const key of ['', 'x'.repeat(513), '\ud800', 'a\0b'])
          expect((yield* Effect.flip(store.append('log', [{ key, value: 1 }])))._tag).toBe('StoreInvalid');
        for (const name of ['', '../etc', 'a b', 'x'.repeat(129)])
          expect((yield* Effect.flip(store.append(name, [{ value: 1 }])))._tag).toBe('StoreInvalid');
      }),
    ));
});

describe('store / sqlite: snapshots', () => {
  it('keeps the latest of each name with its version, revision and age', async () => {
    const dir = freshDir();
    const startedAtMs = Date.now();
    await withStore({ dir }, (store) =>
      Effect.gen(function* () {
        expect(yield* store.loadSnapshot('epoch')).toBeNull();
        const first = yield* store.saveSnapshot({ name: 'epoch', version: 1, value: { state: 'open' } });
        const other = yield* store.saveSnapshot({ name: 'scores', version: 7, value: [0.5] });
        const second = yield* store.saveSnapshot({ name: 'epoch', version: 2, value: { state: 'closing' } });
        expect(first < other && other < second).toBe(true);
      }),
    );
    await withStore({ dir }, (store) =>
      Effect.gen(function* () {
        const snapshot = yield* store.loadSnapshot('epoch');
        expect(snapshot).toMatchObject({ version: 2, value: { state: 'closing' } });
        expect(snapshot?.savedAtMs).toBeGreaterThanOrEqual(startedAtMs);
        expect(snapshot?.savedAtMs).toBeLessThanOrEqual(Date.now());
      }),
    );
  });

  it('saves over a known revision only, so that of two writers one learns that it was second', () =>
    withStore({ dir: freshDir() }, (store) =>
      Effect.gen(function* () {
        const save = (value: string, revision?: number | null) =>
          store.saveSnapshot({
            name: 'intent',
            version: 1,
            value,
            ...(revision === undefined ? {} : { revision }),
          });
        const first = yield* save('prepared', null);
        const both = yield* Effect.all(
          [Effect.result(save('sent', first)), Effect.result(save('abandoned', first))],
          { concurrency: 'unbounded' },
        );
        expect(both.map(({ _tag }) => _tag)).toEqual(['Success', 'Failure']);
        const conflict = yield* Effect.flip(save('again', null));
        const snapshot = yield* store.loadSnapshot('intent');
        expect(snapshot?.value).toBe('sent');
        expect(conflict).toMatchObject({ _tag: 'StoreConflict', name: 'intent', actual: snapshot?.revision });
      }),
    ));
});

describe('store / sqlite: damage', () => {
  it('sets values aside that do not parse, reads on, and never takes their place or key again', async () => {
    const dir = freshDir();
    await withStore({ dir }, (store) =>
      Effect.all([appendEach(store, 6), store.saveSnapshot({ name: 'epoch', version: 1, value: 'whole' })]),
    );
    tamper(
      dir,
      `UPDATE records SET value = '{"n":' WHERE seq IN (1, 2, 5); UPDATE snapshots SET value = 'who'`,
    );
    const seen = await Effect.runPromise(
      Effect.scoped(
        Effect.flatMap(openStoreReadOnly({ dir }), (reader) =>
          reader.read('verdicts', { after: 0, limit: 9 }),
        ),
      ),
    );
    expect(seen.map(({ seq }) => seq)).toEqual([3, 4, 6]);
    await withStore({ dir }, (store) =>
      Effect.gen(function* () {
        // Two unreadable records fill the first page: the answer is the next readable one, not an end.
        expect((yield* store.read('verdicts', { after: 0, limit: 2 })).map(({ seq }) => seq)).toEqual([3, 4]);
        expect((yield* store.read('verdicts', { after: 4, limit: 9 })).map(({ seq }) => seq)).toEqual([6]);
        const before = (yield* store.append('verdicts', [{ key: 'k0', value: 'again' }])).duplicates;
        expect(before).toEqual([0]);
        expect((yield* store.append('verdicts', [{ value: 'next' }])).lastSeq).toBe(7);
        expect(yield* store.loadSnapshot('epoch')).toBeNull();
        yield* store.saveSnapshot({ name: 'epoch', version: 1, value: 'fresh', revision: null });
        const aside = yield* store.setAside;
        expect(aside.map(({ kind, name, seq }) => `${kind} ${name} ${seq}`)).toEqual([
          'snapshot epoch null',
          'record verdicts 5',
          'record verdicts 2',
          'record verdicts 1',
        ]);
        expect(aside.every(({ reason }) => reason.length > 0)).toBe(true);
      }),
    );
  });

  it('refuses a newer schema, another program’s database and another identity’s store, each by name', async () => {
    const dir = freshDir();
    await withStore({ dir, owner: 'test/86/5Alice/validator' }, (store) =>
      store.append('log', [{ value: 1 }]),
    );
    const foreign = await failureOf(EmbeddedStore.open({ dir, owner: 'test/86/5Bob/validator' }));
    expect(foreign).toMatchObject({ _tag: 'StoreForeign', owner: 'test/86/5Alice/validator' });
    tamper(dir, 'PRAGMA user_version = 99');
    for (const opening of [EmbeddedStore.open({ dir }), openStoreReadOnly({ dir })]) {
      const error = await failureOf<unknown, unknown>(opening);
      expect(error).toMatchObject({ _tag: 'SchemaTooNew', found: 99, supported: 2 });
      expect(String(error)).toContain('newer');
    }
    tamper(dir, 'PRAGMA application_id = 7; PRAGMA user_version = 1');
    const other = await failureOf(EmbeddedStore.open({ dir }));
    expect(other._tag).toBe('StoreUnavailable');
    expect(other.message).toContain('not made by miaoai');
  });

  it('names a damaged file as corrupt', async () => {
    const dir = freshDir();
    writeFileSync(`${dir}/store.sqlite`, 'this is no database '.repeat(400));
    const error = await failureOf(EmbeddedStore.open({ dir }));
    expect(toStoreFailure(error)).toMatchObject({ _tag: 'StoreCorrupt' });
    expect(error.message).toContain('restore a backup');
  });
});

describe('store / sqlite: life', () => {
  it('lets two readers follow the log while it is being written', () => {
    const dir = freshDir();
    const follow = (until: number) =>
      Effect.gen(function* () {
        const reader = yield* openStoreReadOnly({ dir });
        const seqs: number[] = [];
        while (seqs.length < until) {
          const page = yield* reader.read('verdicts', { after: seqs.at(-1) ?? 0, limit: 100 });
          seqs.push(...page.map(({ seq }) => seq));
          yield* Effect.sleep(1);
        }
        return seqs;
      });
    return withStore({ dir }, (store) =>
      Effect.gen(function* () {
        yield* store.append('verdicts', [{ value: 'first' }]);
        const [one, two] = yield* Effect.all([follow(3_001), follow(3_001), appendEach(store, 3_000)], {
          concurrency: 'unbounded',
        });
        const whole = Array.from({ length: 3_001 }, (_, index) => index + 1);
        expect(one).toEqual(whole);
        expect(two).toEqual(whole);
      }),
    );
  });

  it('writes everything it accepted before it closes, and refuses what comes after', async () => {
    const dir = freshDir();
    const { late, waiting } = await withStore({ dir }, (store) =>
      Effect.gen(function* () {
        const fiber = yield* Effect.forkDetach(appendEach(store, 3_000));
        yield* Effect.yieldNow;
        return { late: store, waiting: fiber };
      }),
    );
    const acknowledged = await Effect.runPromise(Fiber.join(waiting));
    expect(acknowledged).toHaveLength(3_000);
    const after = await failureOf(late.append('verdicts', [{ value: 1 }]));
    expect(after._tag).toBe('StoreUnavailable');
    expect((await failureOf(late.lastSeq('verdicts')))._tag).toBe('StoreUnavailable');
    expect(await withStore({ dir }, (store) => store.lastSeq('verdicts'))).toBe(3_000);
  });

  it('is a service', async () => {
    const layer = EmbeddedStore.layer({ dir: freshDir() });
    const program = Effect.gen(function* () {
      const store = yield* StoreService;
      return yield* store.append('log', [{ value: 'through the service' }]);
    });
    expect((await Effect.runPromise(Effect.provide(program, layer))).lastSeq).toBe(1);
  });

  it('says where it looked when there is nothing to read', async () => {
    const dir = freshDir();
    const error = await failureOf(openStoreReadOnly({ dir }));
    expect(error.message).toContain(`there is no store in ${dir}`);
  });
});
