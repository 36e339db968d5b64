import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as Effect from 'effect/Effect';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { evidenceLogName } from '#src/actors/evidenceLog.ts';
import type { EpochScored } from '#src/domain/evidence.ts';
import { decodeEvidence, evidenceKey } from '#src/domain/evidence.ts';
import { writeArchive } from '#src/store/archive.ts';
import { storeDigest } from '#src/store/exportFileContents.ts';
import { EmbeddedStore, type EmbeddedStoreHandle, openStoreReadOnly } from '#src/store/sqlite.ts';
import type { Json } from '#src/store/store.ts';
import { soundLog } from '#test/domain/evidenceBuilder.ts';
import { hasRedis, type RedisServer, startRedisServer } from '#test/support/redisServer.ts';
import { runCli } from './cliProcess.ts';
import { cliWithin } from './cliWithin.ts';

const OWNER = 'local/86/5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty/validator';

/** The log of the builder without its gaps, as a store numbers it. */
const records = soundLog({ seed: 'cli', epochs: 5 }).map(({ record }) => {
  const place = (cut: number): number => (cut === 0 ? 0 : cut / 2 + 1);
  const whole =
    record.type === 'epoch.scored'
      ? { ...record, fromSeq: place(record.fromSeq), cutSeq: place(record.cutSeq) }
      : record;
  return { key: evidenceKey(whole), value: whole as unknown as Json };
});

const scored = records.flatMap(({ value }): readonly EpochScored[] => {
  const record = decodeEvidence(value);
  return record.ok && record.value.type === 'epoch.scored' ? [record.value] : [];
});

const fill = (store: EmbeddedStoreHandle) =>
  Effect.gen(function* () {
    yield* store.append(evidenceLogName, records);
    yield* store.saveSnapshot({ name: 'machine.epoch', version: 3, value: { epoch: 12 } });
    yield* store.addTo('starts', 4);
    yield* store.useIds('task', ['a', 'b', 'c']);
  });

