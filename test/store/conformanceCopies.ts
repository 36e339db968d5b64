import * as Effect from 'effect/Effect';
import { describe, expect, it } from 'vitest';

import type { StoredRecord } from '#src/store/store.ts';

import { type StoreUnderTest, tagOf, usingStore, valuesOf } from './conformancePlace.ts';

const records = (...seqs: readonly number[]): readonly StoredRecord[] =>
  seqs.map((seq) => ({ seq, key: seq % 2 === 0 ? `k${seq}` : null, value: { seq } }));

/** Importing, listing, values that do not parse, and stores that are not ours. */
export const copyConformance = ({ name, place }: StoreUnderTest): void => {
  describe(`${name}: imports and contents`, () => {
    it('imports records under the numbers they had, with their gaps, and appends behind them', async () =>
      usingStore(await place(), (store) =>
        Effect.gen(function* () {
          yield* store.importRecords('log', records(5, 6, 9));
          yield* store.importRecords('log', []);
          expect(yield* store.read('log', { after: 0, limit: 9 })).toEqual(records(5, 6, 9));
          expect(yield* store.find('log', 'k6')).toEqual(records(6)[0]);
          expect((yield* store.append('log', [{ value: 'next' }])).lastSeq).toBe(10);
          for (const bad of [
            records(10),
            records(12, 11),
            records(11, 11),
            [{ seq: 11, key: 'k6', value: 1 }],
            [
              { seq: 11, key: 'same', value: 1 },
              { seq: 12, key: 'same', value: 2 },
            ],
            [{ seq: 0, key: null, value: 1 }],
          ])
            expect(yield* tagOf(store.importRecords('log', bad))).toBe('StoreInvalid');
          expect(yield* store.lastSeq('log')).toBe(10);
          yield* store.importRecords(
            'many',
            Array.from({ length: 5_000 }, (_, n) => ({ seq: n + 1, key: null, value: n })),
          );
          expect(yield* store.lastSeq('many')).toBe(5_000);
        }),
      ));

    it('imports a snapshot with its time, under a new revision', async () =>
      usingStore(await place(), (store) =>
        Effect.gen(function* () {
          const before = yield* store.saveSnapshot({ name: 'scores', version: 1, value: 'old' });
          yield* store.importSnapshot({ name: 'scores', version: 3, value: ['kept'], savedAtMs: 1_234 });
          const snapshot = yield* store.loadSnapshot('scores');
          expect(snapshot).toMatchObject({ version: 3, value: ['kept'], savedAtMs: 1_234 });
          expect(snapshot?.revision).not.toBe(before);
          const stale = store.saveSnapshot({ name: 'scores', version: 1, value: 'mine', revision: before });
          expect(yield* tagOf(stale)).toBe('StoreConflict');
        }),
      ));

    it('lists what it holds', async () => {
      const here = await place();
      await Effect.runPromise(
        Effect.scoped(
          Effect.gen(function* () {
            const store = yield* here.open({ owner: 'test/86/5Alice/validator' });
            expect(yield* store.owner).toBe('test/86/5Alice/validator');
            expect(yield* store.logs).toEqual([]);
            expect(yield* store.snapshotNames).toEqual([]);
            expect(yield* store.counters).toEqual({});
            expect(yield* store.idSets).toEqual([]);
            yield* store.append('evidence', [{ key: 'ab', value: 1 }, { value: 'üx' }, { value: [] }]);
            yield* store.append('verdicts', [{ value: 1 }]);
            yield* store.dropRecords('evidence', 1);
            yield* store.dropRecords('verdicts', 1);
            yield* store.saveSnapshot({ name: 'b', version: 1, value: 1 });
            yield* store.saveSnapshot({ name: 'a/1', version: 1, value: 1 });
            yield* store.addTo('hits', 3);
            yield* store.useIds('tasks', ['b', 'a', '\u{1f6f0}', '\uffee']);
            const logs = yield* store.logs;
            expect([...logs].sort((one, two) => (one.name < two.name ? -1 : 1))).toEqual([
              // "üx" is 5 bytes of JSON, [] is 2.
              { name: 'evidence', firstSeq: 2, lastSeq: 3, records: 2, bytes: 7 },
              { name: 'verdicts', firstSeq: 0, lastSeq: 1, records: 0, bytes: 0 },
            ]);
            expect([...(yield* store.snapshotNames)].sort()).toEqual(['a/1', 'b']);
            expect(yield* store.counters).toEqual({ hits: 3 });
            expect(yield* store.idSets).toEqual(['tasks']);
            expect(yield* store.usedIds('tasks', { after: '', limit: 3 })).toEqual(['a', 'b', '\uffee']);
            expect(yield* store.usedIds('tasks', { after: '\uffee', limit: 3 })).toEqual(['\u{1f6f0}']);
            expect(yield* store.usedIds('none', { after: '', limit: 3 })).toEqual([]);
          }),
        ),
      );
    });
  });

  describe(`${name}: damage`, () => {
    it('sets values aside that do not parse, reads on, and never takes their place or key again', async () => {
      const here = await place();
      await usingStore(here, (store) =>
        Effect.gen(function* () {
          yield* store.append(
            'log',
            Array.from({ length: 6 }, (_, n) => ({ key: `k${n + 1}`, value: n + 1 })),
          );
          yield* store.saveSnapshot({ name: 'epoch', version: 1, value: 'whole' });
        }),
      );
      for (const seq of [1, 2, 5]) await here.corrupt({ kind: 'record', log: 'log', seq });
      await here.corrupt({ kind: 'snapshot', name: 'epoch' });
      await usingStore(here, (store) =>
        Effect.gen(function* () {
          // Two unreadable records fill the first page: the answer is the next readable one, not an end.
          expect(valuesOf(yield* store.read('log', { after: 0, limit: 2 }))).toEqual([3, 4]);
          expect(yield* store.find('log', 'k5')).toBeNull();
          expect(valuesOf(yield* store.read('log', { after: 4, limit: 9 }))).toEqual([6]);
          expect((yield* store.append('log', [{ key: 'k1', value: 'again' }])).duplicates).toEqual([0]);
          expect((yield* store.append('log', [{ value: 'next' }])).lastSeq).toBe(7);
          expect(yield* store.loadSnapshot('epoch')).toBeNull();
          yield* store.saveSnapshot({ name: 'epoch', version: 1, value: 'fresh', revision: null });
          expect((yield* store.loadSnapshot('epoch'))?.value).toBe('fresh');
          const aside = (yield* store.setAside).map(({ kind, name: of, seq }) => `${kind} ${of} ${seq}`);
          expect([...aside].sort()).toEqual([
            'record log 1',
            'record log 2',
            'record log 5',
            'snapshot epoch null',
          ]);
          expect((yield* store.setAside).every(({ reason }) => reason.length > 0)).toBe(true);
        }),
      );
    });

    it('refuses the store of another identity and of a newer release, each by name', async () => {
      const here = await place();
      const openAs = (owner: string) => Effect.scoped(here.open({ owner }));
      await Effect.runPromise(openAs('test/86/5Alice/validator'));
      const foreign = await Effect.runPromise(Effect.flip(openAs('test/86/5Bob/validator')));
      expect(foreign).toMatchObject({ _tag: 'StoreForeign', owner: 'test/86/5Alice/validator' });
      await Effect.runPromise(openAs('test/86/5Alice/validator'));
      await here.makeNewer();
      const newer = await Effect.runPromise(Effect.flip(openAs('test/86/5Alice/validator')));
      expect(newer._tag).toBe('SchemaTooNew');
      expect(newer.message).toContain('newer');
    });
  });
};
