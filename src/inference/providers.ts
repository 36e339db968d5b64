/**
 * Which execution provider the workers are to use.
 *
 * Looking is free of side effects and takes a millisecond: only the presence of files is checked, because loading the
 * CUDA libraries to find out would cost seconds and hundreds of megabytes in the process that serves the network.
 * Whether a provider really works is what a worker observes when it starts.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import * as Effect from 'effect/Effect';

import { CUDA_ADVICE } from './cudaAdvice.ts';
import { ProviderUnavailable } from './errors.ts';

export type Provider = 'cpu' | 'cuda';
export type RequestedProvider = 'auto' | Provider;

export type ProviderPlan = {
  readonly requested: RequestedProvider;
  readonly planned: Provider;
  /** Whether a worker may fall back to the CPU when the planned provider does not start. */
  readonly mayFallBack: boolean;
  /** Why `auto` did not choose a GPU; null when nothing was given up. */
  readonly reason: string | null;
};

/** What can be seen of a machine without touching its GPU. */
export type MachineFacts = {
  readonly platform: string;
  readonly arch: string;
  readonly hasNvidiaDriver: boolean;
  /** `libonnxruntime_providers_{shared,cuda}.so` beside the binding; not part of the npm package. */
  readonly hasCudaLibraries: boolean;
  readonly libraryDir: string | null;
};

/** Driver version file, device nodes, and the paravirtual GPU of WSL 2. */
const DRIVER_TRACES = ['/proc/driver/nvidia/version', '/dev/nvidiactl', '/dev/nvidia0', '/dev/dxg'];
const CUDA_LIBRARIES = ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so'];

const libraryDir = (): string | null => {
  try {
    const entry = createRequire(import.meta.url).resolve('onnxruntime-node');
    return join(dirname(entry), '..', 'bin', 'napi-v6', process.platform, process.arch);
  } catch {
    return null;
  }
};

/** Looks at this machine; nothing is loaded, opened or started. */
export const inspectMachine = (): MachineFacts => {
  const dir = libraryDir();
  return {
    platform: process.platform,
    arch: process.arch,
    hasNvidiaDriver: DRIVER_TRACES.some((path) => existsSync(path)),
    hasCudaLibraries: dir !== null && CUDA_LIBRARIES.every((name) => existsSync(join(dir, name))),
    libraryDir: dir,
  };
};

/** What a machine lacks for CUDA, in words; empty when nothing is known to be missing. */
export const missingForCuda = (facts: MachineFacts): readonly string[] => {
  if (facts.platform !== 'linux' || facts.arch !== 'x64') {
    return [`a CUDA build of onnxruntime-node for ${facts.platform} ${facts.arch} (there is none)`];
  }
  return [
    ...(facts.hasNvidiaDriver ? [] : ['an NVIDIA driver']),
    ...(facts.hasCudaLibraries
      ? []
      : [`${CUDA_LIBRARIES.join(' and ')} in ${facts.libraryDir ?? 'onnxruntime-node'}`]),
  ];
};

/**
 * Decides what workers start with. `cuda` that is visibly impossible fails with `ProviderUnavailable`; `auto` then
 * plans the CPU and says why.
 */
export const planProvider = (
  requested: RequestedProvider,
  facts: MachineFacts,
): Effect.Effect<ProviderPlan, ProviderUnavailable> => {
  if (requested === 'cpu')
    return Effect.succeed({ requested, planned: 'cpu', mayFallBack: false, reason: null });
  const missing = missingForCuda(facts);
  if (missing.length === 0) {
    return Effect.succeed({ requested, planned: 'cuda', mayFallBack: requested === 'auto', reason: null });
  }
  const reason = `CUDA is not available here: missing ${missing.join('; ')}`;
  if (requested === 'auto') return Effect.succeed({ requested, planned: 'cpu', mayFallBack: false, reason });
  return Effect.fail(
    new ProviderUnavailable({
      provider: requested,
      missing,
      message: `${reason}. ${CUDA_ADVICE}, or choose the provider cpu`,
    }),
  );
};
