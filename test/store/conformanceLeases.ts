import * as Effect from 'effect/Effect';
import { describe, expect, it } from 'vitest';

import type { StoreHandle } from '#src/store/store.ts';

import { type StoreUnderTest, tagOf, usingStore, valuesOf } from './conformancePlace.ts';

const NAME = 'writer';

/** One write of every kind, under a name that tells who tried. */
const everyWrite = (store: StoreHandle, mark: string) => [
  store.append('log', [{ key: mark, value: mark }]),
  store.saveSnapshot({ name: 'snapshot', version: 1, value: mark }),
  store.useIds('ids', [mark]),
  store.addTo('counter', 1),
  store.dropRecords('log', 1),
  store.importRecords('imported', [{ seq: 1_000, key: mark, value: mark }]),
  store.importSnapshot({ name: 'snapshot', version: 1, value: mark, savedAtMs: 1 }),
];

const contentsOf = (store: StoreHandle) =>
  Effect.gen(function* () {
    return {
      log: yield* store.read('log', { after: 0, limit: 99 }),
      imported: yield* store.read('imported', { after: 0, limit: 99 }),
      snapshot: yield* store.loadSnapshot('snapshot'),
      counters: yield* store.counters,
      ids: yield* store.usedIds('ids', { after: '', limit: 99 }),
    };
  });

export const leaseConformance = ({ name, place }: StoreUnderTest): void => {
  describe(`${name}: leases`, () => {
    it('goes to one taker, from beat to beat, and never gives a token twice', async () => {
      const here = await place();
      await usingStore(here, (store) =>
        Effect.gen(function* () {
          expect(yield* store.readLease(NAME)).toBeNull();
          const first = yield* store.takeLease({ name: NAME, holder: 'one', over: null });
          expect(first).toMatchObject({ name: NAME, token: 1, holder: 'one' });
          expect(yield* tagOf(store.takeLease({ name: NAME, holder: 'two', over: null }))).toBe(
            'StoreConflict',
          );
          const renewed = yield* store.renewLease(first);
          expect(renewed).toEqual({ ...first, beat: first.beat + 1 });
          expect(yield* store.readLease(NAME)).toEqual(renewed);
          // Whoever saw an older beat saw a holder that lives.
          expect(yield* tagOf(store.takeLease({ name: NAME, holder: 'two', over: first }))).toBe(
            'StoreConflict',
          );
          const second = yield* store.takeLease({ name: NAME, holder: 'two', over: renewed });
          expect(second).toMatchObject({ token: 2, holder: 'two' });
          expect(yield* tagOf(store.renewLease(renewed))).toBe('StoreFenced');
          yield* store.releaseLease(renewed);
          expect(yield* store.readLease(NAME)).toEqual(second);
          yield* store.releaseLease(second);
          expect(yield* store.readLease(NAME)).toMatchObject({ token: 2, holder: null });
          expect(yield* tagOf(store.renewLease(second))).toBe('StoreFenced');
        }),
      );
      await usingStore(here, (store) =>
        Effect.gen(function* () {
          const over = yield* store.readLease(NAME);
          expect(yield* store.takeLease({ name: NAME, holder: 'three', over })).toMatchObject({ token: 3 });
          expect(yield* store.takeLease({ name: 'other', holder: 'x', over: null })).toMatchObject({
            token: 1,
          });
        }),
      );
    });

    it('lets exactly one of many concurrent takers have it', async () => {
      const here = await place();
      await usingStore(here, (store) =>
        Effect.gen(function* () {
          const other = yield* here.open();
          const takers = Array.from({ length: 12 }, (_, n) =>
            Effect.result(
              (n % 2 === 0 ? store : other).takeLease({ name: NAME, holder: `taker ${n}`, over: null }),
            ),
          );
          const results = yield* Effect.all(takers, { concurrency: 'unbounded' });
          const won = results.flatMap((result) => (result._tag === 'Success' ? [result.success] : []));
          expect(won).toHaveLength(1);
          expect(yield* store.readLease(NAME)).toEqual(won[0]);
        }),
      );
    });

    it('refuses every kind of write of a handle whose lease was taken, writes nothing, and serves the new holder', async () => {
      const here = await place();
      await usingStore(here, (paused) =>
        Effect.gen(function* () {
          const standby = yield* here.open();
          const ours = yield* paused.takeLease({ name: NAME, holder: 'paused', over: null });
          paused.fence(ours);
          yield* Effect.all(everyWrite(paused, 'first'), { discard: true });
          const theirs = yield* standby.takeLease({
            name: NAME,
            holder: 'standby',
            over: yield* paused.renewLease(ours),
          });
          standby.fence(theirs);
          const before = yield* contentsOf(standby);
          const outcomes = yield* Effect.all(
            everyWrite(paused, 'late').map((write) =>
              tagOf(write as Effect.Effect<unknown, { _tag: string }>),
            ),
            { concurrency: 'unbounded' },
          );
          expect(new Set(outcomes)).toEqual(new Set(['StoreFenced']));
          // One at a time too, so that each kind meets the fence itself.
          for (const write of everyWrite(paused, 'later'))
            expect(yield* tagOf(write as Effect.Effect<unknown, { _tag: string }>)).toBe('StoreFenced');
          expect(yield* contentsOf(standby)).toEqual(before);
          yield* standby.append('log', [{ key: 'new', value: 'by the holder' }]);
          expect(valuesOf(yield* paused.read('log', { after: 0, limit: 9 }))).toContain('by the holder');
          // Who takes the lease again writes again.
          const again = yield* paused.takeLease({ name: NAME, holder: 'paused', over: theirs });
          paused.fence(again);
          yield* paused.append('log', [{ key: 'back', value: 'again' }]);
          expect(yield* tagOf(standby.append('log', [{ value: 'too late' }]))).toBe('StoreFenced');
        }),
      );
    });

    it('meets the fence with each kind of write by itself', async () =>
      Effect.runPromise(
        Effect.scoped(
          Effect.gen(function* () {
            const here = yield* Effect.promise(place);
            const fenced = yield* here.open();
            const other = yield* here.open();
            for (let kind = 0; kind < 7; kind += 1) {
              const over = yield* other.readLease(NAME);
              const ours = yield* fenced.takeLease({ name: NAME, holder: 'fenced', over });
              fenced.fence(ours);
              yield* other.takeLease({ name: NAME, holder: 'standby', over: ours });
              const before = yield* contentsOf(other);
              const write = everyWrite(fenced, `kind ${kind}`)[kind] as Effect.Effect<
                unknown,
                { _tag: string }
              >;
              expect(yield* tagOf(write)).toBe('StoreFenced');
              expect(yield* contentsOf(other)).toEqual(before);
            }
          }),
        ),
      ));

    it('tells its health, and that writing works', async () =>
      usingStore(await place(), (store) =>
        Effect.gen(function* () {
          yield* store.probe;
          expect(store.health()).toEqual({ isWell: true });
          expect(store.pressure()).toEqual({ pendingRows: 0, pendingBytes: 0, share: 0 });
          expect(yield* store.logs).toEqual([]);
          const waiting = store.append('log', [{ value: 'x'.repeat(100) }]);
          const seen = yield* Effect.all([waiting, Effect.sync(() => store.pressure())], {
            concurrency: 'unbounded',
          });
          expect(seen[1].pendingRows).toBe(1);
          expect(seen[1].pendingBytes).toBeGreaterThanOrEqual(100);
        }),
      ));
  });
};
