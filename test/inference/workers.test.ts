import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import * as Effect from 'effect/Effect';
import { afterAll, describe, expect, it } from 'vitest';

import { readModelFolder } from '#src/inference/manifest.ts';
import type { InitMessage, ReadyMessage } from '#src/inference/workerMessages.ts';
import type { Run, WorkerExit } from '#src/inference/workers.ts';
import { createWorker, workerEntry } from '#src/inference/workers.ts';
import { makeWorkspace, modelWith } from './modelFolders.ts';
import { isAlive } from './testPool.ts';

const workspace = makeWorkspace();
afterAll(() => workspace.dispose());

const initFor = async (
  dir: string,
  provider: Pick<InitMessage, 'provider' | 'mayFallBack'>,
): Promise<InitMessage> => {
  const { name, modelFile, inputs, logitsOutput, labels } = await Effect.runPromise(readModelFolder(dir));
  const warmUpIds = Int32Array.of(2, 8, 3);
  return {
    type: 'init',
    ...provider,
    models: [{ name, modelFile, inputs, logitsOutput, labels: labels.length, warmUpIds }],
  };
};
const CPU = { provider: 'cpu', mayFallBack: false } as const;

type End = { readonly ready: ReadyMessage | null; readonly exit: WorkerExit | null };

/** Starts a worker and waits until it is ready or has ended. */
const startOnce = (init: InitMessage, entry = workerEntry()) => {
  const ended = Promise.withResolvers<WorkerExit>();
  const first = Promise.withResolvers<End>();
  const finished: Run[] = [];
  const worker = createWorker({
    entry,
    init,
    listener: {
      ready: (ready) => first.resolve({ ready, exit: null }),
      finished: (run) => void finished.push(run),
      exited: (exit) => {
        first.resolve({ ready: null, exit });
        ended.resolve(exit);
      },
    },
  });
  worker.start();
  return { worker, first: first.promise, ended: ended.promise, finished };
};

const waitUntil = async (holds: () => boolean, limitMs: number): Promise<boolean> => {
  for (let waitedMs = 0; waitedMs < limitMs && !holds(); waitedMs += 20) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return holds();
};

