import * as Effect from 'effect/Effect';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { StoredRecord, StoreHandle } from '#src/store/store.ts';

import { type StoreUnderTest, usingStore } from './conformancePlace.ts';

type Step =
  | { readonly kind: 'append'; readonly keys: readonly (string | null)[] }
  | { readonly kind: 'drop'; readonly upTo: number }
  | { readonly kind: 'find'; readonly key: string }
  | { readonly kind: 'read'; readonly after: number; readonly limit: number };

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const seq = fc.integer({ min: 0, max: 30 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('append' as const),
    keys: fc.array(fc.option(key), { minLength: 1, maxLength: 4 }),
  }),
  fc.record({ kind: fc.constant('drop' as const), upTo: seq }),
  fc.record({ kind: fc.constant('find' as const), key }),
  fc.record({ kind: fc.constant('read' as const), after: seq, limit: fc.integer({ min: 1, max: 9 }) }),
);

/** A log as simple as its description. */
const openModel = () => {
  let records: readonly StoredRecord[] = [];
  let last = 0;
  return {
    append: (keys: readonly (string | null)[], value: number) => {
      const duplicates: number[] = [];
      let lastSeq = last;
      for (const [index, one] of keys.entries()) {
        const known = one === null ? undefined : records.find((record) => record.key === one);
        if (known === undefined) {
          last += 1;
          records = [...records, { seq: last, key: one, value }];
        } else duplicates.push(index);
        lastSeq = known?.seq ?? last;
      }
      return { lastSeq, duplicates };
    },
    drop: (upTo: number): number => {
      const before = records.length;
      records = records.filter((record) => record.seq > upTo);
      return before - records.length;
    },
    find: (wanted: string) => records.find((record) => record.key === wanted) ?? null,
    read: (after: number, limit: number) => records.filter((record) => record.seq > after).slice(0, limit),
    last: () => last,
  };
};

const runStep = (
  store: StoreHandle,
  model: ReturnType<typeof openModel>,
  log: string,
  now: Step,
  n: number,
) =>
  Effect.gen(function* () {
    switch (now.kind) {
      case 'append': {
        const records = now.keys.map((one) => (one === null ? { value: n } : { key: one, value: n }));
        expect(yield* store.append(log, records)).toEqual(model.append(now.keys, n));
        break;
      }
      case 'drop':
        expect(yield* store.dropRecords(log, now.upTo)).toBe(model.drop(now.upTo));
        break;
      case 'find':
        expect(yield* store.find(log, now.key)).toEqual(model.find(now.key));
        break;
      case 'read':
        expect(yield* store.read(log, now)).toEqual(model.read(now.after, now.limit));
        break;
    }
    expect(yield* store.lastSeq(log)).toBe(model.last());
  });

export const modelConformance = ({ name, place }: StoreUnderTest): void => {
  describe(`${name}: model`, () => {
    it('does what the simplest log would do, whatever the order of appending, dropping and finding', async () => {
      let log = 0;
      await usingStore(await place(), (store) =>
        Effect.promise(() =>
          fc.assert(
            fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 15 }), async (steps) => {
              const model = openModel();
              log += 1;
              const program = Effect.forEach(
                steps.map((now, n) => ({ now, n })),
                ({ now, n }) => runStep(store, model, `log${log}`, now, n),
                { discard: true },
              );
              await Effect.runPromise(program);
            }),
            { numRuns: 25 },
          ),
        ),
      );
    });
  });
};