describe('cli / store', () => {
  const home = mkdtempSync(join(tmpdir(), 'miaoai-cli-store-'));
  let count = 0;
  const asProcess = (...args: readonly string[]) => runCli(args, { home });
  const fresh = (): string => {
    count += 1;
    return join(home, `place-${count}`);
  };
  const use = <A, E>(
    dir: string,
    work: (store: EmbeddedStoreHandle) => Effect.Effect<A, E>,
    owner = OWNER,
  ): Promise<A> => Effect.runPromise(Effect.scoped(Effect.flatMap(EmbeddedStore.open({ dir, owner }), work)));
  const filled = async (): Promise<string> => {
    const dir = fresh();
    await use(dir, fill);
    return dir;
  };
  const digestOf = (dir: string) =>
    Effect.runPromise(Effect.scoped(Effect.flatMap(openStoreReadOnly({ dir }), storeDigest)));

  afterAll(() => rmSync(home, { recursive: true, force: true }));

  it('checks a store, and finds what is wrong with it', async () => {
    const dir = await filled();
    const well = await asProcess('store', 'check', '--data-dir', dir, '--json');
    expect(well).toMatchObject({ code: 0, stderr: '' });
    const pairs = 5 * 2 * 12;
    expect(JSON.parse(well.stdout)).toMatchObject({
      owner: OWNER,
      isSound: true,
      problems: [],
      counters: { starts: 4 },
      usedIds: { task: 3 },
      snapshots: ['machine.epoch'],
      requests: { planned: pairs, open: 0, abandoned: 0, problems: [] },
    });
    const wrong = records.findIndex(({ key }) => key.startsWith('a/'));
    await use(dir, (store) =>
      store.append(evidenceLogName, [
        { key: 'a/again', value: records[wrong]?.value ?? null },
        { value: { v: 9 } },
      ]),
    );
    const ill = await cliWithin('store', 'check', '--data-dir', dir);
    expect(ill.code).toBe(1);
    expect(ill.stdout).toContain('which is not open');
    expect(ill.stdout).toContain('is no evidence');
    expect(ill.stdout).toContain('NOT SOUND');
  });

  it('backs up while a daemon writes, restores the copy, and keeps what was there', async () => {
    const dir = await filled();
    const file = join(home, 'store.backup');
    await use(dir, (store) =>
      Effect.gen(function* () {
        let isDone = false;
        const writing = Effect.gen(function* () {
          for (let index = 0; !isDone; index += 1) yield* store.append('other', [{ value: index }]);
        });
        const backup = Effect.promise(async () => {
          const made = await asProcess('store', 'backup', file, '--data-dir', dir);
          expect(made).toMatchObject({ code: 0, stdout: expect.stringContaining('checked') });
          const refused = await asProcess('store', 'restore', file, '--data-dir', dir);
          expect(refused).toMatchObject({ code: 5, stderr: expect.stringContaining('in use') });
          expect(refused.stderr).toContain('stop that daemon');
          expect(refused.stderr).not.toContain('--data-dir');
          isDone = true;
        });
        yield* Effect.all([writing, backup], { concurrency: 2 });
      }),
    );
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const restored = await cliWithin('store', 'restore', file, '--data-dir', dir, '--json');
    expect(restored.code).toBe(0);
    expect(existsSync(JSON.parse(restored.stdout).kept)).toBe(true);
    const check = await cliWithin('store', 'check', '--data-dir', dir, '--json');
    expect(JSON.parse(check.stdout).logs[0]).toMatchObject({
      name: evidenceLogName,
      records: records.length,
    });
    const told = await cliWithin('store', 'check', '--data-dir', dir);
    expect(told.stdout).toMatch(/restored from a backup at \d{4}-.*: evidence up to \d+/);
    const again = await cliWithin('store', 'backup', file, '--data-dir', dir);
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('exists already');
  });

  it('says which folder is missing, and which Redis does not answer', async () => {
    const dir = await filled();
    const missing = join(home, 'no', 'such');
    for (const command of ['export', 'backup']) {
      const ended = await cliWithin('store', command, join(missing, 'file.jsonl'), '--data-dir', dir);
      expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining(`no folder ${missing} `) });
      expect(ended.stderr).not.toContain('ENOENT');
    }
    const socket = `unix://${join(home, 'no.sock')}`;
    for (const url of ['redis://127.0.0.1:1', socket]) {
      const ended = await cliWithin('store', 'check', '--redis', url);
      expect(ended).toMatchObject({ code: 6, stderr: expect.stringContaining(`Redis at ${url}`) });
      expect(ended.stderr).toContain('check that the server runs');
    }
  });

  it('exports and imports a store, which is the same then', async () => {
    const dir = await filled();
    for (const name of [join(home, 'all.jsonl'), join(home, 'all.jsonl.gz')]) {
      const made = await use(dir, () =>
        Effect.promise(() => cliWithin('store', 'export', name, '--data-dir', dir)),
      );
      expect(made).toMatchObject({ code: 0, stdout: expect.stringContaining(`${records.length} records`) });
      const to = fresh();
      const imported = await cliWithin('store', 'import', name, '--data-dir', to);
      expect(imported).toMatchObject({ code: 0, stdout: expect.stringContaining('read back') });
      expect(await digestOf(to)).toEqual(await digestOf(dir));
      // A daemon of this identity may open it, and nobody else.
      await use(to, (store) => store.addTo('starts', 1));
      await expect(use(to, (store) => store.addTo('starts', 1), 'other/1/5F/validator')).rejects.toThrow();
    }
    expect(readdirSync(home).filter((name) => name.startsWith('.miaoai') || name.endsWith('.tmp'))).toEqual(
      [],
    );
  });

  it('imports nothing of a file that was cut off, into a store that has something, or of another owner', async () => {
    const dir = await filled();
    const whole = join(home, 'whole.jsonl');
    const cutOff = join(home, 'cut.jsonl');
    await cliWithin('store', 'export', whole, '--data-dir', dir);
    const text = readFileSync(whole, 'utf8');
    writeFileSync(cutOff, text.slice(0, text.length - 200));
    const to = fresh();
    const cut = await cliWithin('store', 'import', cutOff, '--data-dir', to);
    expect(cut).toMatchObject({ code: 1, stderr: expect.stringContaining('cut off') });
    expect(existsSync(to)).toBe(false);
    const full = await cliWithin('store', 'import', whole, '--data-dir', dir);
    expect(full).toMatchObject({ code: 1, stderr: expect.stringContaining('not empty') });
    const foreign = fresh();
    await use(foreign, () => Effect.void, 'local/1/5F/validator');
    const refused = await cliWithin('store', 'import', whole, '--data-dir', foreign, '--json');
    expect(refused.code).toBe(5);
    expect(JSON.parse(refused.stdout).error.reason).toBe('StoreForeign');
    const given = ['store', 'import', whole, '--data-dir', foreign, '--as-owner', 'local/1/5F/validator'];
    expect(await cliWithin(...given)).toMatchObject({ code: 0 });
  });

  it('tells wrong flags from a store that is not there', async () => {
    expect(await asProcess('store', 'check')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--data-dir'),
    });
    expect((await cliWithin('store', 'check', '--data-dir', 'a', '--redis', 'redis://b')).code).toBe(2);
    const wrong = await cliWithin('store', 'check', '--redis', 'http://somewhere');
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('redis://') });
    const none = await cliWithin('store', 'check', '--data-dir', fresh());
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no store') });
    expect((await asProcess('store', 'migrate', '--from', 'x')).code).toBe(2);
    const away = await cliWithin('store', 'check', '--redis', 'redis://127.0.0.1:1', '--owner', OWNER);
    expect(away).toMatchObject({ code: 6, stderr: expect.stringContaining('127.0.0.1:1') });
  });

  it('audits a log whose beginning is in the archive, and says what it cannot prove without', async () => {
    const dir = await filled();
    const cut = scored[2]?.fromSeq ?? 0;
    await use(dir, (store) =>
      Effect.gen(function* () {
        const stretch = { log: evidenceLogName, firstSeq: 1, lastSeq: cut - 1 };
        yield* writeArchive({ store, dataDir: dir, owner: OWNER, stretch, at: '2026-01-01T00:00:00.000Z' });
        yield* store.dropRecords(evidenceLogName, cut - 1);
      }),
    );
    // Graded by the judge of the builder, not by ours: what matters is which epochs are derived.
    const whole = JSON.parse((await cliWithin('audit', '--data-dir', dir, '--json')).stdout);
    expect(whole).toMatchObject({ firstSeq: 1, anchorEpoch: null, records: records.length });
    expect(whole.archives).toHaveLength(1);
    expect(whole.epochs).toHaveLength(5);
    const text = await asProcess('audit', '--data-dir', dir);
    expect(text.stdout).toContain('1 files of the archive');
    mkdirSync(join(home, 'elsewhere'), { recursive: true });
    const part = JSON.parse(
      (await cliWithin('audit', '--data-dir', dir, '--archive-dir', join(home, 'elsewhere'), '--json'))
        .stdout,
    );
    expect(part).toMatchObject({ firstSeq: cut, anchorEpoch: scored[1]?.epoch, archives: [] });
    expect(part.epochs.map(({ epoch }: EpochScored) => epoch)).toEqual(
      scored.slice(2).map(({ epoch }) => epoch),
    );
  });
});

