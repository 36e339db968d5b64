/** The epoch scheduler. Source: pallets/subtensor/src/coinbase/run_coinbase.rs, `drain_pending`. */
import { type EpochSchedule, shouldRunEpoch } from '../../domain/epoch.ts';
import type { Context, ReadContext } from '../pallet.ts';
import { distributeEmission, drainPending, type PendingEmission } from './emission.ts';
import { events } from './events.ts';
import { storage } from './storage.ts';
import { subnetsInOrder } from './subnets.ts';
import { hasUniqueHotkeys, runYuma } from './yumaRun.ts';

export const scheduleOf = (ctx: ReadContext, netuid: number): EpochSchedule => ({
  lastEpochBlock: Number(ctx.get(storage.LastEpochBlock, netuid)),
  tempo: ctx.get(storage.Tempo, netuid),
  pendingEpochAt: Number(ctx.get(storage.PendingEpochAt, netuid)),
});

/** Whether a subnet's epoch is due in the context's block. */
export const isEpochDue = (ctx: ReadContext, netuid: number): boolean =>
  shouldRunEpoch(scheduleOf(ctx, netuid), ctx.block, Number(ctx.get(storage.BlocksSinceLastStep, netuid)));

const defer = (ctx: Context, netuid: number): void => {
  const fromBlock = BigInt(ctx.block);
  ctx.put(storage.PendingEpochAt, netuid, fromBlock + 1n);
  ctx.emit(events.EpochDeferred, { netuid, fromBlock, toBlock: fromBlock + 1n });
};

/** The slot is used up, whether the epoch ran or was skipped. */
const advance = (ctx: Context, netuid: number): void => {
  ctx.put(storage.LastEpochBlock, netuid, BigInt(ctx.block));
  ctx.put(storage.PendingEpochAt, netuid, 0n);
  ctx.put(storage.SubnetEpochIndex, netuid, ctx.get(storage.SubnetEpochIndex, netuid) + 1n);
};

/** Subnets whose epoch runs in this block with what they have to give out; the rest is deferred or skipped. */
const claimSlots = (ctx: Context): ReadonlyMap<number, PendingEmission> => {
  const running = new Map<number, PendingEmission>();
  const limit = ctx.get(storage.MaxEpochsPerBlock);
  for (const netuid of subnetsInOrder(ctx)) {
    ctx.put(storage.BlocksSinceLastStep, netuid, ctx.get(storage.BlocksSinceLastStep, netuid) + 1n);
    if (!isEpochDue(ctx, netuid)) {
      continue;
    }
    if (running.size >= limit) {
      defer(ctx, netuid);
      continue;
    }
    if (hasUniqueHotkeys(ctx, netuid)) {
      ctx.put(storage.BlocksSinceLastStep, netuid, 0n);
      running.set(netuid, drainPending(ctx, netuid));
    } else {
      ctx.emit(events.EpochSkipped, { netuid, block: BigInt(ctx.block) });
    }
    advance(ctx, netuid);
  }
  return running;
};

/** Runs the epochs that are due in this block, at most MaxEpochsPerBlock of them. */
export const runDueEpochs = (ctx: Context): void => {
  for (const [netuid, pending] of claimSlots(ctx)) {
    const terms = runYuma(ctx, netuid, pending.serverRao + pending.validatorRao);
    distributeEmission(ctx, netuid, pending, terms);
    ctx.put(storage.LastMechansimStepBlock, netuid, BigInt(ctx.block));
  }
};
