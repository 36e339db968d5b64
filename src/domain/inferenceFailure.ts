/**
 * Why a text was not classified. Plain data, because a miner's machine may keep it and sends its tag to a validator.
 *
 * - `Busy`: the bounded queue is full; worth asking again later.
 * - `Expired`: the deadline passed before a run could begin.
 * - `Failed`: the run began and gave no usable answer (crash, killed at the deadline, non-finite output).
 * - `NoSuchModel`: the request names a model that is not loaded here; never worth repeating.
 */
export type InferenceFailure = {
  readonly _tag: 'Busy' | 'Expired' | 'Failed' | 'NoSuchModel';
  readonly message: string;
};
