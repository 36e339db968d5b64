/**
 * Pallet Utility: several calls in one transaction. `as_derivative`, `dispatch_as` and the conditional calls are left
 * out; a batch costs what one call costs, where the real chain adds up the weights of its calls.
 *
 * Source: Substrate's pallet_utility, base call filter of runtime/src/lib.rs.
 */
import { dispatchError } from './chainTypes.ts';
import type { DispatchErrorValue } from './dispatchErrors.ts';
import type { NestedCalls } from './nestedCall.ts';
import {
  type Context,
  call,
  constant,
  DispatchFailure,
  declareErrors,
  definePallet,
  event,
  ModuleError,
  type Origin,
  type Pallet,
} from './pallet.ts';
import type { DecodedCall } from './runtimeTypes.ts';
import { u32, vec } from './scale.ts';
import { systemErrors } from './system.ts';

/** Calls in one batch: a third of the largest allocation of 32 MiB, 1 KiB a call. As recorded from finney. */
const MAX_BATCHED_CALLS = 10_922;
const BATCHES = new Set(['batch', 'batch_all', 'force_batch']);

const events = {
  BatchInterrupted: event(0, { index: u32, error: dispatchError }),
  BatchCompleted: event(1),
  BatchCompletedWithErrors: event(2),
  ItemCompleted: event(3),
  ItemFailed: event(4, { error: dispatchError }),
};
const errors = declareErrors({ TooManyCalls: 0, InvalidDerivedAccount: 1 });

/** The base call filter: nobody but root may put a batch directly into a batch. */
const ensureBatchable = (calls: readonly DecodedCall[], origin: Origin): void => {
  if (origin.kind === 'none') throw new DispatchFailure({ tag: 'BadOrigin' });
  const isNested = calls.some(({ pallet, name }) => pallet === 'Utility' && BATCHES.has(name));
  if (isNested && origin.kind !== 'root') throw new ModuleError(systemErrors.CallFiltered);
  if (calls.length > MAX_BATCHED_CALLS) throw new ModuleError(errors.TooManyCalls);
};

/** Stops at the first failure but keeps what was done before. */
const runBatch = (nested: NestedCalls, ctx: Context, calls: readonly DecodedCall[], origin: Origin): void => {
  for (const [index, item] of calls.entries()) {
    const error = nested.dispatch(ctx, item, origin);
    if (error !== undefined) {
      ctx.emit(events.BatchInterrupted, { index, error });
      return;
    }
    ctx.emit(events.ItemCompleted, []);
  }
  ctx.emit(events.BatchCompleted, []);
};

/** All or nothing: the first failure is the batch's own. */
const runBatchAll = (
  nested: NestedCalls,
  ctx: Context,
  calls: readonly DecodedCall[],
  origin: Origin,
): void => {
  for (const item of calls) {
    nested.run(ctx, item, origin);
    ctx.emit(events.ItemCompleted, []);
  }
  ctx.emit(events.BatchCompleted, []);
};

/** Goes on after failures. */
const runForceBatch = (
  nested: NestedCalls,
  ctx: Context,
  calls: readonly DecodedCall[],
  origin: Origin,
): void => {
  const failures = calls.map((item): DispatchErrorValue | undefined => {
    const error = nested.dispatch(ctx, item, origin);
    if (error === undefined) ctx.emit(events.ItemCompleted, []);
    else ctx.emit(events.ItemFailed, { error });
    return error;
  });
  const isClean = failures.every((failure) => failure === undefined);
  ctx.emit(isClean ? events.BatchCompleted : events.BatchCompletedWithErrors, []);
};

export const createUtility = (nested: NestedCalls): Pallet => {
  // One type for all three: while a type that contains itself is entered, equal ones are not recognised
  const callList = vec(nested.type);
  const batch = (index: number, run: typeof runBatch) =>
    call({
      index,
      args: { calls: callList },
      pays: true,
      dispatch: (ctx, { calls }, origin) => {
        ensureBatchable(calls, origin);
        run(nested, ctx, calls, origin);
      },
    });
  return definePallet({
    name: 'Utility',
    index: 11,
    events,
    errors,
    constants: { batched_calls_limit: constant(u32, MAX_BATCHED_CALLS) },
    calls: {
      batch: batch(0, runBatch),
      batch_all: batch(2, runBatchAll),
      force_batch: batch(4, runForceBatch),
    },
  });
};
