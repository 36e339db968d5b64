import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import * as Effect from 'effect/Effect';
import { describe, expect, it } from 'vitest';

import { createExport } from '#src/store/exportFile.ts';
import { forEachEntry, importEntries, occupiedBy, storeDigest } from '#src/store/exportFileContents.ts';
import type { ExportRefused } from '#src/store/exportFileErrors.ts';
import { type ExportEntry, headerOf } from '#src/store/exportFileFormat.ts';
import { readExport } from '#src/store/exportFileReader.ts';
import type { Store } from '#src/store/store.ts';
import { failureOf, freshDir, withStore } from './openStore.ts';

const header = headerOf({ kind: 'store', owner: 'test/1/5F/validator', at: '2026-01-02T03:04:05.000Z' });

const entries: readonly ExportEntry[] = [
  { log: 'evidence', seq: 3, key: 'a', value: { text: 'schön 😀\n', list: [1, null, true] } },
  { log: 'evidence', seq: 9, key: null, value: 'second' },
  { snapshot: 'machine.epoch', version: 2, savedAtMs: 1_700_000_000_000, value: { deep: [{}] } },
  { counter: 'rounds', value: 7 },
  { set: 'task', ids: ['a', 'b'] },
];

const write = (file: string, written: readonly ExportEntry[] = entries) =>
  Effect.scoped(
    Effect.gen(function* () {
      const writer = yield* createExport({ file, header });
      yield* writer.add(written);
      const footer = yield* writer.finish;
      yield* writer.publish(file);
      return footer;
    }),
  );

const readAll = (file: string) => {
  const found: ExportEntry[] = [];
  const collect = (batch: readonly ExportEntry[]) => Effect.sync(() => void found.push(...batch));
  return Effect.map(readExport(file, collect), (summary) => ({ ...summary, found }));
};

const refusal = async (file: string): Promise<ExportRefused['reason']> =>
  (await failureOf(readExport(file))).reason;

/** What stands in a store that was used in every way. */
const fill = (store: Store) =>
  Effect.gen(function* () {
    const records = Array.from({ length: 2_500 }, (_, index) => ({ key: `k/${index}`, value: { index } }));
    yield* store.append('evidence', records);
    yield* store.append('verdicts', [{ value: 'without a key' }]);
    yield* store.dropRecords('evidence', 400);
    yield* store.saveSnapshot({ name: 'machine.epoch', version: 3, value: { epoch: 12 } });
    yield* store.saveSnapshot({ name: 'chain', version: 1, value: null });
    yield* store.addTo('rounds', 41);
    const ids = Array.from({ length: 4_096 }, (_, index) => `id-${index}`);
    yield* store.useIds('task', ids);
    yield* store.useIds('task', ['one more']);
  });

