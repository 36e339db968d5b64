import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as Effect from 'effect/Effect';
import { describe, expect, it } from 'vitest';

import { prepareDataDir, resolveDataDir } from '#src/store/dataDir.ts';
import { lockDir } from '#src/store/dirLock.ts';
import { toStoreFailure } from '#src/store/errors.ts';
import { EmbeddedStore } from '#src/store/sqlite.ts';

import { failureOf, freshDir, withStore } from './openStore.ts';

const PROGRAM = fileURLToPath(new URL('./appendingProcess.ts', import.meta.url));
const question = {
  explicit: null,
  home: '/home/op',
  network: 'finney',
  netuid: 86,
  hotkey: '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY',
  role: 'miner',
} as const;

describe('store / dataDir', () => {
  it('gives every identity a folder of its own', () => {
    const base = '/home/op/.local/state/miaoai';
    expect(resolveDataDir(question)).toBe(`${base}/finney/86/${question.hotkey}/miner`);
    expect(resolveDataDir({ ...question, explicit: '/var/lib/miaoai' })).toBe('/var/lib/miaoai');
    const one = resolveDataDir({ ...question, network: 'ws://127.0.0.1:9944' });
    const two = resolveDataDir({ ...question, network: 'ws://127.0.0.1/9944' });
    expect(one).toMatch(/\/127\.0\.0\.1_9944-[0-9a-f]{8}\/86\//);
    expect(two).not.toBe(one);
    const withKey = resolveDataDir({ ...question, network: 'wss://op:hunter2@node.example:443/v1/key123' });
    expect(withKey).toMatch(/\/node\.example_443-[0-9a-f]{8}\/86\//);
    for (const network of ['..', '../..', 'wss://../x', '.'])
      expect(resolveDataDir({ ...question, network })).toMatch(/miaoai\/[^/.][^/]*\/86\/5[^/]+\/miner$/);
  });

  it('creates the folder for its owner alone', async () => {
    const dir = join(freshDir(), 'a', 'b');
    await Effect.runPromise(prepareDataDir(dir));
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    expect(statSync(join(dir, '..')).mode & 0o777).toBe(0o700);
  });

  it('refuses a folder that others may read, with the command that closes it', async () => {
    const dir = freshDir();
    chmodSync(dir, 0o750);
    const error = await failureOf(EmbeddedStore.open({ dir }));
    expect(error._tag).toBe('DataDirRefused');
    expect(error.message).toContain(`mode 0750): run  chmod 700 '${dir}'`);
    chmodSync(dir, 0o700);
    await Effect.runPromise(prepareDataDir(dir));
  });

  it('never advises to close a folder that holds other things', async () => {
    const dir = freshDir();
    writeFileSync(join(dir, 'somebody.txt'), '');
    chmodSync(dir, 0o1777);
    const error = await failureOf(prepareDataDir(dir));
    expect(error.message).toContain(
      `holds other things: choose a folder of its own, such as '${dir}/miaoai'`,
    );
    expect(error.message).not.toContain('chmod');
    await Effect.runPromise(prepareDataDir(join(dir, 'miaoai')));
  });

  it.skipIf(process.platform !== 'linux')('gives up where no folder can be made, at once', async () => {
    const error = await failureOf(prepareDataDir('/proc/nope/deeper'));
    expect(error._tag).toBe('DataDirRefused');
    expect(error.message).toMatch(/cannot use \/proc\/nope\/deeper: .*choose another --data-dir/);
  });

  it('refuses a file in place of the folder', async () => {
    const file = join(freshDir(), 'file');
    writeFileSync(file, '');
    expect((await failureOf(prepareDataDir(file)))._tag).toBe('DataDirRefused');
  });
});

describe('store / dirLock', () => {
  it('names the living process that uses the folder, and frees it with the scope', async () => {
    const dir = freshDir();
    const error = await Effect.runPromise(
      Effect.scoped(Effect.flatMap(lockDir(dir), () => Effect.flip(Effect.scoped(lockDir(dir))))),
    );
    expect(error).toMatchObject({ _tag: 'DataDirLocked', dir, pid: process.pid });
    expect(existsSync(join(dir, 'daemon.pid'))).toBe(false);
    await Effect.runPromise(Effect.scoped(lockDir(dir)));
  });

  it('holds against another process and is taken over once that process is killed', async () => {
    const dir = freshDir();
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', PROGRAM, dir, 'held'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const error = await failureOf(EmbeddedStore.open({ dir }));
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(error).toMatchObject({ _tag: 'DataDirLocked', pid: child.pid });
    expect(toStoreFailure(error)).toEqual({ _tag: 'StoreUnavailable', message: error.message });
    expect(error.message).toContain(`in use by process ${child.pid}: stop it first`);
    // The dead process could not clean up after itself.
    expect(readFileSync(join(dir, 'daemon.pid'), 'utf8')).toBe(`${child.pid}\n`);
    expect(await withStore({ dir }, (store) => store.lastSeq('answers'))).toBeGreaterThan(0);
  });
});
