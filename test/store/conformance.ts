import * as Effect from 'effect/Effect';
import { describe, expect, it } from 'vitest';

import type { Json, StoreHandle } from '#src/store/store.ts';

import { copyConformance } from './conformanceCopies.ts';
import { leaseConformance } from './conformanceLeases.ts';
import { modelConformance } from './conformanceModel.ts';
import { type StoreUnderTest, tagOf, usingStore, valuesOf } from './conformancePlace.ts';

const logsConformance = ({ name, place }: StoreUnderTest): void => {
  describe(`${name}: logs`, () => {
    it('numbers the records of each log from 1 and gives them back in order after a restart', async () => {
      const here = await place();
      await usingStore(here, (store) =>
        Effect.gen(function* () {
          const appended = yield* store.append('a', [{ value: 'one' }, { value: ['two', { deep: 2.5 }] }]);
          expect(appended).toEqual({ lastSeq: 2, duplicates: [] });
          expect((yield* store.append('b', [{ value: null }])).lastSeq).toBe(1);
        }),
      );
      await usingStore(here, (store) =>
        Effect.gen(function* () {
          expect((yield* store.append('a', [{ key: 'k', value: '三 🛰 \ud800' }])).lastSeq).toBe(3);
          expect(yield* store.read('a', { after: 0, limit: 10 })).toEqual([
            { seq: 1, key: null, value: 'one' },
            { seq: 2, key: null, value: ['two', { deep: 2.5 }] },
            { seq: 3, key: 'k', value: '三 🛰 \ud800' },
          ]);
          expect(yield* store.lastSeq('a')).toBe(3);
          expect(yield* store.lastSeq('neverWritten')).toBe(0);
          expect((yield* store.append('a', [])).lastSeq).toBe(3);
        }),
      );
    });

    it('reads a bounded range page by page', async () =>
      usingStore(await place(), (store) =>
        Effect.gen(function* () {
          yield* store.append(
            'log',
            Array.from({ length: 20 }, (_, n) => ({ value: n + 1 })),
          );
          expect(valuesOf(yield* store.read('log', { after: 3, upTo: 9, limit: 4 }))).toEqual([4, 5, 6, 7]);
          expect(valuesOf(yield* store.read('log', { after: 7, upTo: 9, limit: 4 }))).toEqual([8, 9]);
          expect(yield* store.read('log', { after: 9, upTo: 9, limit: 4 })).toEqual([]);
          expect(yield* store.read('unknown', { after: 0, limit: 4 })).toEqual([]);
          for (const range of [
            { after: -1, limit: 1 },
            { after: 0.5, limit: 1 },
            { after: 0, limit: 0 },
            { after: 0, upTo: 1.5, limit: 1 },
          ])
            expect(yield* tagOf(store.read('log', range))).toBe('StoreInvalid');
        }),
      ));

    it('keeps the first value of a key, in one call and across restarts, and reports the others', async () => {
      const here = await place();
      const first = await usingStore(here, (store) =>
        store.append('log', [
          { key: 'x', value: 1 },
          { key: 'y', value: 2 },
          { key: 'x', value: 3 },
        ]),
      );
      expect(first).toEqual({ lastSeq: 1, duplicates: [2] });
      await usingStore(here, (store) =>
        Effect.gen(function* () {
          const second = yield* store.append('log', [
            { key: 'y', value: 4 },
            { key: 'z', value: 5 },
          ]);
          expect(second).toEqual({ lastSeq: 3, duplicates: [0] });
          expect(valuesOf(yield* store.read('log', { after: 0, limit: 9 }))).toEqual([1, 2, 5]);
          expect((yield* store.append('other', [{ key: 'x', value: 6 }])).duplicates).toEqual([]);
        }),
      );
    });

    it('finds a record by its key, and none by a key of another log', async () =>
      usingStore(await place(), (store) =>
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
          expect(yield* tagOf(store.find('log', ''))).toBe('StoreInvalid');
        }),
      ));

    it('gives concurrent callers each a number of its own, without a gap, and each its own key once', async () =>
      usingStore(await place(), (store) =>
        Effect.gen(function* () {
          const appended = yield* Effect.all(
            Array.from({ length: 600 }, (_, n) => store.append('log', [{ key: `k${n % 300}`, value: n }])),
            { concurrency: 'unbounded' },
          );
          expect(appended.filter(({ duplicates }) => duplicates.length === 0)).toHaveLength(300);
          const records = yield* store.read('log', { after: 0, limit: 10_000 });
          expect(records.map(({ seq }) => seq)).toEqual(Array.from({ length: 300 }, (_, n) => n + 1));
          for (const [n, { lastSeq }] of appended.entries())
            expect(records[lastSeq - 1]?.key).toBe(`k${n % 300}`);
        }),
      ));

    it('refuses the whole call for what JSON would change, for bad keys and names, and for too much', async () =>
      usingStore(await place(), (store) =>
        Effect.gen(function* () {
          const bad: readonly Json[] = [
            { score: Number.NaN },
            new Map() as unknown as Json,
            10n as unknown as Json,
            'x'.repeat(1_048_577),
          ];
          for (const value of bad)
            expect(yield* tagOf(store.append('log', [{ value: 'good' }, { value }]))).toBe('StoreInvalid');
          for (const key of ['', 'x'.repeat(513), '\ud800', 'a\0b'])
            expect(yield* tagOf(store.append('log', [{ value: 'good' }, { key, value: 1 }]))).toBe(
              'StoreInvalid',
            );
          for (const log of ['', '../etc', 'a b', 'x'.repeat(129)])
            expect(yield* tagOf(store.append(log, [{ value: 1 }]))).toBe('StoreInvalid');
          const many = Array.from({ length: 4_097 }, (_, value) => ({ value }));
          expect(yield* tagOf(store.append('log', many))).toBe('StoreInvalid');
          expect(yield* store.lastSeq('log')).toBe(0);
          expect((yield* store.append('log', [{ value: 'x'.repeat(1_048_574) }])).lastSeq).toBe(1);
          expect((yield* store.read('log', { after: 0, limit: 1 }))[0]?.value).toHaveLength(1_048_574);
        }),
      ));

    it('drops the oldest records: numbers go on, keys are free again, reading begins behind the gap', async () => {
      const here = await place();
      await usingStore(here, (store) =>
        Effect.gen(function* () {
          yield* store.append(
            'log',
            Array.from({ length: 10 }, (_, n) => ({ key: `k${n + 1}`, value: n + 1 })),
          );
          expect(yield* store.dropRecords('log', 0)).toBe(0);
          expect(yield* store.dropRecords('log', 4)).toBe(4);
          expect(yield* store.dropRecords('log', 4)).toBe(0);
          expect(yield* store.dropRecords('never', 4)).toBe(0);
          expect(valuesOf(yield* store.read('log', { after: 0, limit: 2 }))).toEqual([5, 6]);
          expect(yield* store.find('log', 'k4')).toBeNull();
          expect((yield* store.append('log', [{ key: 'k4', value: 'again' }])).lastSeq).toBe(11);
          expect((yield* store.append('log', [{ key: 'k5', value: 'known' }])).duplicates).toEqual([0]);
          expect(yield* store.dropRecords('log', 1_000_000)).toBe(7);
          expect(yield* store.read('log', { after: 0, limit: 9 })).toEqual([]);
          expect(yield* tagOf(store.dropRecords('log', -1))).toBe('StoreInvalid');
        }),
      );
      await usingStore(here, (store) =>
        Effect.gen(function* () {
          // An empty log has not forgotten how far it was: cursors stay behind what follows.
          expect(yield* store.lastSeq('log')).toBe(11);
          expect((yield* store.append('log', [{ key: 'k1', value: 'new' }])).lastSeq).toBe(12);
        }),
      );
    });
  });
};

