/**
 * A pool of inference workers: texts in, distributions over labels out.
 *
 * Every worker hosts every model of the pool. The models of one miner are few and of moderate size, and this way any
 * free worker can take the oldest text whatever its model, so that none idles while another has a queue. The price is
 * memory: slots × models. A miner with large models opens one pool per model instead.
 */
import { existsSync } from 'node:fs';

import * as Effect from 'effect/Effect';
import type * as Scope from 'effect/Scope';

import type { InferenceFailure } from '../domain/inferenceFailure.ts';
import type { Outcome } from '../domain/outcome.ts';
import { fail } from '../domain/outcome.ts';
import type { Dispatch, Distribution, LoadedModel, OnRun, PoolEvent, Slot } from './dispatch.ts';
import { abandonRuns, createDispatch, failQueued, finishRun, pump, submit } from './dispatch.ts';
import type { InferenceError } from './errors.ts';
import { ModelFolderError, PoolOptionsError } from './errors.ts';
import type { ModelManifest } from './manifest.ts';
import { readModelFolder } from './manifest.ts';
import { MAX_QUEUED_TEXTS, MAX_WORKERS } from './poolLimits.ts';
import type { ProviderPlan, RequestedProvider } from './providers.ts';
import { inspectMachine, planProvider } from './providers.ts';
import { loadTokenizer } from './tokenizer.ts';
import type { InitMessage } from './workerMessages.ts';
import type { WorkerState } from './workers.ts';
import { createWorker, workerEntry } from './workers.ts';

export type { Distribution, PoolEvent } from './dispatch.ts';

export type ClassifyRequest = {
  readonly text: string;
  /** When the answer stops being wanted: monotonic milliseconds, `performance.now()`. */
  readonly deadlineAt: number;
  /** Whose text it is: clients take turns in the queue. Texts without one belong to one client. */
  readonly client?: string;
  /** Told when the text waited and ran, before it is answered; not told where it failed. */
  readonly onRun?: OnRun;
};

export type PoolStats = {
  /** Texts that wait for a worker, and texts in runs handed to one. */
  readonly queued: number;
  readonly running: number;
  /** Since the pool opened: answered, refused as busy, expired in the queue, failed. */
  readonly served: number;
  readonly refused: number;
  readonly expired: number;
  readonly failed: number;
  /** Runs handed to workers; texts per run show how well batching works. */
  readonly runs: number;
  /** Tokens of texts that were handed to workers, without padding. */
  readonly tokens: number;
  /** Index = slot. */
  readonly workers: readonly { readonly state: WorkerState; readonly pid: number | null }[];
};

export interface InferencePool {
  readonly models: readonly ModelManifest[];
  /** Texts that may wait. */
  readonly queueLimit: number;
  /** What the workers are told to use; `reason` says why `auto` chose the CPU. */
  readonly plan: ProviderPlan;
  /**
   * Starts the process of a slot; `worker.ready` or `worker.exited` follows. Does nothing while there is one, while
   * workers are being stopped, or after the scope has closed. Throws `RangeError` for a slot that does not exist.
   */
  startWorker(slot: number): void;
  /** Ends all processes at once and answers what was waiting as `Failed`; resolves when none is left. */
  stopWorkers(): Promise<void>;
  /**
   * Probabilities of one text, in the order of the model's labels: a distribution for a single-label model,
   * independent ones for a multi-label model (`manifest.activation`). Answers by the deadline, never rejects.
   */
  classify(modelName: string, request: ClassifyRequest): Promise<Outcome<Distribution, InferenceFailure>>;
  stats(): PoolStats;
}

export type PoolOptions = {
  readonly modelDirs: readonly string[];
  /** Worker processes; one per core on a CPU, one or two on a GPU. */
  readonly slots: number;
  readonly provider: RequestedProvider;
  /** Texts that may wait; one more is answered `Busy`. */
  readonly queueLimit: number;
  readonly onEvent: (event: PoolEvent) => void;
  /** Tokens per run; 256 on a CPU and 2,048 on a GPU unless given. The GPU's is a guess: measure with your model. */
  readonly tokenBudget?: number;
  /** The worker's program, where it does not lie beside this file. */
  readonly workerEntry?: URL;
};

const MODELS_LIMIT = 64;
const TOKEN_BUDGET_LIMIT = 65_536;

const checkWhole = (option: string, value: number, most: number): Effect.Effect<void, PoolOptionsError> =>
  Number.isInteger(value) && value >= 1 && value <= most
    ? Effect.void
    : Effect.fail(
        new PoolOptionsError({
          option,
          message: `${option} is ${value}: give a whole number from 1 to ${most}`,
        }),
      );

const PROVIDERS: readonly string[] = ['auto', 'cpu', 'cuda'];

const checkOptions = Effect.fnUntraced(function* (options: PoolOptions, entry: URL) {
  yield* checkWhole('slots', options.slots, MAX_WORKERS);
  yield* checkWhole('queueLimit', options.queueLimit, MAX_QUEUED_TEXTS);
  yield* checkWhole('number of modelDirs', options.modelDirs.length, MODELS_LIMIT);
  if (options.tokenBudget !== undefined)
    yield* checkWhole('tokenBudget', options.tokenBudget, TOKEN_BUDGET_LIMIT);
  if (!PROVIDERS.includes(options.provider)) {
    const message = `unknown provider "${options.provider}": choose one of ${PROVIDERS.join(', ')}`;
    return yield* new PoolOptionsError({ option: 'provider', message });
  }
  if (!existsSync(entry)) {
    const message = `the worker program ${entry.pathname} does not exist: build the project first (npm run build)`;
    return yield* new PoolOptionsError({ option: 'workerEntry', message });
  }
});

