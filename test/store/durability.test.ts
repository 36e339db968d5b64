import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import * as Effect from 'effect/Effect';
import { describe, expect, it } from 'vitest';

import { openStoreReadOnly } from '#src/store/sqlite.ts';
import type { StoredRecord, StoreReader } from '#src/store/store.ts';

import { freshDir, withStore } from './openStore.ts';

const ROUNDS = 10;
const PROGRAM = fileURLToPath(new URL('./appendingProcess.ts', import.meta.url));

/** Runs the appending process, kills it without warning some time after its first word, and tells what it acknowledged. */
const appendUntilKilled = async (dir: string, prefix: string, lifeMs: number): Promise<readonly string[]> => {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', PROGRAM, dir, prefix], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const closed = once(child, 'close');
  await Promise.race([once(child.stdout, 'data'), closed]);
  await pause(lifeMs);
  child.kill('SIGKILL');
  await closed;
  // The last line may be cut in the middle of a key.
  return said.split('\n').slice(0, -1);
};

const readAll = (store: StoreReader) =>
  Effect.gen(function* () {
    const all: StoredRecord[] = [];
    for (;;) {
      const page = yield* store.read('answers', { after: all.at(-1)?.seq ?? 0, limit: 10_000 });
      if (page.length === 0) return all;
      all.push(...page);
    }
  });

describe('store / durability', () => {
  it('loses nothing it acknowledged when its process is killed, leaves no gap and can be taken over', async () => {
    const dir = freshDir();
    const acknowledged: string[] = [];
    for (let round = 0; round < ROUNDS; round += 1)
      acknowledged.push(...(await appendUntilKilled(dir, `round${round}`, 10 + round * 7)));

    const records = await Effect.runPromise(
      Effect.scoped(Effect.flatMap(openStoreReadOnly({ dir }), (store) => readAll(store))),
    );
    const stored = new Set(records.map(({ key }) => key));
    expect(new Set(acknowledged.map((key) => key.split('/')[0])).size).toBe(ROUNDS);
    expect(acknowledged.filter((key) => !stored.has(key))).toEqual([]);
    expect(records.every(({ seq }, index) => seq === index + 1)).toBe(true);
    expect(records.every(({ key, value }) => JSON.stringify(value) === JSON.stringify({ key }))).toBe(true);
    // What each writer wrote is there in its order, without a hole.
    const counts = new Map<string, number>();
    for (const { key } of records) {
      const [round = '', writer = '', count = ''] = (key ?? '').split('/');
      expect(Number(count)).toBe(counts.get(`${round}/${writer}`) ?? 0);
      counts.set(`${round}/${writer}`, Number(count) + 1);
    }

    // A client whose acknowledgement was lost in a crash repeats its appends.
    const again = acknowledged.slice(0, 500).map((key) => ({ key, value: null }));
    const repeated = await withStore({ dir }, (store) => store.append('answers', again));
    expect(repeated.duplicates).toHaveLength(again.length);
  });
});