const snapshotsConformance = ({ name, place }: StoreUnderTest): void => {
  describe(`${name}: snapshots`, () => {
    it('keeps the latest of each name with its version, revision and age', async () => {
      const here = await place();
      const startedAtMs = Date.now();
      const revision = await usingStore(here, (store) =>
        Effect.gen(function* () {
          expect(yield* store.loadSnapshot('epoch')).toBeNull();
          const first = yield* store.saveSnapshot({ name: 'epoch', version: 1, value: { state: 'open' } });
          yield* store.saveSnapshot({ name: 'scores', version: 7, value: [0.5] });
          const second = yield* store.saveSnapshot({
            name: 'epoch',
            version: 2,
            value: { state: 'closing' },
          });
          expect(second).toBeGreaterThan(first);
          return second;
        }),
      );
      await usingStore(here, (store) =>
        Effect.gen(function* () {
          const snapshot = yield* store.loadSnapshot('epoch');
          expect(snapshot).toMatchObject({ version: 2, value: { state: 'closing' }, revision });
          // The clock of a server may differ a little from ours.
          expect(Math.abs((snapshot?.savedAtMs ?? 0) - startedAtMs)).toBeLessThan(60_000);
          expect(yield* tagOf(store.saveSnapshot({ name: 'a b', version: 1, value: 1 }))).toBe(
            'StoreInvalid',
          );
          expect(yield* tagOf(store.saveSnapshot({ name: 'a', version: 0.5, value: 1 }))).toBe(
            'StoreInvalid',
          );
        }),
      );
    });

    it('lets exactly one of many concurrent compare-and-sets win, of one handle and of two', async () => {
      const here = await place();
      await usingStore(here, (store) =>
        Effect.gen(function* () {
          const other = yield* here.open();
          const save = (by: StoreHandle, value: number, revision: number | null) =>
            Effect.result(by.saveSnapshot({ name: 'intent', version: 1, value, revision }));
          let revision: number | null = null;
          for (let round = 0; round < 5; round += 1) {
            const over: number | null = revision;
            const results = yield* Effect.all(
              Array.from({ length: 20 }, (_, n) => save(n % 2 === 0 ? store : other, n, over)),
              { concurrency: 'unbounded' },
            );
            const won = results.flatMap((result, n) => (result._tag === 'Success' ? [n] : []));
            expect(won).toHaveLength(1);
            const snapshot = yield* store.loadSnapshot('intent');
            expect(snapshot?.value).toBe(won[0]);
            for (const result of results)
              if (result._tag === 'Failure')
                expect(result.failure).toMatchObject({
                  _tag: 'StoreConflict',
                  name: 'intent',
                  actual: snapshot?.revision,
                });
            revision = snapshot?.revision ?? null;
          }
        }),
      );
    });

    it('never gives a revision twice', async () =>
      usingStore(await place(), (store) =>
        Effect.gen(function* () {
          const revisions = yield* Effect.all(
            Array.from({ length: 50 }, (_, n) => store.saveSnapshot({ name: 'n', version: 1, value: n })),
            { concurrency: 'unbounded' },
          );
          expect(new Set(revisions).size).toBe(50);
        }),
      ));
  });
};

