/**
 * Registering on root, where uids are taken from whoever has the least stake. The older rules hold here: a number per
 * block and per interval.
 *
 * Source: `do_root_register`, pallets/subtensor/src/coinbase/root.rs.
 */
import { accountId } from '../chainTypes.ts';
import { type Context, call, ensureSigned, ModuleError, type Origin, type ReadContext } from '../pallet.ts';
import { errors } from './errors.ts';
import { events } from './events.ts';
import { appendNeuron, replaceNeuron } from './neurons.ts';
import { associateHotkey, isOwnedByAnother } from './registration.ts';
import { alphaOf } from './stake.ts';
import { ROOT, storage } from './storage.ts';
import { hotkeysOf, subnetExists, uidOf } from './subnets.ts';

/** Registrations per interval: three times the target. */
const TARGETS_PER_INTERVAL = 3;

/** Begins a new interval every AdjustmentInterval blocks. */
export const renewRootInterval = (ctx: Context): void => {
  const elapsed = BigInt(ctx.block) - ctx.get(storage.LastAdjustmentBlock, ROOT);
  if (elapsed >= BigInt(ctx.get(storage.AdjustmentInterval, ROOT))) {
    ctx.put(storage.LastAdjustmentBlock, ROOT, BigInt(ctx.block));
    ctx.put(storage.RegistrationsThisInterval, ROOT, 0);
  }
};

const ensureRegistrable = (ctx: ReadContext, hotkey: Uint8Array, coldkey: Uint8Array): void => {
  if (!subnetExists(ctx, ROOT)) {
    throw new ModuleError(errors.RootNetworkDoesNotExist);
  }
  if (ctx.get(storage.RegistrationsThisBlock, ROOT) >= ctx.get(storage.MaxRegistrationsPerBlock, ROOT)) {
    throw new ModuleError(errors.TooManyRegistrationsThisBlock);
  }
  const perInterval = ctx.get(storage.TargetRegistrationsPerInterval, ROOT) * TARGETS_PER_INTERVAL;
  if (ctx.get(storage.RegistrationsThisInterval, ROOT) >= perInterval) {
    throw new ModuleError(errors.TooManyRegistrationsThisInterval);
  }
  if (uidOf(ctx, ROOT, hotkey) !== undefined) {
    throw new ModuleError(errors.HotKeyAlreadyRegisteredInSubNet);
  }
  if (isOwnedByAnother(ctx, { hotkey, coldkey })) {
    throw new ModuleError(errors.NonAssociatedColdKey);
  }
};

/** A free uid, or that of the smallest stake, which has to be smaller. */
const place = (ctx: Context, hotkey: Uint8Array): number => {
  if (ctx.get(storage.SubnetworkN, ROOT) < ctx.get(storage.MaxAllowedUids, ROOT)) {
    return appendNeuron(ctx, ROOT, hotkey);
  }
  const stakes = hotkeysOf(ctx, ROOT).map((other, uid) => ({ uid, rao: alphaOf(ctx, other, ROOT) }));
  const [lowest] = stakes.sort((a, b) => (a.rao < b.rao ? -1 : a.rao > b.rao ? 1 : a.uid - b.uid));
  if (lowest === undefined || lowest.rao >= alphaOf(ctx, hotkey, ROOT)) {
    throw new ModuleError(errors.StakeTooLowForRoot);
  }
  replaceNeuron(ctx, ROOT, lowest.uid, hotkey);
  return lowest.uid;
};

/** Whoever is on root is a delegate, with the default take. */
const becomeDelegate = (ctx: Context, hotkey: Uint8Array, coldkey: Uint8Array): void => {
  if (!ctx.has(storage.Delegates, hotkey)) {
    const take = ctx.get(storage.MaxDelegateTake);
    ctx.put(storage.Delegates, hotkey, take);
    ctx.emit(events.DelegateAdded, [coldkey, hotkey, take]);
  }
};

const register = (ctx: Context, hotkey: Uint8Array, origin: Origin): void => {
  const coldkey = ensureSigned(origin);
  ensureRegistrable(ctx, hotkey, coldkey);
  associateHotkey(ctx, hotkey, coldkey);
  const uid = place(ctx, hotkey);
  becomeDelegate(ctx, hotkey, coldkey);
  for (const item of [storage.RegistrationsThisBlock, storage.RegistrationsThisInterval]) {
    ctx.put(item, ROOT, ctx.get(item, ROOT) + 1);
  }
  ctx.emit(events.NeuronRegistered, [ROOT, uid, hotkey]);
};

export const rootCalls = {
  root_register: call({
    index: 62,
    args: { hotkey: accountId },
    pays: true,
    dispatch: (ctx, { hotkey }, origin) => register(ctx, hotkey, origin),
  }),
};
