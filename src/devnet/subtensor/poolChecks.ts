/**
 * Preconditions that the transaction pool checks, and the numbers it refuses with ("Custom error: N", JSON-RPC code
 * 1010). The chain raises the same errors at dispatch when a call is nested in another one.
 *
 * Sources: pallets/subtensor/src/extensions/subtensor.rs, guards/*.rs, common/src/transaction_error.rs.
 */
import { type ErrorDeclaration, ModuleError, type PoolRefusal, type ReadContext } from '../pallet.ts';
import { errors } from './errors.ts';
import { hasStakeForWeights } from './stake.ts';
import { storage } from './storage.ts';
import { passesWeightsRateLimit, uidOf } from './subnets.ts';

/** Any error without a number of its own, such as InvalidIpType. */
const OTHER = 255;

const customCodes = new Map<ErrorDeclaration, number>([
  [errors.NotEnoughStakeToSetWeights, 1],
  [errors.NotEnoughBalanceToStake, 2],
  [errors.SubnetNotExists, 3],
  [errors.HotKeyAccountNotExists, 4],
  [errors.SettingWeightsTooFast, 6],
  [errors.CommittingWeightsTooFast, 6],
  [errors.HotKeyNotRegisteredInNetwork, 10],
  [errors.InvalidIpAddress, 11],
  [errors.ServingRateLimitExceeded, 12],
  [errors.InvalidPort, 13],
  [errors.InvalidRevealRound, 15],
  [errors.NoWeightsCommitFound, 16],
  [errors.RevealTooEarly, 17],
  [errors.InputLengthsUnequal, 18],
  [errors.HotKeyNotRegisteredInSubNet, 19],
  [errors.NonAssociatedColdKey, 25],
]);

/** Runs checks that throw a ModuleError and gives the pool's number for the first that does. */
export const refuseInPool = (check: () => void): PoolRefusal | undefined => {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof ModuleError) {
      return { custom: customCodes.get(error.declaration) ?? OTHER };
    }
    throw error;
  }
};

/** Every call that sets, commits or reveals weights needs the minimum stake. */
export const ensureStakeForWeights = (ctx: ReadContext, netuid: number, hotkey: Uint8Array): void => {
  if (!hasStakeForWeights(ctx, netuid, hotkey)) {
    throw new ModuleError(errors.NotEnoughStakeToSetWeights);
  }
};

/** The rate limit as the pool sees it: unregistered hotkeys pass here and fail at dispatch. */
export const ensureWeightsRate = (
  ctx: ReadContext,
  key: { readonly netuid: number; readonly mechanism: number },
  hotkey: Uint8Array,
  error: ErrorDeclaration,
): void => {
  const uid = uidOf(ctx, key.netuid, hotkey);
  if (uid !== undefined && !passesWeightsRateLimit(ctx, key, uid)) {
    throw new ModuleError(error);
  }
};

/** What the pool asks of plain weights: stake, then the rate limit while commit-reveal is off. */
export const refusePlainWeights = (
  ctx: ReadContext,
  key: { readonly netuid: number; readonly mechanism: number },
  hotkey: Uint8Array,
): PoolRefusal | undefined =>
  refuseInPool(() => {
    ensureStakeForWeights(ctx, key.netuid, hotkey);
    if (!ctx.get(storage.CommitRevealWeightsEnabled, key.netuid)) {
      ensureWeightsRate(ctx, key, hotkey, errors.SettingWeightsTooFast);
    }
  });