const idsConformance = ({ name, place }: StoreUnderTest): void => {
  describe(`${name}: ids and counters`, () => {
    it('lets each id be used once, by whoever comes first, also across restarts', async () => {
      const here = await place();
      const wins = await usingStore(here, (store) =>
        Effect.gen(function* () {
          const other = yield* here.open();
          const ids = Array.from({ length: 40 }, (_, n) => `task-${n}`);
          const results = yield* Effect.all(
            Array.from({ length: 8 }, (_, n) => (n % 2 === 0 ? store : other).useIds('tasks', ids)),
            { concurrency: 'unbounded' },
          );
          return ids.map((_, index) => results.filter((used) => !used.includes(index)).length);
        }),
      );
      expect(wins).toEqual(Array.from({ length: 40 }, () => 1));
      await usingStore(here, (store) =>
        Effect.gen(function* () {
          expect(yield* store.useIds('tasks', ['task-3', 'new', 'new'])).toEqual([0, 2]);
          expect(yield* store.useIds('nonces', ['task-3'])).toEqual([]);
          expect(yield* store.useIds('tasks', [])).toEqual([]);
          expect(yield* tagOf(store.useIds('tasks', ['fine', '']))).toBe('StoreInvalid');
          expect(yield* tagOf(store.useIds('tasks', Array.from({ length: 4_097 }, String)))).toBe(
            'StoreInvalid',
          );
          expect(yield* store.useIds('tasks', ['fine'])).toEqual([]);
        }),
      );
    });

    it('adds to a counter without losing a call, of one handle and of two', async () => {
      const here = await place();
      await usingStore(here, (store) =>
        Effect.gen(function* () {
          const other = yield* here.open();
          const answers = yield* Effect.all(
            Array.from({ length: 60 }, (_, n) => (n % 2 === 0 ? store : other).addTo('hits', 1)),
            { concurrency: 'unbounded' },
          );
          expect([...answers].sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, n) => n + 1));
          expect(yield* store.addTo('hits', -61)).toBe(-1);
          expect(yield* store.addTo('hits', 0)).toBe(-1);
          expect(yield* tagOf(store.addTo('hits', 0.5))).toBe('StoreInvalid');
        }),
      );
      await usingStore(here, (store) =>
        Effect.gen(function* () {
          expect(yield* store.addTo('hits', 10)).toBe(9);
          expect(yield* store.addTo('big', Number.MAX_SAFE_INTEGER)).toBe(Number.MAX_SAFE_INTEGER);
          // What a number cannot hold is refused, and its neighbours in the same commit are not.
          const [over, fine] = yield* Effect.all(
            [Effect.result(store.addTo('big', 1)), store.append('log', [{ value: 1 }])],
            { concurrency: 'unbounded' },
          );
          expect(over).toMatchObject({ _tag: 'Failure', failure: { _tag: 'StoreInvalid' } });
          expect(fine.lastSeq).toBe(1);
          expect(yield* store.addTo('big', 0)).toBe(Number.MAX_SAFE_INTEGER);
        }),
      );
    });
  });
};

/** What every store does alike. */
export const storeConformance = (subject: StoreUnderTest): void => {
  logsConformance(subject);
  snapshotsConformance(subject);
  idsConformance(subject);
  copyConformance(subject);
  leaseConformance(subject);
  modelConformance(subject);
};
