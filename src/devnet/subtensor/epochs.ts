/** The epoch scheduler. Source: pallets/subtensor/src/coinbase/run_coinbase.rs, `drain_pending`. */
import type { Context } from '../pallet.ts';
import { distributeEmission, drainPending, epochEmissionRao, type PendingEmission } from './emission.ts';
import { planEpochs } from './epochSchedule.ts';
import { events } from './events.ts';
import { storage } from './storage.ts';
import { subnetsInOrder } from './subnets.ts';
import { runYuma } from './yumaRun.ts';

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
const claimSlots = (
  ctx: Context,
): { readonly running: ReadonlyMap<number, PendingEmission>; readonly skipped: readonly number[] } => {
  for (const netuid of subnetsInOrder(ctx)) {
    ctx.put(storage.BlocksSinceLastStep, netuid, ctx.get(storage.BlocksSinceLastStep, netuid) + 1n);
  }
  const running = new Map<number, PendingEmission>();
  const skipped: number[] = [];
  for (const [netuid, step] of planEpochs(ctx, { isCounted: true })) {
    if (step === 'defer') {
      defer(ctx, netuid);
      continue;
    }
    if (step === 'run') {
      ctx.put(storage.BlocksSinceLastStep, netuid, 0n);
      running.set(netuid, drainPending(ctx, netuid));
    } else {
      ctx.emit(events.EpochSkipped, { netuid, block: BigInt(ctx.block) });
      skipped.push(netuid);
    }
    advance(ctx, netuid);
  }
  return { running, skipped };
};

/** Runs the epochs that are due in this block, at most MaxEpochsPerBlock of them; gives the subnets whose slot passed. */
export const runDueEpochs = (ctx: Context): readonly number[] => {
  const { running, skipped } = claimSlots(ctx);
  for (const [netuid, pending] of running) {
    const terms = runYuma(ctx, netuid, epochEmissionRao(pending));
    distributeEmission(ctx, netuid, pending, terms);
    ctx.put(storage.LastMechansimStepBlock, netuid, BigInt(ctx.block));
  }
  return [...running.keys(), ...skipped];
};
