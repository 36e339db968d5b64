/**
 * What an owner may do to the schedule of a subnet. Source: pallets/subtensor/src/coinbase/tempo_control.rs.
 */
import { blocksUntilAutomaticEpoch, OVERDUE_AFTER_BLOCKS } from '../../domain/epoch.ts';
import { type Context, call, ModuleError, type Origin } from '../pallet.ts';
import { u16, u32 } from '../scale.ts';
import { scheduleOf } from './epochSchedule.ts';
import { errors } from './errors.ts';
import { events } from './events.ts';
import {
  ensureAdminWindowOpen,
  ensureOwner,
  ensureOwnerOrRoot,
  ensureWithinLimit,
  MIN_TEMPO_BLOCKS,
  recordChange,
} from './ownership.ts';
import { storage } from './storage.ts';

const MAX_TEMPO_BLOCKS = OVERDUE_AFTER_BLOCKS;
/** Activity cutoffs of 1 to 50 tempos. */
const MIN_CUTOFF_MILLI = 1000;
const MAX_CUTOFF_MILLI = 50_000;

/** A new tempo begins a new cycle: the next epoch is a whole tempo away. */
export const applyTempo = (ctx: Context, netuid: number, tempo: number): void => {
  ctx.put(storage.Tempo, netuid, tempo);
  ctx.put(storage.LastEpochBlock, netuid, BigInt(ctx.block));
  ctx.emit(events.TempoSet, [netuid, tempo]);
};

/** 360 to 50_400 blocks, on fast chains from 1; outside of the freeze window, once in 360 blocks. */
const setTempo = (ctx: Context, netuid: number, tempo: number, origin: Origin): void => {
  const account = ensureOwner(ctx, origin, netuid);
  const shortest = ctx.get(storage.DevnetAllowShortTempo) ? 1 : MIN_TEMPO_BLOCKS;
  if (tempo < shortest || tempo > MAX_TEMPO_BLOCKS) {
    throw new ModuleError(errors.TempoOutOfBounds);
  }
  ensureAdminWindowOpen(ctx, netuid);
  const change = { netuid, account, limited: { transaction: 'tempo' } } as const;
  ensureWithinLimit(ctx, change);
  applyTempo(ctx, netuid, tempo);
  recordChange(ctx, change);
};

/** Thousandths of the tempo. Root is bound neither by the freeze window nor by the rate limit. */
export const setActivityCutoffFactor = (
  ctx: Context,
  { netuid, factorMilli }: { readonly netuid: number; readonly factorMilli: number },
  origin: Origin,
): void => {
  const account = ensureOwnerOrRoot(ctx, origin, netuid);
  if (factorMilli < MIN_CUTOFF_MILLI || factorMilli > MAX_CUTOFF_MILLI) {
    throw new ModuleError(errors.ActivityCutoffFactorMilliOutOfBounds);
  }
  if (account !== undefined) {
    const change = { netuid, account, limited: { hyperparameter: 'ActivityCutoffFactorMilli' } } as const;
    ensureAdminWindowOpen(ctx, netuid);
    ensureWithinLimit(ctx, change);
    recordChange(ctx, change);
  }
  ctx.put(storage.ActivityCutoffFactorMilli, netuid, factorMilli);
  ctx.emit(events.ActivityCutoffFactorMilliSet, { netuid, factorMilli });
};

/** An epoch AdminFreezeWindow blocks from now, while commit-reveal is off: reveals count by epochs. */
const triggerEpoch = (ctx: Context, netuid: number, origin: Origin): void => {
  const account = ensureOwner(ctx, origin, netuid);
  if (ctx.get(storage.CommitRevealWeightsEnabled, netuid)) {
    throw new ModuleError(errors.DynamicTempoBlockedByCommitReveal);
  }
  if (ctx.get(storage.PendingEpochAt, netuid) !== 0n) {
    throw new ModuleError(errors.EpochTriggerAlreadyPending);
  }
  const window = ctx.get(storage.AdminFreezeWindow);
  const remaining = blocksUntilAutomaticEpoch(scheduleOf(ctx, netuid), ctx.block);
  if (remaining !== null && remaining < window) {
    throw new ModuleError(errors.AutoEpochAlreadyImminent);
  }
  const change = { netuid, account, limited: { hyperparameter: 'TriggerEpoch' } } as const;
  ensureWithinLimit(ctx, change);
  const firesAt = BigInt(ctx.block + window);
  ctx.put(storage.PendingEpochAt, netuid, firesAt);
  recordChange(ctx, change);
  ctx.emit(events.EpochTriggered, { netuid, by: account, firesAt });
};

export const ownerCalls = {
  set_tempo: call({
    index: 139,
    args: { netuid: u16, tempo: u16 },
    pays: true,
    dispatch: (ctx, { netuid, tempo }, origin) => setTempo(ctx, netuid, tempo, origin),
  }),
  set_activity_cutoff_factor: call({
    index: 140,
    args: { netuid: u16, factorMilli: u32 },
    pays: true,
    dispatch: setActivityCutoffFactor,
  }),
  trigger_epoch: call({
    index: 141,
    args: { netuid: u16 },
    pays: true,
    dispatch: (ctx, { netuid }, origin) => triggerEpoch(ctx, netuid, origin),
  }),
};
