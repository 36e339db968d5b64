/** Weights and commits for several subnets in one call. Source: `do_batch_set_weights`, `do_batch_commit_weights`, pallets/subtensor/src/subnets/weights.rs. */
import { h256 } from '../chainTypes.ts';
import { dispatchErrorOf, type FindError } from '../dispatchErrors.ts';
import { type Context, call, ensureSigned, ModuleError, type Origin } from '../pallet.ts';
import { compact, tuple, u16, u64, vec } from '../scale.ts';
import { commitHash } from './commits.ts';
import { errors } from './errors.ts';
import { events } from './events.ts';
import { refuseBatch } from './poolChecks.ts';
import { setPlainWeights } from './weights.ts';

/** Position of the pallet's errors: all that an item can fail with. */
const findError: FindError = ({ index }) => ({ pallet: 7, index });

/**
 * Runs the items one by one: a failing one leaves no trace and does not stop the rest. Afterwards the failures are
 * reported, and in any case that the batch is done with all its subnets.
 */
const runItems = (
  ctx: Context,
  netuids: readonly number[],
  origin: Origin,
  run: (netuid: number, position: number) => void,
): void => {
  const signer = ensureSigned(origin);
  const failures = netuids.flatMap((netuid, position) => {
    try {
      ctx.transaction(() => run(netuid, position));
      return [];
    } catch (error) {
      const failure = dispatchErrorOf(findError, error);
      if (failure === undefined) {
        throw error;
      }
      return [[netuid, failure] as const];
    }
  });
  if (failures.length > 0) {
    ctx.emit(events.BatchCompletedWithErrors, []);
  }
  for (const failure of failures) {
    ctx.emit(events.BatchWeightItemFailed, failure);
  }
  ctx.emit(events.BatchWeightsCompleted, [[...netuids], signer]);
};

/** Throws when a list of the batch has another length than the others. */
const ensureSameLength = (...lists: readonly (readonly unknown[])[]): void => {
  if (new Set(lists.map((list) => list.length)).size !== 1) {
    throw new ModuleError(errors.InputLengthsUnequal);
  }
};

const netuidList = vec(compact(u16));

export const batchCalls = {
  batch_set_weights: call({
    index: 80,
    args: {
      netuids: netuidList,
      weights: vec(vec(tuple(compact(u16), compact(u16)))),
      versionKeys: vec(compact(u64)),
    },
    pays: false,
    checkInPool: (ctx, { netuids, weights, versionKeys }, signer) =>
      refuseBatch(
        ctx,
        { netuids, ensureShape: () => ensureSameLength(netuids, weights, versionKeys) },
        signer,
      ),
    dispatch: (ctx, { netuids, weights, versionKeys }, origin) => {
      ensureSameLength(netuids, weights, versionKeys);
      runItems(ctx, netuids, origin, (netuid, position) => {
        const row = weights[position] ?? [];
        const uids = row.map(([uid]) => uid);
        const values = row.map(([, value]) => value);
        const versionKey = versionKeys[position] ?? 0n;
        setPlainWeights(ctx, { netuid, mechanism: 0, uids, values, versionKey }, origin);
      });
    },
  }),
  batch_commit_weights: call({
    index: 100,
    args: { netuids: netuidList, commitHashes: vec(h256) },
    pays: false,
    checkInPool: (ctx, { netuids, commitHashes }, signer) =>
      refuseBatch(ctx, { netuids, ensureShape: () => ensureSameLength(netuids, commitHashes) }, signer),
    dispatch: (ctx, { netuids, commitHashes }, origin) => {
      ensureSameLength(netuids, commitHashes);
      runItems(ctx, netuids, origin, (netuid, position) =>
        commitHash(ctx, { netuid, mechanism: 0 }, commitHashes[position] ?? new Uint8Array(32), origin),
      );
    },
  }),
};
