/**
 * Staking: TAO into alpha under a hotkey and back, at once or up to a price. Root takes TAO as it is.
 *
 * Sources: pallets/subtensor/src/staking/add_stake.rs, remove_stake.rs, stake_utils.rs.
 */
import { deposit, EXISTENTIAL_DEPOSIT, freeBalance, withdraw } from '../balances.ts';
import { accountId } from '../chainTypes.ts';
import { type Context, call, ensureSigned, ModuleError, type Origin, type ReadContext } from '../pallet.ts';
import { bool, u16, u64 } from '../scale.ts';
import { errors } from './errors.ts';
import { events } from './events.ts';
import { buyAlpha, maxAlphaIn, maxTaoIn, sellAlpha, taoFor } from './market.ts';
import { associateHotkey } from './registration.ts';
import { decreaseStake, increaseStake, type Position, stakeOf } from './stake.ts';
import { storage } from './storage.ts';
import { subnetExists } from './subnets.ts';

/** rao of TAO below which nobody may stake or unstake (DefaultMinStake). */
const MIN_STAKE_RAO = 2_000_000n;
/** Pools take no fee here. */
const NO_FEE = 0n;

type Limit = { readonly priceRao: bigint; readonly allowPartial: boolean };
type Order = { readonly position: Position; readonly amountRao: bigint; readonly limit: Limit | undefined };

const ensureTradable = (ctx: ReadContext, netuid: number): void => {
  if (!subnetExists(ctx, netuid)) {
    throw new ModuleError(errors.SubnetNotExists);
  }
  if (!ctx.get(storage.SubtokenEnabled, netuid)) {
    throw new ModuleError(errors.SubtokenDisabled);
  }
};

/** The part of an order that its price limit lets through. */
const limited = ({ amountRao, limit }: Order, maxRao: bigint): bigint => {
  if (amountRao <= maxRao) {
    return amountRao;
  }
  if (limit?.allowPartial !== true || maxRao === 0n) {
    throw new ModuleError(errors.SlippageTooHigh);
  }
  return maxRao;
};

const addStake = (ctx: Context, order: Order): void => {
  const { position, amountRao, limit } = order;
  const { hotkey, coldkey, netuid } = position;
  ensureTradable(ctx, netuid);
  if (amountRao < MIN_STAKE_RAO) {
    throw new ModuleError(errors.AmountTooLow);
  }
  const taoRao = limited(order, limit === undefined ? amountRao : maxTaoIn(ctx, netuid, limit.priceRao));
  if (freeBalance(ctx, coldkey) < taoRao + EXISTENTIAL_DEPOSIT) {
    throw new ModuleError(errors.NotEnoughBalanceToStake);
  }
  if (!ctx.has(storage.Owner, hotkey)) {
    throw new ModuleError(errors.HotKeyAccountNotExists);
  }
  withdraw(ctx, coldkey, taoRao);
  const alphaRao = buyAlpha(ctx, netuid, taoRao);
  increaseStake(ctx, position, alphaRao);
  ctx.emit(events.StakeAdded, [coldkey, hotkey, taoRao, alphaRao, netuid, NO_FEE]);
};

const removeStake = (ctx: Context, order: Order): void => {
  const { position, amountRao, limit } = order;
  const { hotkey, coldkey, netuid } = position;
  ensureTradable(ctx, netuid);
  if (!ctx.has(storage.Owner, hotkey)) {
    throw new ModuleError(errors.HotKeyAccountNotExists);
  }
  if (amountRao > stakeOf(ctx, position)) {
    throw new ModuleError(errors.NotEnoughStakeToWithdraw);
  }
  if (taoFor(ctx, netuid, amountRao) < MIN_STAKE_RAO) {
    throw new ModuleError(errors.AmountTooLow);
  }
  const alphaRao = limited(order, limit === undefined ? amountRao : maxAlphaIn(ctx, netuid, limit.priceRao));
  const taoRao = sellAlpha(ctx, netuid, alphaRao);
  decreaseStake(ctx, position, alphaRao);
  deposit(ctx, coldkey, taoRao);
  ctx.emit(events.StakeRemoved, [coldkey, hotkey, taoRao, alphaRao, netuid, NO_FEE]);
};

type Args = { readonly hotkey: Uint8Array; readonly netuid: number };
const positionOf = ({ hotkey, netuid }: Args, origin: Origin): Position => ({
  hotkey,
  netuid,
  coldkey: ensureSigned(origin),
});

const place = { hotkey: accountId, netuid: u16 };
const limitArgs = { limitPrice: u64, allowPartial: bool };

export const stakingCalls = {
  add_stake: call({
    index: 2,
    args: { ...place, amountStaked: u64 },
    pays: true,
    dispatch: (ctx, args, origin) =>
      addStake(ctx, { position: positionOf(args, origin), amountRao: args.amountStaked, limit: undefined }),
  }),
  remove_stake: call({
    index: 3,
    args: { ...place, amountUnstaked: u64 },
    pays: true,
    dispatch: (ctx, args, origin) =>
      removeStake(ctx, {
        position: positionOf(args, origin),
        amountRao: args.amountUnstaked,
        limit: undefined,
      }),
  }),
  add_stake_limit: call({
    index: 88,
    args: { ...place, amountStaked: u64, ...limitArgs },
    pays: true,
    dispatch: (ctx, args, origin) =>
      addStake(ctx, {
        position: positionOf(args, origin),
        amountRao: args.amountStaked,
        limit: { priceRao: args.limitPrice, allowPartial: args.allowPartial },
      }),
  }),
  remove_stake_limit: call({
    index: 89,
    args: { ...place, amountUnstaked: u64, ...limitArgs },
    pays: true,
    dispatch: (ctx, args, origin) =>
      removeStake(ctx, {
        position: positionOf(args, origin),
        amountRao: args.amountUnstaked,
        limit: { priceRao: args.limitPrice, allowPartial: args.allowPartial },
      }),
  }),
  /** Makes the signer the owner of a hotkey that has none; nothing happens when it has one. */
  try_associate_hotkey: call({
    index: 91,
    args: { hotkey: accountId },
    pays: true,
    dispatch: (ctx, { hotkey }, origin) => associateHotkey(ctx, hotkey, ensureSigned(origin)),
  }),
};
