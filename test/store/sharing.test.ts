import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import * as Effect from 'effect/Effect';
import * as Exit from 'effect/Exit';
import * as Scope from 'effect/Scope';
import { describe, expect, it } from 'vitest';

import { lockDir } from '#src/store/dirLock.ts';
import { tryHolderLock } from '#src/store/holderLock.ts';
import { EmbeddedStore } from '#src/store/sqlite.ts';
import type { StoredRecord } from '#src/store/store.ts';

import { failureOf, freshDir, withStore } from './openStore.ts';

const PROGRAM = fileURLToPath(new URL('./sharingProcess.ts', import.meta.url));

/** Another process on the same folder; answers each line it is given with one of its own. */
const startOther = (dir: string) => {
  const child: ChildProcess = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', PROGRAM, dir],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  let said = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  let read = 0;
  const line = async (): Promise<string> => {
    for (;;) {
      const end = said.indexOf('\n', read);
      if (end >= 0) {
        const answer = said.slice(read, end);
        read = end + 1;
        return answer;
      }
      await once(child.stdout ?? child, 'data');
    }
  };
  return {
    child,
    line,
    ask: (command: string): Promise<string> => {
      child.stdin?.write(`${command}\n`);
      return line();
    },
    kill: async (): Promise<void> => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const closed = once(child, 'close');
      child.kill('SIGKILL');
      await closed;
    },
  };
};

describe('store / sharing', () => {
  it('gives two processes that write to one log numbers without a gap, whoever wrote last', async () => {
    const dir = freshDir();
    const other = startOther(dir);
    try {
      expect(await other.line()).toBe('open');
      await withStore({ dir, shared: true }, (store) =>
        Effect.gen(function* () {
          for (let round = 0; round < 5; round += 1) {
            yield* store.append('log', [{ key: `here ${round}`, value: round }]);
            expect(yield* Effect.promise(() => other.ask(`append there-${round}`))).toBe(`${round * 2 + 2}`);
          }
          yield* store.dropRecords('log', 3);
          expect(yield* Effect.promise(() => other.ask('append last'))).toBe('11');
          // Both at once, from many fibers and from the other process.
          const [mine] = yield* Effect.all(
            [
              Effect.all(
                Array.from({ length: 400 }, (_, n) => store.append('log', [{ key: `mine ${n}`, value: n }])),
                { concurrency: 'unbounded' },
              ),
              Effect.promise(() => other.ask('many 400')),
            ],
            { concurrency: 'unbounded' },
          );
          expect(mine).toHaveLength(400);
          const all: StoredRecord[] = [...(yield* store.read('log', { after: 0, limit: 10_000 }))];
          expect(all.map(({ seq }) => seq)).toEqual(Array.from({ length: 808 }, (_, n) => n + 4));
          expect((yield* store.logs)[0]).toMatchObject({ firstSeq: 4, lastSeq: 811, records: 808 });
        }),
      );
    } finally {
      await other.kill();
    }
  });

  it('keeps those out who need the folder alone, and is kept out by them', async () => {
    const dir = freshDir();
    const scope = Scope.makeUnsafe();
    await Effect.runPromise(Scope.provide(EmbeddedStore.open({ dir, shared: true }), scope));
    expect((await failureOf(EmbeddedStore.open({ dir })))._tag).toBe('DataDirLocked');
    const other = startOther(dir);
    expect(await other.line()).toBe('open');
    other.child.stdin?.end();
    await once(other.child, 'close');
    // The one that came later and left has not taken the name of the first with it.
    expect(await failureOf(lockDir(dir))).toMatchObject({ _tag: 'DataDirLocked', pid: process.pid });
    await Effect.runPromise(Scope.close(scope, Exit.void));
    await Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          yield* lockDir(dir);
          const error = yield* Effect.flip(EmbeddedStore.open({ dir, shared: true }));
          expect(error._tag).toBe('DataDirLocked');
        }),
      ),
    );
  });

  it('tells at once that the holder is dead, and not before', async () => {
    const dir = freshDir();
    const other = startOther(dir);
    const tryIt = () => Effect.runPromise(Effect.scoped(tryHolderLock(dir)));
    try {
      expect(await other.line()).toBe('open');
      expect(await tryIt()).toBe(true);
      expect(await other.ask('hold')).toBe('true');
      expect(await tryIt()).toBe(false);
      other.child.kill('SIGSTOP');
      expect(await tryIt()).toBe(false);
      await other.kill();
      expect(await tryIt()).toBe(true);
      // Held until the scope closes, also against this process itself.
      await Effect.runPromise(
        Effect.scoped(
          Effect.gen(function* () {
            expect(yield* tryHolderLock(dir)).toBe(true);
            expect(yield* tryHolderLock(dir)).toBe(false);
          }),
        ),
      );
    } finally {
      await other.kill();
    }
  });
});
