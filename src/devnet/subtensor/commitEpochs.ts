/**
 * Which epoch a commit belongs to and when it may be revealed.
 *
 * Sources: pallets/subtensor/src/subnets/weights.rs (`is_reveal_block_range`, `is_commit_expired`),
 * coinbase/run_coinbase.rs.
 */
import type { ReadContext } from '../pallet.ts';
import { isEpochDue } from './epochSchedule.ts';
import { storage } from './storage.ts';

/**
 * The epoch of commits made now. An epoch that is still due was deferred from this block to the next (or, in the pool,
 * fires before the next block's extrinsics): it counts already.
 */
export const currentCommitEpoch = (ctx: ReadContext, netuid: number): bigint =>
  ctx.get(storage.SubnetEpochIndex, netuid) + (isEpochDue(ctx, netuid) ? 1n : 0n);

/** The one epoch in which a commit may be revealed. */
const revealEpochOf = (ctx: ReadContext, netuid: number, commitEpoch: bigint): bigint =>
  commitEpoch + ctx.get(storage.RevealPeriodEpochs, netuid);

export const isCommitExpired = (ctx: ReadContext, netuid: number, commitEpoch: bigint): boolean =>
  currentCommitEpoch(ctx, netuid) > revealEpochOf(ctx, netuid, commitEpoch);

export const isInRevealEpoch = (ctx: ReadContext, netuid: number, commitEpoch: bigint): boolean =>
  currentCommitEpoch(ctx, netuid) === revealEpochOf(ctx, netuid, commitEpoch);