describe.skipIf(!hasRedis)('cli / store with Redis', () => {
  const home = mkdtempSync(join(tmpdir(), 'miaoai-cli-redis-'));
  let server: RedisServer;
  const digestOf = (dir: string) =>
    Effect.runPromise(Effect.scoped(Effect.flatMap(openStoreReadOnly({ dir }), storeDigest)));
  beforeAll(async () => {
    server = await startRedisServer();
  });
  afterEach(() => server.cli('FLUSHALL'));
  afterAll(async () => {
    await server?.stop();
    rmSync(home, { recursive: true, force: true });
  });

  const make = (name: string): Promise<string> => {
    const dir = join(home, name);
    return Effect.runPromise(
      Effect.as(Effect.scoped(Effect.flatMap(EmbeddedStore.open({ dir, owner: OWNER }), fill)), dir),
    );
  };

  it('moves a store to Redis and back, with everything in it', async () => {
    const dir = await make('first');
    const file = join(home, 'redis.jsonl.gz');
    const digest = await digestOf(dir);
    const there = await runCli(['store', 'migrate', '--from', dir, '--to', server.url, '--json'], { home });
    expect(there.code, there.stderr).toBe(0);
    expect(JSON.parse(there.stdout)).toMatchObject({ owner: OWNER, to: server.url, end: digest.end });

    const moved = await cliWithin('store', 'check', '--data-dir', dir);
    expect(moved.stdout).toContain(`was moved to ${server.url}`);
    const check = await cliWithin('store', 'check', '--redis', server.url, '--json');
    expect(check.code, check.stdout).toBe(0);
    expect(JSON.parse(check.stdout)).toMatchObject({
      owner: OWNER,
      isSound: true,
      unusable: null,
      usedIds: { task: 3 },
    });
    const audited = await cliWithin('audit', '--redis', server.url, '--json');
    expect(JSON.parse(audited.stdout)).toMatchObject({ records: records.length, firstSeq: 1 });
    const toFile = ['store', 'export', file, '--redis', server.url, '--owner', OWNER];
    const exported = await runCli(toFile, { home });
    expect(exported.code, exported.stderr).toBe(0);
    expect(await cliWithin('store', 'backup', 'x', '--redis', server.url)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('store export'),
    });

    const again = await cliWithin('store', 'migrate', '--from', dir, '--to', join(home, 'third'));
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('was moved to') });
    const back = join(home, 'second');
    expect(await cliWithin('store', 'migrate', '--from', server.url, '--to', back)).toMatchObject({
      code: 0,
    });
    expect(await digestOf(back)).toEqual(digest);
    const imported = join(home, 'imported');
    expect((await runCli(['store', 'import', file, '--data-dir', imported], { home })).code).toBe(0);
    expect(await digestOf(imported)).toEqual(digest);
  });

  it('moves nothing while somebody writes, and nothing onto a store that is there', async () => {
    const dir = await make('busy');
    await Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          yield* EmbeddedStore.open({ dir, owner: OWNER });
          const locked = yield* Effect.promise(() =>
            cliWithin('store', 'migrate', '--from', dir, '--to', server.url),
          );
          expect(locked).toMatchObject({ code: 5, stderr: expect.stringContaining('in use') });
        }),
      ),
    );
    expect((await cliWithin('store', 'migrate', '--from', dir, '--to', server.url)).code).toBe(0);
    const other = await make('other');
    const full = await cliWithin('store', 'migrate', '--from', other, '--to', server.url);
    expect(full).toMatchObject({ code: 1, stderr: expect.stringContaining('not empty') });
    expect((await cliWithin('store', 'check', '--data-dir', other)).stdout).not.toContain('was moved');
  });

  it('takes used task ids and places from the Redis of the original', async () => {
    const dir = await make('taking');
    const state = '(dVused_task_ids\n(lVt1\naVa\nasVfile_positions\n(dV/data/tasks.json\nI40\nss.';
    execFileSync('redis-cli', ['-p', String(server.port), '-x', 'SET', 'state:task_state'], { input: state });
    const given = ['store', 'import-original', '--from', server.url, '--data-dir', dir];
    const taken = await runCli(given, { home });
    expect(taken).toMatchObject({ code: 0, stdout: expect.stringContaining('1 task ids of 2 are new') });
    const check = JSON.parse((await cliWithin('store', 'check', '--data-dir', dir, '--json')).stdout);
    expect(check).toMatchObject({ usedIds: { task: 4 }, snapshots: ['machine.epoch', 'original.cursors'] });
    await server.cli('FLUSHALL');
    const none = await cliWithin('store', 'import-original', '--from', server.url, '--data-dir', dir);
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('two hours') });
  });
});
