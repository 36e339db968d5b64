import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as Effect from 'effect/Effect';
import * as Fiber from 'effect/Fiber';
import { afterEach, describe, expect, it } from 'vitest';

import { diagnose, toCommitFailure } from '#src/store/diskTrouble.ts';
import { EmbeddedStore } from '#src/store/sqlite.ts';

import { failureOf, freshDir, withStore } from './openStore.ts';

const mounted: string[] = [];

afterEach(() => {
  for (const path of mounted.splice(0).reverse()) spawnSync('umount', [path]);
});

const mount = (...args: readonly string[]): boolean => spawnSync('mount', args).status === 0;

/** A small file system in memory of its own. */
const mountSmall = (): string | null => {
  const path = freshDir();
  if (!mount('-t', 'tmpfs', '-o', 'size=1536k,mode=700', 'tmpfs', path)) return null;
  mounted.push(path);
  return path;
};

/** Mounting needs root, and a kernel that lets it. */
const canMount = (() => {
  const probe = freshDir();
  const isMounted = mount('-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', probe);
  if (isMounted) execFileSync('umount', [probe]);
  return isMounted;
})();

const sqliteError = (errcode: number) => Object.assign(new Error('words of SQLite'), { errcode });

describe('store / diskTrouble', () => {
  it('names each error of SQLite by what the operator sees', () => {
    const file = join(freshDir(), 'store.sqlite');
    const kinds = [13, 5, 6, 15, 7, 8, 10, 266, 14].map((code) => {
      const failure = toCommitFailure(sqliteError(code), file);
      return failure.kind === 'trouble' ? failure.trouble : failure.kind;
    });
    expect(kinds).toEqual([
      'full',
      'slow',
      'slow',
      'slow',
      'memory',
      'readOnly',
      'failed',
      'failed',
      'failed',
    ]);
    for (const code of [11, 26]) expect(toCommitFailure(sqliteError(code), file).kind).toBe('corrupt');
    // A constraint, or a defect of ours, is no trouble of the disk: waiting would not help.
    expect(toCommitFailure(sqliteError(19), file).kind).toBe('refused');
    expect(toCommitFailure(new TypeError('a defect'), file).kind).toBe('refused');
  });

  it('sees that no file can be opened any more', () => {
    const program = fileURLToPath(new URL('./descriptorProcess.ts', import.meta.url));
    const command = `ulimit -n 64 && exec '${process.execPath}' --disable-warning=ExperimentalWarning '${program}' '${freshDir()}'`;
    expect(execFileSync('sh', ['-c', command], { encoding: 'utf8' }).trim()).toBe('descriptors');
  });

  it.skipIf(!canMount)(
    'sees a file system mounted read-only, and refuses to open a store on it',
    async () => {
      const dir = freshDir();
      mkdirSync(join(dir, 'data'), { mode: 0o700 });
      expect(mount('--bind', dir, dir)).toBe(true);
      mounted.push(dir);
      expect(mount('-o', 'remount,bind,ro', dir)).toBe(true);
      expect(diagnose(join(dir, 'data', 'store.sqlite'))).toBe('readOnly');
      expect(toCommitFailure(sqliteError(778), join(dir, 'data', 'store.sqlite'))).toMatchObject({
        kind: 'trouble',
        trouble: 'readOnly',
      });
      const error = await failureOf(EmbeddedStore.open({ dir: join(dir, 'data') }));
      expect(error._tag).toBe('DataDirRefused');
      expect(error.message).toContain('writable');
    },
  );

  it.skipIf(!canMount)(
    'holds writes on a full disk, goes on reading, and writes all of them in order once there is room',
    async () => {
      const dir = mountSmall() ?? '';
      await withStore({ dir }, (store) =>
        Effect.gen(function* () {
          const troubles: string[] = [];
          store.onHealth((health) => void troubles.push(health.isWell ? 'well' : health.trouble));
          const writing = yield* Effect.forkChild(
            Effect.all(
              Array.from({ length: 200 }, (_, n) =>
                store.append('log', [{ key: `k${n}`, value: 'x'.repeat(20_000) }]),
              ),
              { concurrency: 'unbounded' },
            ),
          );
          while (store.health().isWell) yield* Effect.sleep(5);
          expect(store.health()).toMatchObject({ isWell: false, trouble: 'full' });
          const before = yield* store.lastSeq('log');
          expect(before).toBeLessThan(200);
          expect((yield* store.read('log', { after: 0, limit: 500 })).length).toBeLessThanOrEqual(before);
          expect((yield* Effect.flip(store.probe))._tag).toMatch(/^Store(Unavailable|Full)$/);
          expect(mount('-o', 'remount,size=32m', dir)).toBe(true);
          const appended = yield* Fiber.join(writing);
          expect(appended.map(({ lastSeq }) => lastSeq)).toEqual(
            Array.from({ length: 200 }, (_, n) => n + 1),
          );
          yield* store.probe;
          expect(store.health()).toEqual({ isWell: true });
          expect([troubles[0], troubles.at(-1)]).toEqual(['full', 'well']);
        }),
      );
      await withStore({ dir }, (store) =>
        Effect.gen(function* () {
          expect(yield* store.lastSeq('log')).toBe(200);
        }),
      );
    },
  );

  it.skipIf(!canMount)('says that the disk is full when the patience of a write is over', async () => {
    const dir = mountSmall() ?? '';
    await withStore({ dir, patienceMs: 300 }, (store) =>
      Effect.gen(function* () {
        const large = { value: 'x'.repeat(900_000) };
        const results = yield* Effect.all(
          Array.from({ length: 3 }, () => Effect.result(store.append('log', [large]))),
        );
        const last = results.at(-1);
        expect(last).toMatchObject({ _tag: 'Failure', failure: { _tag: 'StoreFull', where: 'disk' } });
        // What fits is written as soon as nobody waits for more.
        const stored = yield* store.lastSeq('log');
        expect((yield* store.append('log', [{ value: 'small' }])).lastSeq).toBe(stored + 1);
      }),
    );
  });
});
