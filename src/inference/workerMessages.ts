/** What the pool and its child processes say to each other, over Node's IPC with structured cloning. */
import type { ModelInput } from './manifest.ts';
import type { Provider } from './providers.ts';
import type { PackedRows } from './tensors.ts';

/** What a worker needs to serve one model; requests name it by its position in the list. */
export type WorkerModel = {
  readonly name: string;
  readonly modelFile: string;
  readonly inputs: readonly ModelInput[];
  readonly logitsOutput: string;
  readonly labels: number;
  /** A short encoded text: the first run checks the output's shape and takes the one-time cost. */
  readonly warmUpIds: Int32Array;
};

export type InitMessage = {
  readonly type: 'init';
  readonly provider: Provider;
  readonly mayFallBack: boolean;
  readonly models: readonly WorkerModel[];
};
export type RunMessage = {
  readonly type: 'run';
  readonly id: number;
  readonly model: number;
  readonly packed: PackedRows;
};
export type ToWorker = InitMessage | RunMessage;

export type ReadyMessage = {
  readonly type: 'ready';
  /** Observed, not requested. */
  readonly provider: Provider;
  /** Why that is not what was asked for, or which part of the graph runs elsewhere; null when all is as asked. */
  readonly note: string | null;
  readonly loadMs: number;
};
export type LoadFailedMessage = { readonly type: 'loadFailed'; readonly message: string };
export type ResultMessage = { readonly type: 'result'; readonly id: number; readonly logits: Float32Array };
export type RunFailedMessage = { readonly type: 'runFailed'; readonly id: number; readonly message: string };
export type FromWorker = ReadyMessage | LoadFailedMessage | ResultMessage | RunFailedMessage;
