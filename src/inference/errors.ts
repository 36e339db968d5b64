import * as Data from 'effect/Data';

/** A model folder that cannot be served; `message` says what is wrong and what to do next. */
export class ModelFolderError extends Data.TaggedError('ModelFolderError')<{
  readonly dir: string;
  /** The file at fault, relative to `dir`. */
  readonly file: string;
  readonly message: string;
}> {}

/** An explicitly requested execution provider that this machine cannot give. */
export class ProviderUnavailable extends Data.TaggedError('ProviderUnavailable')<{
  readonly provider: string;
  /** What was looked for and not found, one entry each. */
  readonly missing: readonly string[];
  readonly message: string;
}> {}

/** Options that contradict each other or lie outside their bounds. */
export class PoolOptionsError extends Data.TaggedError('PoolOptionsError')<{
  readonly option: string;
  readonly message: string;
}> {}

/** Everything that can keep a pool from opening. */
export type InferenceError = ModelFolderError | ProviderUnavailable | PoolOptionsError;
