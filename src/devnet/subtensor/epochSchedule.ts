/** When epochs fire. Source: pallets/subtensor/src/coinbase/run_coinbase.rs. */
import { type EpochSchedule, shouldRunEpoch } from '../../domain/epoch.ts';
import type { ReadContext } from '../pallet.ts';
import { FIRST_STATEFUL_EPOCH_SPEC } from '../profiles.ts';
import { storage } from './storage.ts';
import { subnetsInOrder } from './subnets.ts';
import { hasUniqueHotkeys } from './yumaRun.ts';

/** Before spec 420 an epoch fired in blocks with (block + netuid + 1) mod (tempo + 1) = tempo. */
const moduloAnchor = (block: number, netuid: number, tempo: number): number =>
  block - ((block + netuid + 1) % (tempo + 1));

export const scheduleOf = (ctx: ReadContext, netuid: number): EpochSchedule => {
  const tempo = ctx.get(storage.Tempo, netuid);
  return {
    lastEpochBlock:
      ctx.specVersion < FIRST_STATEFUL_EPOCH_SPEC
        ? moduloAnchor(ctx.block, netuid, tempo)
        : Number(ctx.get(storage.LastEpochBlock, netuid)),
    tempo,
    pendingEpochAt: Number(ctx.get(storage.PendingEpochAt, netuid)),
  };
};

/**
 * Whether a subnet's epoch is due in the context's block and has not fired in it yet.
 *
 * @param uncountedBlocks blocks that BlocksSinceLastStep does not count yet
 */
export const isEpochDue = (ctx: ReadContext, netuid: number, uncountedBlocks = 0): boolean => {
  const sinceLastStep = Number(ctx.get(storage.BlocksSinceLastStep, netuid)) + uncountedBlocks;
  const hasFired = ctx.get(storage.LastEpochBlock, netuid) === BigInt(ctx.block) && ctx.block > 0;
  return !hasFired && shouldRunEpoch(scheduleOf(ctx, netuid), ctx.block, sinceLastStep);
};

/** `skip`: the slot is used up without an epoch. `defer`: the slot moves to the next block. */
export type EpochStep = 'run' | 'skip' | 'defer';

/**
 * What happens in this block to the subnets whose epoch is due: at most MaxEpochsPerBlock run.
 *
 * @param options.isCounted whether BlocksSinceLastStep counts this block already, as it does once the scheduler ran
 */
export const planEpochs = (
  ctx: ReadContext,
  options: { readonly isCounted: boolean },
): ReadonlyMap<number, EpochStep> => {
  const limit = ctx.get(storage.MaxEpochsPerBlock);
  const plan = new Map<number, EpochStep>();
  let running = 0;
  for (const netuid of subnetsInOrder(ctx)) {
    if (!isEpochDue(ctx, netuid, options.isCounted ? 0 : 1)) {
      continue;
    }
    if (running >= limit) {
      plan.set(netuid, 'defer');
    } else if (hasUniqueHotkeys(ctx, netuid)) {
      running += 1;
      plan.set(netuid, 'run');
    } else {
      plan.set(netuid, 'skip');
    }
  }
  return plan;
};
