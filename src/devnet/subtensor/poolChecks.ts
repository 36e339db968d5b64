/**
 * Preconditions that the transaction pool checks, and the numbers it refuses with ("Custom error: N", JSON-RPC code
 * 1010). The chain raises the same errors at dispatch when a call is nested in another one.
 *
 * Sources: pallets/subtensor/src/extensions/subtensor.rs, guards/*.rs, common/src/transaction_error.rs.
 */
import { drandStorage } from '../drand/storage.ts';
import { type ErrorDeclaration, ModuleError, type PoolRefusal, type ReadContext } from '../pallet.ts';
import { isInRevealEpoch } from './commitEpochs.ts';
import { commitHashOf, findCommitEpoch, type Reveal } from './commitHashes.ts';
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
  [errors.AmountTooLow, 1],
  [errors.NotEnoughStakeToWithdraw, 5],
  [errors.NetworkTxRateLimitExceeded, 6],
  [errors.InsufficientLiquidity, 7],
  [errors.SlippageTooHigh, 8],
  [errors.NonAssociatedColdKey, 25],
  [errors.DelegateTakeTooLow, 26],
  [errors.DelegateTakeTooHigh, 27],
]);

/** Runs checks that throw a ModuleError and gives the pool's number for the first that does. */
export const refuseInPool = (check: () => void): PoolRefusal | undefined => {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof ModuleError) {
      return { custom: customCodes.get(error.declaration) ?? OTHER, error: error.declaration };
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

export type MechanismKey = { readonly netuid: number; readonly mechanism: number };

/** The rate limit as the pool sees it: unregistered hotkeys pass here and fail at dispatch. */
const ensureWeightsRate = (
  ctx: ReadContext,
  key: MechanismKey,
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
  key: MechanismKey,
  hotkey: Uint8Array,
): PoolRefusal | undefined =>
  refuseInPool(() => {
    ensureStakeForWeights(ctx, key.netuid, hotkey);
    if (!ctx.get(storage.CommitRevealWeightsEnabled, key.netuid)) {
      ensureWeightsRate(ctx, key, hotkey, errors.SettingWeightsTooFast);
    }
  });

/** Stake, then the rate limit. */
export const refuseHashCommit = (
  ctx: ReadContext,
  key: MechanismKey,
  hotkey: Uint8Array,
): PoolRefusal | undefined =>
  refuseInPool(() => {
    ensureStakeForWeights(ctx, key.netuid, hotkey);
    ensureWeightsRate(ctx, key, hotkey, errors.CommittingWeightsTooFast);
  });

/** Stake, then the round, which must not be older than the newest stored one. The rate limit waits for the dispatch. */
export const refuseTimelockedCommit = (
  ctx: ReadContext,
  request: { readonly netuid: number; readonly revealRound: bigint },
  hotkey: Uint8Array,
): PoolRefusal | undefined =>
  refuseInPool(() => {
    ensureStakeForWeights(ctx, request.netuid, hotkey);
    if (request.revealRound < ctx.get(drandStorage.LastStoredRound)) {
      throw new ModuleError(errors.InvalidRevealRound);
    }
  });

/** Whether commits with these hashes exist, and then whether they all may be revealed now. */
const ensureRevealable = (ctx: ReadContext, netuid: number, hashes: readonly Uint8Array[]): void => {
  const epochs = hashes.map((hash) => {
    const epoch = findCommitEpoch(ctx, hash);
    if (epoch === undefined) {
      throw new ModuleError(errors.NoWeightsCommitFound);
    }
    return epoch;
  });
  if (!epochs.every((epoch) => isInRevealEpoch(ctx, netuid, epoch))) {
    throw new ModuleError(errors.RevealTooEarly);
  }
};

/** Stake, then the commit and its epoch; expired commits are refused as not in range as well. */
export const refuseReveal = (ctx: ReadContext, reveal: Reveal, hotkey: Uint8Array): PoolRefusal | undefined =>
  refuseInPool(() => {
    ensureStakeForWeights(ctx, reveal.netuid, hotkey);
    ensureRevealable(ctx, reveal.netuid, [commitHashOf(hotkey, reveal)]);
  });

/** Lengths, stake, commits and their epochs; `reveals` throws when the lists differ in length. */
export const refuseBatchReveal = (
  ctx: ReadContext,
  batch: { readonly netuid: number; readonly reveals: () => readonly Reveal[] },
  hotkey: Uint8Array,
): PoolRefusal | undefined =>
  refuseInPool(() => {
    const hashes = batch.reveals().map((reveal) => commitHashOf(hotkey, reveal));
    ensureStakeForWeights(ctx, batch.netuid, hotkey);
    ensureRevealable(ctx, batch.netuid, hashes);
  });

/** Lengths, then stake on every subnet. The rate-limit guard does not look into batches. */
export const refuseBatch = (
  ctx: ReadContext,
  batch: { readonly netuids: readonly number[]; readonly ensureShape: () => void },
  hotkey: Uint8Array,
): PoolRefusal | undefined =>
  refuseInPool(() => {
    batch.ensureShape();
    for (const netuid of batch.netuids) {
      ensureStakeForWeights(ctx, netuid, hotkey);
    }
  });
