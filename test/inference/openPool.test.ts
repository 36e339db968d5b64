import * as Effect from 'effect/Effect';
import { afterAll, describe, expect, it } from 'vitest';

import type { PoolOptions } from '#src/inference/pool.ts';
import { openPool } from '#src/inference/pool.ts';
import { MAX_QUEUED_TEXTS } from '#src/inference/poolLimits.ts';
import { inspectMachine, missingForCuda } from '#src/inference/providers.ts';
import { classifierModel, makeWorkspace } from './modelFolders.ts';
import { openTestPool } from './testPool.ts';

const workspace = makeWorkspace();
const good = workspace.folder({ name: 'good' });
afterAll(() => workspace.dispose());

const open = (options: Partial<PoolOptions>) =>
  openPool({
    modelDirs: [good],
    slots: 1,
    provider: 'cpu',
    queueLimit: 10,
    onEvent: () => undefined,
    ...options,
  });
const refusal = (options: Partial<PoolOptions>) =>
  Effect.runPromise(Effect.flip(Effect.scoped(open(options))));
const canHaveCuda = missingForCuda(inspectMachine()).length === 0;

describe('inference / openPool', () => {
  it('describes its models before any worker runs', async () => {
    await using opened = await openTestPool({ modelDirs: [good], slots: 3 });
    expect(opened.pool.models.map((model) => model.name)).toEqual(['good']);
    expect(opened.pool.stats().workers).toEqual(
      Array.from({ length: 3 }, () => ({ state: 'stopped', pid: null })),
    );
    expect(() => opened.pool.startWorker(3)).toThrow(/no slot 3: the pool has 3/);
    await opened.pool.stopWorkers();
  });

  it.runIf(!canHaveCuda)('refuses CUDA on a machine without it and says what to install', async () => {
    const error = await refusal({ provider: 'cuda' });
    expect(error._tag).toBe('ProviderUnavailable');
    expect(error.message).toMatch(/CUDA is not available here: missing .*ONNXRUNTIME_NODE_INSTALL=cuda12/);
  });

  it.runIf(!canHaveCuda)('falls back to the CPU for auto and reports the reason', async () => {
    await using opened = await openTestPool({ modelDirs: [good], provider: 'auto' });
    expect(opened.pool.plan).toMatchObject({ requested: 'auto', planned: 'cpu' });
    expect(opened.pool.plan.reason).toMatch(/CUDA is not available here: missing/);
    opened.pool.startWorker(0);
    expect(await opened.event('worker.ready')).toMatchObject({ provider: 'cpu' });
  });

  it('refuses an unknown provider', async () => {
    // A value from a configuration file may be any text.
    const error = await refusal(JSON.parse('{"provider": "tpu"}'));
    expect(error).toMatchObject({ _tag: 'PoolOptionsError', option: 'provider' });
    expect(error.message).toBe('unknown provider "tpu": choose one of auto, cpu, cuda');
  });

  it.each<[Partial<PoolOptions>, RegExp]>([
    [{ slots: 0 }, /slots is 0: give a whole number from 1 to 256/],
    [{ queueLimit: Number.NaN }, /queueLimit is NaN/],
    [{ queueLimit: MAX_QUEUED_TEXTS + 1 }, /queueLimit is 8193: give a whole number from 1 to 8192/],
    [{ modelDirs: [] }, /number of modelDirs is 0/],
    [{ tokenBudget: 1.5 }, /tokenBudget is 1\.5/],
    [
      { workerEntry: new URL('file:///nowhere/worker.js') },
      /\/nowhere\/worker\.js does not exist: build the project/,
    ],
  ])('refuses %j', async (options, message) => {
    expect((await refusal(options)).message).toMatch(message);
  });

  it('refuses corrupt folders and two of one name', async () => {
    const corrupt = workspace.folder({ model: classifierModel().subarray(0, 300) });
    expect(await refusal({ modelDirs: [good, corrupt] })).toMatchObject({
      _tag: 'ModelFolderError',
      file: 'model.onnx',
    });
    const twin = makeWorkspace();
    const error = await refusal({ modelDirs: [good, twin.folder({ name: 'good' })] });
    twin.dispose();
    expect(error.message).toMatch(/have the same name: rename one of the folders/);
    expect((await refusal({ modelDirs: ['/nowhere'] })).message).toMatch(
      /no model\.onnx or onnx\/model\.onnx in \/nowhere/,
    );
  });

  it('can be stopped and started again, and does not restart while stopping', async () => {
    await using opened = await openTestPool({ modelDirs: [good] });
    opened.pool.startWorker(0);
    await opened.event('worker.ready');
    const stopped = opened.pool.stopWorkers();
    opened.pool.startWorker(0);
    await stopped;
    expect(opened.pool.stats().workers).toEqual([{ state: 'stopped', pid: null }]);
    expect(await opened.event('worker.exited')).toMatchObject({ reason: 'stopped' });
    opened.pool.startWorker(0);
    await opened.event('worker.ready', 2);
  });
});
