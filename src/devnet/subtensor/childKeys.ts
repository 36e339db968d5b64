/**
 * Child keys: a hotkey lends proportions of its stake on a subnet to other hotkeys, which validate with it.
 *
 * Source: pallets/subtensor/src/staking/set_children.rs.
 */
import { accountId } from '../chainTypes.ts';
import { type Context, call, ensureSigned, ModuleError, type ReadContext } from '../pallet.ts';
import { tuple, u16, u64, vec } from '../scale.ts';
import { errors } from './errors.ts';
import { events } from './events.ts';
import { ensureWithinLimit, recordChange } from './ownership.ts';
import { U64_MAX } from './stake.ts';
import { ROOT, storage } from './storage.ts';
import { isOwnerHotkey, isSameAccount, subnetExists } from './subnets.ts';

/** (proportion of 2^64 − 1, account) */
type Link = readonly [bigint, Uint8Array];
type Place = { readonly netuid: number; readonly hotkey: Uint8Array };
const MAX_CHILDREN = 5;

const compareAccounts = (a: Uint8Array, b: Uint8Array): number => Buffer.compare(a, b);
const without = (links: readonly Link[], account: Uint8Array): Link[] =>
  links.filter(([, other]) => !isSameAccount(other, account));
const includes = (links: readonly Link[], account: Uint8Array): boolean =>
  links.some(([, other]) => isSameAccount(other, account));

/** At most 5, not itself, at most everything, and nobody who lends to it. */
const ensureConsistent = (ctx: ReadContext, { netuid, hotkey }: Place, children: readonly Link[]): void => {
  if (children.length > MAX_CHILDREN) {
    throw new ModuleError(errors.TooManyChildren);
  }
  if (includes(children, hotkey)) {
    throw new ModuleError(errors.InvalidChild);
  }
  if (children.reduce((sum, [proportion]) => sum + proportion, 0n) > U64_MAX) {
    throw new ModuleError(errors.ProportionOverflow);
  }
  const parents = ctx.get(storage.ParentKeys, hotkey, netuid);
  if (children.some(([, child]) => includes(parents, child))) {
    throw new ModuleError(errors.ChildParentInconsistency);
  }
};

const isDuplicated = (children: readonly Link[]): boolean =>
  children.some(([, child], i) => includes(children.slice(i + 1), child));

/** Stake on all subnets and root, at a price of 1, without what others lend. */
const ownStakeRao = (ctx: ReadContext, hotkey: Uint8Array): bigint =>
  ctx.iterate(storage.TotalHotkeyAlpha, hotkey).reduce((sum, { value }) => sum + value, 0n);

const mayHaveChildren = (ctx: ReadContext, { netuid, hotkey }: Place): boolean =>
  isOwnerHotkey(ctx, netuid, hotkey) || ownStakeRao(ctx, hotkey) >= ctx.get(storage.StakeThreshold);

/** Writes the links of a hotkey and their other ends, which are kept sorted by account as the chain's maps are. */
const linkChildren = (ctx: Context, { netuid, hotkey }: Place, children: readonly Link[]): void => {
  const previous = ctx.get(storage.ChildKeys, hotkey, netuid);
  const sorted = [...children].sort(([, a], [, b]) => compareAccounts(a, b));
  ctx.put(storage.ChildKeys, hotkey, netuid, sorted);
  for (const [, child] of previous.filter(([, old]) => !includes(children, old))) {
    const parents = without(ctx.get(storage.ParentKeys, child, netuid), hotkey);
    ctx.put(storage.ParentKeys, child, netuid, parents);
  }
  for (const [proportion, child] of sorted) {
    const others = without(ctx.get(storage.ParentKeys, child, netuid), hotkey);
    ctx.put(storage.ParentKeys, child, netuid, [...others, [proportion, hotkey]]);
  }
  ctx.emit(events.SetChildren, [hotkey, netuid, sorted]);
};

/** Like `linkChildren` for children that were scheduled: what became inconsistent meanwhile is dropped. */
const linkIfConsistent = (ctx: Context, place: Place, children: readonly Link[]): void => {
  try {
    ensureConsistent(ctx, place, children);
  } catch (error) {
    if (error instanceof ModuleError) {
      return;
    }
    throw error;
  }
  linkChildren(ctx, place, children);
};

/** After an epoch: children whose cooldown is over take effect. */
export const applyPendingChildren = (ctx: Context, netuid: number): void => {
  for (const { keys, value } of ctx.iterate(storage.PendingChildKeys, netuid)) {
    const [children, fromBlock] = value;
    if (fromBlock < BigInt(ctx.block)) {
      linkIfConsistent(ctx, { netuid, hotkey: keys[1] }, children);
      ctx.remove(storage.PendingChildKeys, ...keys);
    }
  }
};

/** At once before the subnet's start call, else with the first epoch after the cooldown. */
const schedule = (ctx: Context, place: Place, children: readonly Link[]): void => {
  const { netuid, hotkey } = place;
  if (!ctx.get(storage.SubtokenEnabled, netuid)) {
    linkChildren(ctx, place, children);
    return;
  }
  const fromBlock = BigInt(ctx.block) + ctx.get(storage.PendingChildKeyCooldown);
  const list = [...children];
  ctx.put(storage.PendingChildKeys, netuid, hotkey, [list, fromBlock]);
  ctx.emit(events.SetChildrenScheduled, [hotkey, netuid, fromBlock, list]);
};

const setChildren = (ctx: Context, place: Place, children: readonly Link[], coldkey: Uint8Array): void => {
  const { netuid, hotkey } = place;
  const change = { netuid, account: hotkey, limited: { transaction: 'setChildren' } } as const;
  ensureWithinLimit(ctx, change);
  if (netuid === ROOT) {
    throw new ModuleError(errors.RegistrationNotPermittedOnRootSubnet);
  }
  if (!subnetExists(ctx, netuid)) {
    throw new ModuleError(errors.SubnetNotExists);
  }
  if (!isSameAccount(ctx.get(storage.Owner, hotkey), coldkey)) {
    throw new ModuleError(errors.NonAssociatedColdKey);
  }
  if (isDuplicated(children)) {
    throw new ModuleError(errors.DuplicateChild);
  }
  ensureConsistent(ctx, place, children);
  if (children.length > 0 && !mayHaveChildren(ctx, place)) {
    throw new ModuleError(errors.NotEnoughStakeToSetChildkeys);
  }
  recordChange(ctx, change);
  schedule(ctx, place, children);
};

export const childKeyCalls = {
  set_children: call({
    index: 67,
    args: { hotkey: accountId, netuid: u16, children: vec(tuple(u64, accountId)) },
    pays: true,
    dispatch: (ctx, { hotkey, netuid, children }, origin) =>
      setChildren(ctx, { netuid, hotkey }, children, ensureSigned(origin)),
  }),
};