describe('store / exportFile', () => {
  it.each(['plain.jsonl', 'packed.jsonl.gz'])('gives back what was written: %s', async (name) => {
    const file = join(freshDir(), name);
    const footer = await Effect.runPromise(write(file));
    expect(footer.end).toEqual({ records: 2, snapshots: 1, counters: 1, ids: 2 });
    const back = await Effect.runPromise(readAll(file));
    expect(back).toEqual({ header, footer, found: entries });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const isPacked = readFileSync(file)[0] === 0x1f;
    expect(isPacked).toBe(name.endsWith('.gz'));
  });

  it('leaves nothing behind when it is given up, and never replaces a file', async () => {
    const dir = freshDir();
    const file = join(dir, 'store.jsonl');
    await Effect.runPromise(
      Effect.scoped(Effect.flatMap(createExport({ file, header }), ({ add }) => add(entries))),
    );
    expect(readdirSync(dir)).toEqual([]);
    writeFileSync(file, 'mine');
    expect(await failureOf(write(file))).toMatchObject({ _tag: 'ExportRefused', reason: 'exists' });
    expect(readFileSync(file, 'utf8')).toBe('mine');
    expect(readdirSync(dir)).toEqual(['store.jsonl']);
    expect(await failureOf(write(join(dir, 'none', 'x.jsonl')))).toMatchObject({ reason: 'io' });
  });

  it('recognises a file that was cut off, wherever it was cut', async () => {
    const dir = freshDir();
    const file = join(dir, 'whole.jsonl');
    await Effect.runPromise(write(file));
    const whole = readFileSync(file);
    const cut = join(dir, 'cut.jsonl');
    for (let length = 1; length < whole.length; length += 7) {
      writeFileSync(cut, whole.subarray(0, length));
      expect(['cut', 'foreign'], `cut at ${length}`).toContain(await refusal(cut));
    }
    const packed = gzipSync(whole);
    for (let length = 3; length < packed.length; length += 11) {
      writeFileSync(cut, packed.subarray(0, length));
      expect(await refusal(cut), `packed, cut at ${length}`).toBe('cut');
    }
    const lines = whole.toString('utf8').split('\n');
    writeFileSync(cut, [lines[0], ...lines.slice(2)].join('\n'));
    expect(await refusal(cut)).toBe('damaged');
  });

  it('recognises a changed, a foreign, an empty and a newer file', async () => {
    const dir = freshDir();
    const file = join(dir, 'whole.jsonl');
    await Effect.runPromise(write(file));
    const text = readFileSync(file, 'utf8');
    const variant = join(dir, 'variant');
    const refuses = async (content: string | Uint8Array): Promise<string> => {
      writeFileSync(variant, content);
      return refusal(variant);
    };
    expect(await refuses(text.replace('"second"', '"sekond"'))).toBe('damaged');
    expect(await refuses(text.replace('"counter":"rounds"', '"counter": "rounds"'))).toBe('damaged');
    expect(await refuses(text.replace('"seq":9', '"seq":-9'))).toBe('damaged');
    expect(await refuses(`${text}${text}`)).toBe('damaged');
    expect(await refuses(text.replace('"v":1', '"v":2'))).toBe('newer');
    expect(await refuses('')).toBe('foreign');
    expect(await refuses('{"format":"other"}\n')).toBe('foreign');
    expect(await refuses(readFileSync(process.execPath).subarray(0, 50_000))).toBe('foreign');
    const packed = gzipSync(text);
    packed[40] = (packed[40] ?? 0) ^ 0xff;
    expect(['damaged', 'foreign', 'cut']).toContain(await refuses(packed));
    expect(gunzipSync(gzipSync(text)).toString()).toBe(text);
    mkdirSync(join(dir, 'folder'));
    expect(await refusal(join(dir, 'folder'))).toBe('io');
    expect(await refusal(join(dir, 'none'))).toBe('io');
  });

  it('carries a whole store, so that both are equal', async () => {
    const [from, to] = [freshDir(), freshDir()];
    const file = join(freshDir(), 'store.jsonl.gz');
    const digest = await withStore({ dir: from, owner: 'o' }, (store) =>
      Effect.gen(function* () {
        yield* fill(store);
        expect(yield* occupiedBy(store)).toContain('evidence');
        const writer = yield* createExport({ file, header });
        yield* forEachEntry(store, writer.add);
        yield* writer.finish;
        yield* writer.publish(file);
        return yield* storeDigest(store);
      }),
    );
    await withStore({ dir: to, owner: 'o' }, (store) =>
      Effect.gen(function* () {
        expect(yield* occupiedBy(store)).toBeNull();
        yield* readExport(file, (batch) => importEntries(store, batch));
        expect(yield* storeDigest(store)).toEqual(digest);
        expect(digest.end).toEqual({ records: 2_101, snapshots: 2, counters: 1, ids: 4_097 });
        expect(yield* store.find('evidence', 'k/2000')).toMatchObject({ seq: 2_001 });
        expect(yield* store.useIds('task', ['id-7', 'new'])).toEqual([0]);
        const { lastSeq } = yield* store.append('evidence', [{ value: 'goes on' }]);
        expect(lastSeq).toBe(2_501);
      }),
    );
    expect(existsSync(`${file}.${process.pid}.tmp`)).toBe(false);
  });
});