const loadModels = Effect.fnUntraced(function* (modelDirs: readonly string[]) {
  const models: LoadedModel[] = [];
  for (const dir of modelDirs) {
    const manifest = yield* readModelFolder(dir);
    const same = models.find((model) => model.manifest.name === manifest.name);
    if (same !== undefined) {
      const message = `${manifest.dir} and ${same.manifest.dir} have the same name: rename one of the folders`;
      return yield* new ModelFolderError({ dir: manifest.dir, file: '.', message });
    }
    models.push({ index: models.length, manifest, tokenizer: yield* loadTokenizer(manifest) });
  }
  return models;
});

const WARM_UP_TEXT = 'warm up';

const initMessage = (models: readonly LoadedModel[], plan: ProviderPlan): InitMessage => ({
  type: 'init',
  provider: plan.planned,
  mayFallBack: plan.mayFallBack,
  models: models.map(({ manifest, tokenizer }) => {
    const warmUp = tokenizer.encode(WARM_UP_TEXT);
    return {
      name: manifest.name,
      modelFile: manifest.modelFile,
      inputs: manifest.inputs,
      logitsOutput: manifest.logitsOutput,
      labels: manifest.labels.length,
      warmUpIds: warmUp.ok ? warmUp.value : Int32Array.of(tokenizer.padId),
    };
  }),
});

const createSlot = (
  dispatch: Dispatch,
  slot: number,
  options: { readonly entry: URL; readonly init: InitMessage },
): Slot => {
  const made: Slot = {
    provider: options.init.provider,
    worker: createWorker({
      ...options,
      listener: {
        ready: ({ provider, note, loadMs }) => {
          made.provider = provider;
          dispatch.onEvent({ type: 'worker.ready', slot, provider, note, loadMs });
          pump(dispatch);
        },
        finished: (run, outcome) => finishRun(dispatch, run, outcome),
        exited: (exit) => {
          abandonRuns(dispatch, exit);
          dispatch.onEvent({ type: 'worker.exited', slot, reason: exit.reason, overran: exit.overran });
        },
      },
    }),
  };
  return made;
};

const statsOf = (dispatch: Dispatch): PoolStats => ({
  queued: dispatch.queue.length,
  running: [...dispatch.running.values()].reduce((sum, items) => sum + items.length, 0),
  served: dispatch.served,
  refused: dispatch.refused,
  expired: dispatch.expired,
  failed: dispatch.failed,
  runs: dispatch.runs,
  tokens: dispatch.tokens,
  workers: dispatch.slots.map(({ worker }) => ({ state: worker.state(), pid: worker.pid() })),
});

const stopAll = async (dispatch: Dispatch): Promise<void> => {
  dispatch.stopping = true;
  failQueued(dispatch, 'the pool was stopped');
  for (const { worker } of dispatch.slots) worker.kill('stopped');
  await Promise.all(dispatch.slots.map(({ worker }) => worker.gone()));
  // A run that had not begun when its worker was killed at a deadline has come back to the queue.
  failQueued(dispatch, 'the pool was stopped');
  dispatch.stopping = false;
};

const close = (dispatch: Dispatch): Promise<void> => {
  dispatch.closed = true;
  return stopAll(dispatch);
};

const poolOf = (dispatch: Dispatch, models: readonly LoadedModel[], plan: ProviderPlan): InferencePool => {
  const byName = new Map(models.map((model) => [model.manifest.name, model]));
  return {
    models: models.map((model) => model.manifest),
    queueLimit: dispatch.queueLimit,
    plan,
    startWorker: (slot) => {
      const found = dispatch.slots[slot];
      if (found === undefined) throw new RangeError(`no slot ${slot}: the pool has ${dispatch.slots.length}`);
      if (!dispatch.closed && !dispatch.stopping) found.worker.start();
    },
    stopWorkers: () => stopAll(dispatch),
    classify: async (modelName, request) => {
      const model = byName.get(modelName);
      if (model !== undefined) return submit(dispatch, model, request);
      const message = `no model "${modelName}" here: there is ${[...byName.keys()].join(', ')}`;
      return fail({ _tag: 'NoSuchModel', message });
    },
    stats: () => statsOf(dispatch),
  };
};

/**
 * Reads the model folders, decides on a provider and makes a pool whose workers are not started yet.
 *
 * Fails with `PoolOptionsError`, `ModelFolderError` or `ProviderUnavailable` before any process exists. Closing the
 * scope ends every worker and waits until none is left.
 */
export const openPool: (options: PoolOptions) => Effect.Effect<InferencePool, InferenceError, Scope.Scope> =
  Effect.fn('inference.openPool')(function* (options: PoolOptions) {
    const entry = options.workerEntry ?? workerEntry();
    yield* checkOptions(options, entry);
    const plan = yield* planProvider(options.provider, inspectMachine());
    const models = yield* loadModels(options.modelDirs);
    const init = initMessage(models, plan);
    const { queueLimit, onEvent, tokenBudget } = options;
    const acquire = Effect.sync(() => {
      const dispatch = createDispatch({ queueLimit, onEvent, tokenBudget: tokenBudget ?? null });
      dispatch.slots = Array.from({ length: options.slots }, (_, slot) =>
        createSlot(dispatch, slot, { entry, init }),
      );
      return dispatch;
    });
    const dispatch = yield* Effect.acquireRelease(acquire, (open) => Effect.promise(() => close(open)));
    return poolOf(dispatch, models, plan);
  });
