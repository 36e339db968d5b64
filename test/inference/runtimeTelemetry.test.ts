/**
 * ONNX Runtime has reported to its maker by default since 1.29, also from Linux and macOS: each worker left a device id
 * and a queue of events in the home folder and files in TMPDIR, and tried to upload them.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, describe, expect, it } from 'vitest';

import { makeWorkspace } from './modelFolders.ts';
import { openTestPool } from './testPool.ts';

const workspace = makeWorkspace();
const home = mkdtempSync(join(tmpdir(), 'miaoai-home-'));
const { HOME, TMPDIR } = process.env;
afterAll(() => {
  workspace.dispose();
  rmSync(home, { recursive: true, force: true });
});

describe('inference / runtimeTelemetry', () => {
  it('runs models without leaving anything in the home folder or among temporary files', async () => {
    Object.assign(process.env, { HOME: home, TMPDIR: home });
    try {
      await using opened = await openTestPool({ modelDirs: [workspace.folder({ name: 'silent' })] });
      opened.pool.startWorker(0);
      await opened.event('worker.ready');
    } finally {
      Object.assign(process.env, { HOME, TMPDIR });
      if (TMPDIR === undefined) delete process.env['TMPDIR'];
    }
    expect(readdirSync(home, { recursive: true })).toEqual([]);
  });
});
