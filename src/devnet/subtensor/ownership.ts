/**
 * Who may change a subnet, and how often: its owner outside of the freeze window and within rate limits, or root.
 *
 * Sources: pallets/subtensor/src/utils/misc.rs, utils/rate_limiting.rs.
 */
import { blocksUntilAutomaticEpoch } from '../../domain/epoch.ts';
import {
  type Context,
  DispatchFailure,
  type ErrorDeclaration,
  ensureSigned,
  ModuleError,
  type Origin,
  type ReadContext,
} from '../pallet.ts';
import { scheduleOf } from './epochSchedule.ts';
import { errors } from './errors.ts';
import type { Hyperparameter, HyperparameterCase } from './limitStorage.ts';
import { storage } from './storage.ts';
import { isSameAccount } from './subnets.ts';

/** Shortest tempo that owners may set, and the blocks between two changes of it. */
export const MIN_TEMPO_BLOCKS = 360;
/** A day of blocks. */
const DAY_BLOCKS = 7200n;
const SET_CHILDREN_BLOCKS = 150n;

/** The owner coldkey; BadOrigin for anybody else, root too. */
export const ensureOwner = (ctx: ReadContext, origin: Origin, netuid: number): Uint8Array => {
  const account = ensureSigned(origin);
  if (!isSameAccount(ctx.get(storage.SubnetOwner, netuid), account)) {
    throw new DispatchFailure({ tag: 'BadOrigin' });
  }
  return account;
};

/** The owner coldkey, or undefined for root. */
export const ensureOwnerOrRoot = (
  ctx: ReadContext,
  origin: Origin,
  netuid: number,
): Uint8Array | undefined => (origin.kind === 'root' ? undefined : ensureOwner(ctx, origin, netuid));

/** The last blocks of a tempo, and the whole time that a trigger is pending. Not for subnets that never run. */
export const ensureAdminWindowOpen = (ctx: ReadContext, netuid: number): void => {
  const schedule = scheduleOf(ctx, netuid);
  const remaining = blocksUntilAutomaticEpoch(schedule, ctx.block);
  if (remaining === null) {
    return;
  }
  if (schedule.pendingEpochAt > ctx.block || remaining < ctx.get(storage.AdminFreezeWindow)) {
    throw new ModuleError(errors.AdminActionProhibitedDuringWeightsWindow);
  }
};

/** Transaction types whose last block is kept by account and subnet, with the chain's numbers. */
const TYPE_NUMBERS = {
  setChildren: 0,
  setChildkeyTake: 1,
  setWeightsVersionKey: 4,
  mechanismCount: 7,
  mechanismEmission: 8,
  tempo: 11,
} as const;
/** What is limited: a hyperparameter, once per OwnerHyperparamRateLimit tempos and subnet; or another transaction. */
export type Limited =
  | { readonly hyperparameter: Hyperparameter }
  | { readonly transaction: keyof typeof TYPE_NUMBERS };

const limitBlocks = (ctx: ReadContext, netuid: number, limited: Limited): bigint => {
  const tempo = BigInt(ctx.get(storage.Tempo, netuid));
  if ('hyperparameter' in limited) {
    return tempo * BigInt(ctx.get(storage.OwnerHyperparamRateLimit));
  }
  const isFast = ctx.get(storage.DevnetAllowShortTempo);
  switch (limited.transaction) {
    case 'setChildren':
      return SET_CHILDREN_BLOCKS;
    case 'setChildkeyTake':
      return ctx.get(storage.TxChildkeyTakeRateLimit);
    case 'setWeightsVersionKey':
      return tempo * ctx.get(storage.WeightsVersionKeyRateLimit);
    case 'tempo':
      return isFast ? 1n : BigInt(MIN_TEMPO_BLOCKS);
    case 'mechanismCount':
    case 'mechanismEmission':
      return isFast ? 1n : DAY_BLOCKS;
  }
};

type Change = { readonly netuid: number; readonly account: Uint8Array; readonly limited: Limited };

const rateLimitKey = (netuid: number, tag: Hyperparameter) =>
  // A union of tags is not seen as a union of cases
  ({ tag: 'OwnerHyperparamUpdate', value: [netuid, { tag } as HyperparameterCase] }) as const;

const lastBlock = (ctx: ReadContext, { netuid, account, limited }: Change): bigint =>
  'hyperparameter' in limited
    ? ctx.get(storage.LastRateLimitedBlock, rateLimitKey(netuid, limited.hyperparameter))
    : ctx.get(storage.TransactionKeyLastBlock, account, netuid, TYPE_NUMBERS[limited.transaction]);

/** Passes the first time, and again when the limit's blocks are over. */
export const ensureWithinLimit = (
  ctx: ReadContext,
  change: Change,
  error: ErrorDeclaration = errors.TxRateLimitExceeded,
): void => {
  const last = lastBlock(ctx, change);
  const isOver = BigInt(ctx.block) - last >= limitBlocks(ctx, change.netuid, change.limited);
  if (last !== 0n && !isOver) {
    throw new ModuleError(error);
  }
};

export const recordChange = (ctx: Context, { netuid, account, limited }: Change): void => {
  const block = BigInt(ctx.block);
  if ('hyperparameter' in limited) {
    ctx.put(storage.LastRateLimitedBlock, rateLimitKey(netuid, limited.hyperparameter), block);
  } else {
    ctx.put(storage.TransactionKeyLastBlock, account, netuid, TYPE_NUMBERS[limited.transaction], block);
  }
};
