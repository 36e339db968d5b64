/**
 * Takes: what a validator keeps of its nominators' dividends, and a child of its parents'.
 *
 * Sources: pallets/subtensor/src/staking/increase_take.rs, decrease_take.rs, set_children.rs.
 */
import { accountId } from '../chainTypes.ts';
import { type Context, call, ensureSigned, ModuleError, type Origin, type ReadContext } from '../pallet.ts';
import { u16 } from '../scale.ts';
import { errors } from './errors.ts';
import { events } from './events.ts';
import { ensureWithinLimit, recordChange } from './ownership.ts';
import { refuseInPool } from './poolChecks.ts';
import { storage } from './storage.ts';
import { isSameAccount } from './subnets.ts';

/** The hotkey exists and the coldkey owns it. */
const ensureOwned = (ctx: ReadContext, hotkey: Uint8Array, coldkey: Uint8Array): void => {
  if (!ctx.has(storage.Owner, hotkey)) {
    throw new ModuleError(errors.HotKeyAccountNotExists);
  }
  if (!isSameAccount(ctx.get(storage.Owner, hotkey), coldkey)) {
    throw new ModuleError(errors.NonAssociatedColdKey);
  }
};

type Take = { readonly hotkey: Uint8Array; readonly take: number };

/** Below what it was, and not below MinDelegateTake. */
const ensureDecrease = (ctx: ReadContext, { hotkey, take }: Take, coldkey: Uint8Array): void => {
  ensureOwned(ctx, hotkey, coldkey);
  const isLower = take < ctx.get(storage.Delegates, hotkey);
  if (!isLower || take < ctx.get(storage.MinDelegateTake)) {
    throw new ModuleError(errors.DelegateTakeTooLow);
  }
};

/** Above what it was, not above MaxDelegateTake. */
const ensureIncrease = (ctx: ReadContext, { hotkey, take }: Take, coldkey: Uint8Array): void => {
  ensureOwned(ctx, hotkey, coldkey);
  if (take <= ctx.get(storage.Delegates, hotkey)) {
    throw new ModuleError(errors.DelegateTakeTooLow);
  }
  if (take > ctx.get(storage.MaxDelegateTake)) {
    throw new ModuleError(errors.DelegateTakeTooHigh);
  }
};

/** Raising a take waits for TxDelegateTakeRateLimit blocks since its last change. */
const ensureNotTooSoon = (ctx: ReadContext, coldkey: Uint8Array): void => {
  const last = ctx.get(storage.LastRateLimitedBlock, { tag: 'LastTxBlockDelegateTake', value: [coldkey] });
  const limit = ctx.get(storage.TxDelegateTakeRateLimit);
  if (limit !== 0n && last !== 0n && BigInt(ctx.block) - last <= limit) {
    throw new ModuleError(errors.DelegateTxRateLimitExceeded);
  }
};

const store = (ctx: Context, { hotkey, take }: Take, coldkey: Uint8Array): void => {
  ctx.put(storage.Delegates, hotkey, take);
  const key = { tag: 'LastTxBlockDelegateTake', value: [coldkey] } as const;
  ctx.put(storage.LastRateLimitedBlock, key, BigInt(ctx.block));
};

const setChildkeyTake = (
  ctx: Context,
  { hotkey, netuid, take }: Take & { readonly netuid: number },
  origin: Origin,
): void => {
  ensureOwned(ctx, hotkey, ensureSigned(origin));
  const isAllowed = take >= ctx.get(storage.MinChildkeyTake) && take <= ctx.get(storage.MaxChildkeyTake);
  if (!isAllowed) {
    throw new ModuleError(errors.InvalidChildkeyTake);
  }
  const change = { netuid, account: hotkey, limited: { transaction: 'setChildkeyTake' } } as const;
  if (take > ctx.get(storage.ChildkeyTake, hotkey, netuid)) {
    ensureWithinLimit(ctx, change, errors.TxChildkeyTakeRateLimitExceeded);
  }
  recordChange(ctx, change);
  ctx.put(storage.ChildkeyTake, hotkey, netuid, take);
  ctx.emit(events.ChildKeyTakeSet, [hotkey, take]);
};

export const takeCalls = {
  decrease_take: call({
    index: 65,
    args: { hotkey: accountId, take: u16 },
    pays: true,
    checkInPool: (ctx, args, signer) => refuseInPool(() => ensureDecrease(ctx, args, signer)),
    dispatch: (ctx, args, origin) => {
      const coldkey = ensureSigned(origin);
      ensureDecrease(ctx, args, coldkey);
      store(ctx, args, coldkey);
      ctx.emit(events.TakeDecreased, [coldkey, args.hotkey, args.take]);
    },
  }),
  increase_take: call({
    index: 66,
    args: { hotkey: accountId, take: u16 },
    pays: true,
    checkInPool: (ctx, args, signer) => refuseInPool(() => ensureIncrease(ctx, args, signer)),
    dispatch: (ctx, args, origin) => {
      const coldkey = ensureSigned(origin);
      ensureIncrease(ctx, args, coldkey);
      ensureNotTooSoon(ctx, coldkey);
      store(ctx, args, coldkey);
      ctx.emit(events.TakeIncreased, [coldkey, args.hotkey, args.take]);
    },
  }),
  set_childkey_take: call({
    index: 75,
    args: { hotkey: accountId, netuid: u16, take: u16 },
    pays: true,
    dispatch: setChildkeyTake,
  }),
};
