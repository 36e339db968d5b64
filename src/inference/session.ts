/** One ONNX Runtime session, used inside a worker process only: `run` blocks the thread that calls it. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { InferenceSession, Tensor } from 'onnxruntime-node';

import type { Provider } from './providers.ts';
import type { PackedRows } from './tensors.ts';
import { inputData, packRows } from './tensors.ts';
import type { WorkerModel } from './workerMessages.ts';

export type Session = {
  readonly provider: Provider;
  /** Which part of the graph runs elsewhere; null when none does. */
  readonly note: string | null;
  /** Class scores of a run, rows × labels. Throws when the runtime refuses or the output has another shape. */
  readonly run: (packed: PackedRows) => Promise<Float32Array>;
};

/** Names under which ONNX Runtime reports in a profile who executed a node. */
const PROVIDER_NAMES: Readonly<Record<string, Provider>> = {
  CPUExecutionProvider: 'cpu',
  CUDAExecutionProvider: 'cuda',
};

/**
 * Kernel executions per provider in an ONNX Runtime profile (a JSON list of trace events). Each node of the graph
 * leaves one `…_kernel_time` event per run with `args.provider`.
 */
export const countNodes = (profile: string): Readonly<Record<string, number>> => {
  const events: unknown = JSON.parse(profile);
  const counts: Record<string, number> = {};
  for (const event of Array.isArray(events) ? events : []) {
    const { name, args } = (event ?? {}) as { name?: unknown; args?: { provider?: unknown } };
    const provider = args?.provider;
    if (typeof name !== 'string' || !name.endsWith('_kernel_time') || typeof provider !== 'string') continue;
    counts[provider] = (counts[provider] ?? 0) + 1;
  }
  return counts;
};

/** Turns the counts into what is reported: a GPU counts only if a node really ran on it. */
export const observedProvider = (
  counts: Readonly<Record<string, number>>,
): { readonly provider: Provider; readonly note: string | null } => {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const onGpu = Object.entries(counts)
    .filter(([name]) => PROVIDER_NAMES[name] === 'cuda')
    .reduce((sum, [, count]) => sum + count, 0);
  if (onGpu === 0) return { provider: 'cpu', note: null };
  return {
    provider: 'cuda',
    note: onGpu === total ? null : `${total - onGpu} of ${total} nodes run on the CPU`,
  };
};

/** One thread per process: several processes scale, several threads in one fall apart as soon as neighbours work. */
const sessionOptions = (
  provider: Provider,
  profilePrefix: string | null,
): InferenceSession.SessionOptions => ({
  executionProviders: [provider],
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
  logSeverityLevel: 3,
  ...(profilePrefix === null ? {} : { enableProfiling: true, profileFilePrefix: profilePrefix }),
});

const toFloat32 = (
  tensor: Tensor | undefined,
  wanted: { readonly rows: number; readonly labels: number },
): Float32Array => {
  if (tensor === undefined) throw new Error('the model gave no class scores');
  const { data, dims } = tensor;
  if (dims.length !== 2 || dims[0] !== wanted.rows || dims[1] !== wanted.labels) {
    throw new Error(
      `the model scores ${dims.join(' x ')} but ${wanted.rows} x ${wanted.labels} (texts x labels) was expected: ` +
        'compare id2label in config.json with the model',
    );
  }
  if (data instanceof Float32Array) return data;
  if (tensor.type === 'float16' || tensor.type === 'float64')
    return Float32Array.from(data as Iterable<number>);
  throw new Error(`the model scores as ${tensor.type}: only float outputs can be read`);
};

const runOnce = async (
  session: InferenceSession,
  model: WorkerModel,
  packed: PackedRows,
): Promise<Float32Array> => {
  const shape = [packed.rows, packed.width];
  const feeds: Record<string, Tensor> = {};
  for (const input of model.inputs) {
    feeds[input.name] = new Tensor(
      input.elementType,
      inputData(input.name, input.elementType, packed),
      shape,
    );
  }
  const outputs = await session.run(feeds, [model.logitsOutput]);
  return toFloat32(outputs[model.logitsOutput], { rows: packed.rows, labels: model.labels });
};

const readProfile = async (dir: string): Promise<string> => {
  const [file] = await readdir(dir);
  if (file === undefined) throw new Error('the runtime wrote no profile');
  return readFile(join(dir, file), 'utf8');
};

/** Runs once with the profiler on and reads from the profile which provider did the work. */
const openObserved = async (model: WorkerModel, provider: Provider, warmUp: PackedRows) => {
  const dir = await mkdtemp(join(tmpdir(), 'miaoai-profile-'));
  try {
    const session = await InferenceSession.create(
      model.modelFile,
      sessionOptions(provider, join(dir, 'ort')),
    );
    await runOnce(session, model, warmUp);
    session.endProfiling();
    return { session, ...observedProvider(countNodes(await readProfile(dir))) };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
};

/**
 * Loads a model and runs it once. `observe` finds out which provider executes the nodes; without it only the CPU is
 * registered, so that it is the CPU by construction. Throws what the runtime throws.
 */
export const openSession = async (
  model: WorkerModel,
  provider: Provider,
  observe: boolean,
): Promise<Session> => {
  const warmUp = packRows([model.warmUpIds], 0);
  if (observe) {
    const { session, provider: observed, note } = await openObserved(model, provider, warmUp);
    return { provider: observed, note, run: (packed) => runOnce(session, model, packed) };
  }
  const session = await InferenceSession.create(model.modelFile, sessionOptions('cpu', null));
  await runOnce(session, model, warmUp);
  return { provider: 'cpu', note: null, run: (packed) => runOnce(session, model, packed) };
};
