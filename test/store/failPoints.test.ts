import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as Effect from 'effect/Effect';
import { describe, expect, it } from 'vitest';

import { type FailPoints, failPlanOf, openFailPoints, withFailPoints } from '#src/store/failPoints.ts';
import { EmbeddedStore } from '#src/store/sqlite.ts';

/** Notes the points, and for each what the log held at that moment. */
const inFreshStore = async <A>(
  use: (open: { readonly dir: string; readonly seen: string[] }) => Effect.Effect<A, unknown, never>,
) => {
  const dir = mkdtempSync(join(tmpdir(), 'miaoai-fail-points-'));
  const seen: string[] = [];
  try {
    return { seen, value: await Effect.runPromise(use({ dir, seen })) };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
};

const record = (type: string, key: string) => ({ key, value: { v: 1, type } });

describe('store / failPoints', () => {
  it('reaches a point before and after each write, named by operation and by what is written', async () => {
    const { seen } = await inFreshStore(({ dir, seen: names }) =>
      Effect.scoped(
        Effect.gen(function* () {
          const points: FailPoints = { reach: (point) => names.push(point) };
          const store = withFailPoints(yield* EmbeddedStore.open({ dir }), points);
          yield* store.append('evidence', [record('round.planned', 'a'), record('answer.judged', 'b')]);
          yield* store.append('plain', [{ value: 7 }]);
          yield* store.saveSnapshot({ name: 'weights.intent', version: 1, value: null });
          yield* store.read('evidence', { after: 0, limit: 10 });
        }),
      ),
    );
    expect(seen).toEqual([
      'append/round.planned/before',
      'append/round.planned/after',
      'append/plain/before',
      'append/plain/after',
      'saveSnapshot/weights.intent/before',
      'saveSnapshot/weights.intent/after',
    ]);
  });

  it('has written nothing before, and everything after', async () => {
    const lastSeqWhenDiedAt = async (point: string): Promise<number> => {
      const { value } = await inFreshStore(({ dir }) =>
        Effect.gen(function* () {
          const points = openFailPoints(failPlanOf({ MIAOAI_FAIL_POINT: `${point}@2` }), (at) => {
            throw new Error(at);
          });
          const dying = Effect.gen(function* () {
            const store = withFailPoints(yield* EmbeddedStore.open({ dir }), points);
            yield* store.append('evidence', [record('answer.judged', 'a')]);
            yield* store.append('evidence', [record('answer.judged', 'b')]);
            yield* store.append('evidence', [record('answer.judged', 'c')]);
          });
          const exit = yield* Effect.exit(Effect.scoped(dying));
          expect(String(exit)).toContain(`Die(Error: ${point})`);
          return yield* Effect.scoped(
            Effect.flatMap(EmbeddedStore.open({ dir }), (store) => store.lastSeq('evidence')),
          );
        }),
      );
      return value;
    };
    expect(await lastSeqWhenDiedAt('append/answer.judged/before')).toBe(1);
    expect(await lastSeqWhenDiedAt('append/answer.judged/after')).toBe(2);
  });

  it('reaches no point after a write that was refused', async () => {
    const { seen } = await inFreshStore(({ dir, seen: names }) =>
      Effect.scoped(
        Effect.gen(function* () {
          const points: FailPoints = { reach: (point) => names.push(point) };
          const store = withFailPoints(yield* EmbeddedStore.open({ dir }), points);
          const taken = store.saveSnapshot({ name: 'once', version: 1, value: 1, revision: 99 });
          expect((yield* Effect.flip(taken))._tag).toBe('StoreConflict');
        }),
      ),
    );
    expect(seen).toEqual(['saveSnapshot/once/before']);
  });

  it('writes a list of the points reached', () => {
    const dir = mkdtempSync(join(tmpdir(), 'miaoai-fail-points-'));
    try {
      const logFile = join(dir, 'points');
      const points = openFailPoints(failPlanOf({ MIAOAI_FAIL_POINTS_LOG: logFile }));
      points.reach('append/a/before');
      points.reach('append/a/after');
      expect(readFileSync(logFile, 'utf8')).toBe('append/a/before\nappend/a/after\n');
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });

  it.each(['append/a/before', 'append/a/before@0', '@1', 'append/a/before@x'])(
    'refuses the plan %s instead of never dying',
    (plan) => {
      expect(() => failPlanOf({ MIAOAI_FAIL_POINT: plan })).toThrow('write <point>@<n>');
    },
  );
});