describe('inference / workers', () => {
  it('reports why a model does not load', async () => {
    // The header is sound, the graph names an operator that does not exist.
    const model = modelWith((graph) => ({
      ...graph,
      nodes: graph.nodes.map((node) => (node.op === 'Gemm' ? { ...node, op: 'Gemmm' } : node)),
    }));
    const { first, worker } = startOnce(await initFor(workspace.folder({ name: 'strange', model }), CPU));
    const { exit } = await first;
    expect(exit?.reason).toMatch(/model "strange" does not load on cpu: .*Gemmm/s);
    expect(worker.state()).toBe('stopped');
  });

  it('reports scores of another shape than config.json promises before serving anything', async () => {
    const model = modelWith((graph) => ({
      ...graph,
      outputs: [{ name: 'logits', type: 'float', dims: ['batch', 'classes'] }],
    }));
    const config = { id2label: { 0: 'bad', 1: 'good' } };
    const { first } = startOnce(await initFor(workspace.folder({ model, config }), CPU));
    expect((await first).exit?.reason).toMatch(/scores 1 x 3 but 1 x 2 .* was expected: compare id2label/);
  });

  it('refuses CUDA that does not start, unless it may fall back and says so', async () => {
    const dir = workspace.folder({ name: 'gpu' });
    const strict = await startOnce(await initFor(dir, { provider: 'cuda', mayFallBack: false })).first;
    expect(strict.exit?.reason).toMatch(
      /"gpu" does not load on cuda: .*ONNXRUNTIME_NODE_INSTALL=cuda12.*provider cpu/s,
    );
    const lenient = startOnce(await initFor(dir, { provider: 'cuda', mayFallBack: true }));
    const { ready } = await lenient.first;
    expect(ready).toMatchObject({ provider: 'cpu', note: expect.stringMatching(/does not load on cuda/) });
    lenient.worker.kill('done');
    expect((await lenient.ended).reason).toBe('done');
  });

  it('reports a program that cannot be run, with what it said', async () => {
    const broken = join(workspace.root, 'broken.mjs');
    writeFileSync(broken, 'throw new Error("no luck today");');
    const init = await initFor(workspace.folder(), CPU);
    const { exit } = await startOnce(init, pathToFileURL(broken)).first;
    expect(exit?.reason).toMatch(/ended by itself with code 1; it said: .*no luck today/s);
    const missing = await startOnce(init, pathToFileURL(join(workspace.root, 'nowhere.mjs'))).first;
    expect(missing.exit?.reason).toMatch(/nowhere\.mjs/);
  });

  it('ends a worker that answers what it was not asked', async () => {
    const liar = join(workspace.root, 'liar.mjs');
    writeFileSync(
      liar,
      `process.on('message', ({ type, id }) => process.send(type === 'init'
        ? { type: 'ready', provider: 'cpu', note: null, loadMs: 1 }
        : { type: 'result', id: id + 1, logits: new Float32Array(3) }));`,
    );
    const { worker, first, ended } = startOnce(await initFor(workspace.folder(), CPU), pathToFileURL(liar));
    await first;
    const packed = { rows: 1, width: 1, ids: Int32Array.of(1), lengths: Int32Array.of(1) };
    const run: Run = {
      message: { type: 'run', id: 5, model: 0, packed },
      deadlineAt: Number.POSITIVE_INFINITY,
    };
    worker.run(run);
    expect(await ended).toMatchObject({
      reason: 'answered run 6, which it was not executing',
      current: run,
      overran: false,
    });
  });

  it('does not kill a slow model for a short deadline once it is known to be slow', async () => {
    const slow = join(workspace.root, 'slow.mjs');
    writeFileSync(
      slow,
      `process.on('message', ({ type, id }) => type === 'init'
        ? process.send({ type: 'ready', provider: 'cpu', note: null, loadMs: 1 })
        : setTimeout(() => process.send({ type: 'result', id, logits: new Float32Array(3) }), 1_200));`,
    );
    const { worker, first, ended, finished } = startOnce(
      await initFor(workspace.folder(), CPU),
      pathToFileURL(slow),
    );
    await first;
    const packed = { rows: 1, width: 1, ids: Int32Array.of(1), lengths: Int32Array.of(1) };
    const runOf = (id: number, deadlineAt: number): Run => ({
      message: { type: 'run', id, model: 0, packed },
      deadlineAt,
    });
    worker.run(runOf(1, Number.POSITIVE_INFINITY));
    expect(await waitUntil(() => finished.length === 1, 5_000)).toBe(true);
    worker.run(runOf(2, performance.now() + 50));
    expect(await waitUntil(() => finished.length === 2, 5_000)).toBe(true);
    expect(worker.state()).toBe('ready');
    worker.kill('done');
    expect((await ended).overran).toBe(false);
  });

  it('gives the worker no secrets of the environment', async () => {
    const teller = join(workspace.root, 'teller.mjs');
    writeFileSync(teller, 'process.stderr.write(Object.keys(process.env).join(" ")); process.exitCode = 3;');
    process.env['BT_WALLET_PASSWORD'] = 'secret';
    process.env['CUDA_VISIBLE_DEVICES'] = '0';
    const { exit } = await startOnce(await initFor(workspace.folder(), CPU), pathToFileURL(teller)).first;
    delete process.env['BT_WALLET_PASSWORD'];
    delete process.env['CUDA_VISIBLE_DEVICES'];
    expect(exit?.reason).toMatch(/code 3/);
    expect(exit?.reason).toMatch(/CUDA_VISIBLE_DEVICES/);
    expect(exit?.reason).not.toMatch(/WALLET/);
  });

  it('ignores the signals of a terminal and ends when its parent has disappeared', async () => {
    const dir = workspace.folder();
    const parent = fork(new URL('./orphanParent.ts', import.meta.url), [dir], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    const pid = await new Promise<number>((resolve) =>
      parent.once('message', (message) => resolve(Number(message))),
    );
    process.kill(pid, 'SIGINT');
    process.kill(pid, 'SIGTERM');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(isAlive(pid)).toBe(true);
    parent.kill('SIGKILL');
    expect(await waitUntil(() => !isAlive(pid), 5_000)).toBe(true);
  });
});
