import { writeFileSync } from 'node:fs';
import * as Effect from 'effect/Effect';
import * as Fiber from 'effect/Fiber';
import { describe, expect, it } from 'vitest';

import { toStoreFailure } from '#src/store/errors.ts';
import { EmbeddedStore, openStoreReadOnly } from '#src/store/sqlite.ts';
import { type Json, StoreService } from '#src/store/store.ts';

import { storeConformance } from './conformance.ts';
import { failureOf, freshDir, tamper, withStore } from './openStore.ts';

storeConformance({
  name: 'store / sqlite',
  place: async () => {
    const dir = freshDir();
    return {
      open: (options = {}) => EmbeddedStore.open({ dir, shared: true, ...options }),
      corrupt: async (what) =>
        what.kind === 'record'
          ? tamper(
              dir,
              `UPDATE records SET value = '{"n":' WHERE seq = ${what.seq} AND log = (SELECT id FROM logs WHERE name = '${what.log}')`,
            )
          : tamper(dir, `UPDATE snapshots SET value = 'who' WHERE name = '${what.name}'`),
      makeNewer: async () => tamper(dir, 'PRAGMA user_version = 99'),
    };
  },
});

const appendEach = (store: StoreService['Service'], count: number, log = 'verdicts') =>
  Effect.all(
    Array.from({ length: count }, (_, n) => store.append(log, [{ key: `k${n}`, value: { n } }])),
    { concurrency: 'unbounded' },
  );

describe('store / sqlite: logs', () => {
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

describe('store / sqlite: damage', () => {
  it('lets a reader that may not write read past values that do not parse, and leaves them where they are', async () => {
    const dir = freshDir();
    await withStore({ dir }, (store) => appendEach(store, 6));
    tamper(dir, `UPDATE records SET value = '{"n":' WHERE seq IN (1, 2, 5)`);
    const seen = await Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const reader = yield* openStoreReadOnly({ dir });
          const page = yield* reader.read('verdicts', { after: 0, limit: 9 });
          expect(yield* reader.setAside).toEqual([]);
          return page;
        }),
      ),
    );
    expect(seen.map(({ seq }) => seq)).toEqual([3, 4, 6]);
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
