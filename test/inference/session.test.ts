import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';

import * as Effect from 'effect/Effect';
import { afterAll, describe, expect, it } from 'vitest';

import { readModelFolder } from '#src/inference/manifest.ts';
import { countNodes, observedProvider, openSession } from '#src/inference/session.ts';
import { packRows } from '#src/inference/tensors.ts';
import { makeWorkspace, modelWith } from './modelFolders.ts';

const workspace = makeWorkspace();
// Profiles of other processes must not be seen here.
process.env['TMPDIR'] = workspace.root;
afterAll(() => workspace.dispose());

const workerModel = async (model?: Buffer) => {
  const dir = workspace.folder(model === undefined ? {} : { model });
  const { name, modelFile, inputs, logitsOutput, labels } = await Effect.runPromise(readModelFolder(dir));
  return { name, modelFile, inputs, logitsOutput, labels: labels.length, warmUpIds: Int32Array.of(2, 8, 3) };
};
const profiles = () => readdirSync(tmpdir()).filter((name) => name.startsWith('miaoai-profile-'));

describe('inference / session', () => {
  it('observes from a real profile which provider ran the nodes, and leaves no file', async () => {
    const session = await openSession(await workerModel(), 'cpu', true);
    expect(session).toMatchObject({ provider: 'cpu', note: null });
    expect(profiles()).toEqual([]);
    const logits = await session.run(packRows([Int32Array.of(2, 8, 3), Int32Array.of(2, 4, 4, 3)], 0));
    expect(logits).toHaveLength(6);
    expect(logits[2]).toBeGreaterThan(logits[0] ?? 0);
  });

  it('counts kernels per provider and reports a mixed graph', () => {
    const event = (name: string, provider?: string) => ({
      cat: 'Node',
      name,
      args: provider ? { provider } : {},
    });
    const profile = JSON.stringify([
      event('session_initialization'),
      event('MatMul_1_fence_before'),
      event('MatMul_1_kernel_time', 'CUDAExecutionProvider'),
      event('MatMul_2_kernel_time', 'CUDAExecutionProvider'),
      event('Shape_3_kernel_time', 'CPUExecutionProvider'),
    ]);
    const counts = countNodes(profile);
    expect(counts).toEqual({ CUDAExecutionProvider: 2, CPUExecutionProvider: 1 });
    expect(observedProvider(counts)).toEqual({ provider: 'cuda', note: '1 of 3 nodes run on the CPU' });
    expect(observedProvider({ CUDAExecutionProvider: 2 })).toEqual({ provider: 'cuda', note: null });
    expect(observedProvider({ CPUExecutionProvider: 3 }).provider).toBe('cpu');
  });

  it('throws what the runtime says of a graph it does not accept, with and without the profiler', async () => {
    const model = modelWith((graph) => ({ ...graph, initializers: graph.initializers.slice(1) }));
    await expect(openSession(await workerModel(model), 'cpu', false)).rejects.toThrow(/embedding/);
    await expect(openSession(await workerModel(model), 'cpu', true)).rejects.toThrow(/embedding/);
    expect(profiles()).toEqual([]);
  });
});
