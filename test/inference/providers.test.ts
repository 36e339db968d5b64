import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';

import * as Effect from 'effect/Effect';
import { describe, expect, it } from 'vitest';

import { CUDA_ADVICE } from '#src/inference/cudaAdvice.ts';
import type { MachineFacts } from '#src/inference/providers.ts';
import { inspectMachine, planProvider } from '#src/inference/providers.ts';

const GPU_MACHINE: MachineFacts = {
  platform: 'linux',
  arch: 'x64',
  hasNvidiaDriver: true,
  hasCudaLibraries: true,
  libraryDir: '/lib',
};
const plan = (requested: 'auto' | 'cpu' | 'cuda', facts: MachineFacts) =>
  Effect.runSync(planProvider(requested, facts));
const refusal = (facts: MachineFacts) => Effect.runSync(Effect.flip(planProvider('cuda', facts)));

describe('inference / providers', () => {
  it('plans CUDA where driver and libraries are present, and lets only auto fall back', () => {
    expect(plan('auto', GPU_MACHINE)).toEqual({
      requested: 'auto',
      planned: 'cuda',
      mayFallBack: true,
      reason: null,
    });
    expect(plan('cuda', GPU_MACHINE)).toEqual({
      requested: 'cuda',
      planned: 'cuda',
      mayFallBack: false,
      reason: null,
    });
    expect(plan('cpu', GPU_MACHINE).planned).toBe('cpu');
  });

  it('says why auto chose the CPU', () => {
    const chosen = plan('auto', { ...GPU_MACHINE, hasCudaLibraries: false });
    expect(chosen.planned).toBe('cpu');
    expect(chosen.reason).toMatch(/missing libonnxruntime_providers_shared.so and .*cuda.so in \/lib/);
  });

  it('refuses CUDA with what is missing and what to install', () => {
    const error = refusal({ ...GPU_MACHINE, hasNvidiaDriver: false });
    expect(error.missing).toEqual(['an NVIDIA driver']);
    expect(error.message).toMatch(/NVIDIA driver.*ONNXRUNTIME_NODE_INSTALL=cuda12 node /);
    expect(refusal({ ...GPU_MACHINE, platform: 'darwin', arch: 'arm64' }).message).toMatch(
      /darwin arm64 \(there is none\)/,
    );
  });

  it('advises an install script that exists, not npm rebuild, which allowScripts turns off', () => {
    const [, script = ''] = /ONNXRUNTIME_NODE_INSTALL=cuda12 node (\S+)"/.exec(CUDA_ADVICE) ?? [];
    // `skip` ends the script before it loads anything from the network, but after everything it needs was found.
    const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
    expect(spawnSync(process.execPath, [script], { env }).status).toBe(0);
    const manifest: { readonly allowScripts: unknown } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect(manifest.allowScripts).toMatchObject({ 'onnxruntime-node': false });
    expect(CUDA_ADVICE).not.toContain('npm rebuild');
  });

  it('looks at this machine quickly and without loading the runtime', () => {
    const facts = inspectMachine();
    const startedAt = performance.now();
    for (let time = 0; time < 10; time += 1) inspectMachine();
    expect((performance.now() - startedAt) / 10).toBeLessThan(50);
    expect(facts.libraryDir).toMatch(/onnxruntime-node/);
    const shared = process.report.getReport() as { sharedObjects?: readonly string[] };
    expect((shared.sharedObjects ?? []).some((path) => path.includes('libonnxruntime'))).toBe(false);
  });
});
