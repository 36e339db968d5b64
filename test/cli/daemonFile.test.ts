import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as Effect from 'effect/Effect';
import { afterAll, describe, expect, it } from 'vitest';

import { isDaemonRunning, writeDaemonFile } from '#src/daemonFile.ts';
import { lockDir, shareDir } from '#src/store/dirLock.ts';

const dirs: string[] = [];
const freshDir = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'miaoai-daemon-file-'));
  dirs.push(dir);
  return dir;
};
const control = 'c'.repeat(43);
const file = { pid: process.pid, url: 'http://127.0.0.1:1', control };

describe('cli / daemonFile', () => {
  afterAll(() => {
    for (const dir of dirs) rmSync(dir, { recursive: true, force: true });
  });

  it.each([
    ['alone', lockDir],
    ['together with others', shareDir],
  ])('knows of a daemon without a page that has the folder %s', async (_how, take) => {
    const dir = freshDir();
    expect(isDaemonRunning(dir)).toBe(false);
    const asked = Effect.map(take(dir), () => [isDaemonRunning(dir), isDaemonRunning(dir)]);
    expect(await Effect.runPromise(Effect.scoped(asked))).toEqual([true, true]);
    expect(isDaemonRunning(dir)).toBe(false);
  });

  it('knows of one that only its page tells of', async () => {
    const dir = freshDir();
    const asked = Effect.map(shareDir(dir), () => {
      // The first of those that share the folder had its number there, and is gone.
      rmSync(join(dir, 'daemon.pid'));
      writeDaemonFile(dir, file);
      return isDaemonRunning(dir);
    });
    expect(await Effect.runPromise(Effect.scoped(asked))).toBe(true);
  });

  it('does not take a process that has the number of a dead daemon for one', async () => {
    const dir = freshDir();
    await Effect.runPromise(Effect.scoped(lockDir(dir)));
    writeFileSync(join(dir, 'daemon.pid'), `${process.pid}\n`);
    writeDaemonFile(dir, file);
    expect(isDaemonRunning(dir)).toBe(false);
  });
});
