/**
 * What becomes of a validator's dividends: shared with the parents who lend it stake, split into the part earned by
 * alpha and the part earned by root TAO, less the take of the hotkey's owner.
 *
 * All in rao with 32 fraction bits (U96F32), floored at each step. Root's part is booked as claimable; the calls with
 * which stakers claim it are not part of the embedded chain.
 * Source: pallets/subtensor/src/coinbase/run_coinbase.rs.
 */
import type { Context, ReadContext } from '../pallet.ts';
import { recycleAlpha } from './market.ts';
import { alphaOf, increaseStake, proportionBits, rewardStakers } from './stake.ts';
import { ROOT, storage } from './storage.ts';
import { isSameAccount } from './subnets.ts';

const ONE = 1n << 32n;
const U16_MAX = 65_535n;

const multiply = (a: bigint, b: bigint): bigint => (a * b) >> 32n;
/** 0 when there is nothing to divide by. */
const divide = (a: bigint, b: bigint): bigint => (b === 0n ? 0n : (a << 32n) / b);
const takeBits = (take: number): bigint => (BigInt(take) << 32n) / U16_MAX;
export const taoWeightBits = (ctx: ReadContext): bigint => proportionBits(ctx.get(storage.TaoWeight));

/** Hotkeys with an amount each, in order of appearance. */
export type Amounts = ReadonlyMap<string, { readonly hotkey: Uint8Array; readonly bits: bigint }>;
type MutableAmounts = Map<string, { readonly hotkey: Uint8Array; readonly bits: bigint }>;
const keyOf = (hotkey: Uint8Array): string => Buffer.from(hotkey).toString('latin1');
const add = (amounts: MutableAmounts, hotkey: Uint8Array, bits: bigint): void => {
  const key = keyOf(hotkey);
  amounts.set(key, { hotkey, bits: (amounts.get(key)?.bits ?? 0n) + bits });
};
const sumOf = (amounts: Amounts): bigint => [...amounts.values()].reduce((sum, { bits }) => sum + bits, 0n);

/** Stake with which a hotkey contributes to itself or to a child, weighted, given the proportion that it contributes. */
const contribution = (
  ctx: ReadContext,
  { hotkey, netuid, share }: { hotkey: Uint8Array; netuid: number; share: bigint },
): bigint => {
  const alpha = alphaOf(ctx, hotkey, netuid) * share;
  const root = multiply(alphaOf(ctx, hotkey, ROOT) * share, taoWeightBits(ctx));
  return alpha + root;
};

const selfContribution = (ctx: ReadContext, hotkey: Uint8Array, netuid: number): bigint => {
  const given = ctx
    .get(storage.ChildKeys, hotkey, netuid)
    .reduce((sum, [proportion]) => sum + proportionBits(proportion), 0n);
  const share = given > ONE ? 0n : ONE - given;
  return (contribution(ctx, { hotkey, netuid, share }) >> 32n) << 32n; // whole rao, as on the chain
};

type Payout = { readonly hotkey: Uint8Array; readonly rao: bigint };
/**
 * Whole rao for each parent of a hotkey, in proportion to the stake that it lends, and what remains for the hotkey,
 * last. A child of another coldkey keeps its childkey take; `CKBurn` of that part is recycled.
 */
export const splitAmongParents = (
  ctx: Context,
  { hotkey, netuid, rao }: { hotkey: Uint8Array; netuid: number; rao: bigint },
): Payout[] => {
  const parents = ctx.get(storage.ParentKeys, hotkey, netuid).map(([proportion, parent]) => ({
    parent,
    stake: contribution(ctx, { hotkey: parent, netuid, share: proportionBits(proportion) }),
  }));
  const whole = rao << 32n;
  if (parents.length === 0) {
    return [{ hotkey, rao }];
  }
  const owner = ctx.get(storage.Owner, hotkey);
  const childTake = takeBits(ctx.get(storage.ChildkeyTake, hotkey, netuid));
  const burned = proportionBits(ctx.get(storage.CKBurn));
  const total = parents.reduce((sum, { stake }) => sum + stake, selfContribution(ctx, hotkey, netuid));
  let remaining = whole;
  let taken = 0n;
  const payouts = parents.map(({ parent, stake }): Payout => {
    const due = multiply(whole, divide(stake, total));
    remaining -= due;
    if (isSameAccount(ctx.get(storage.Owner, parent), owner)) {
      return { hotkey: parent, rao: due >> 32n };
    }
    const burn = multiply(burned, due);
    const take = multiply(childTake, due);
    taken += take;
    recycleAlpha(ctx, netuid, burn >> 32n);
    return { hotkey: parent, rao: (due - burn - take) >> 32n };
  });
  return [...payouts, { hotkey, rao: (remaining + taken) >> 32n }];
};

/** Dividends by hotkey after parents got theirs, split by alpha stake against weighted root stake. */
const splitByStake = (ctx: ReadContext, netuid: number, dividends: Amounts) => {
  const alphaParts: MutableAmounts = new Map();
  const rootParts: MutableAmounts = new Map();
  const weight = taoWeightBits(ctx);
  for (const { hotkey, bits } of dividends.values()) {
    const alpha = alphaOf(ctx, hotkey, netuid) << 32n;
    const root = alphaOf(ctx, hotkey, ROOT) * weight;
    const rootPart = multiply(bits, divide(root, alpha + root));
    add(alphaParts, hotkey, bits - rootPart);
    add(rootParts, hotkey, rootPart);
  }
  return { alphaParts, rootParts };
};

/** A pot shared out in proportion to amounts. */
const shareOut = (amounts: Amounts, potRao: bigint): Amounts => {
  const total = sumOf(amounts);
  const shared: MutableAmounts = new Map();
  for (const { hotkey, bits } of amounts.values()) {
    add(shared, hotkey, multiply(potRao << 32n, divide(bits, total)));
  }
  return shared;
};

const splitTake = (ctx: ReadContext, hotkey: Uint8Array, bits: bigint) => {
  const take = multiply(takeBits(ctx.get(storage.Delegates, hotkey)), bits);
  return { takeRao: take >> 32n, restRao: (bits - take) >> 32n };
};

const payAlpha = (ctx: Context, netuid: number, payouts: Amounts): void => {
  ctx.clear(storage.AlphaDividendsPerSubnet, netuid);
  for (const { hotkey, bits } of payouts.values()) {
    const { takeRao, restRao } = splitTake(ctx, hotkey, bits);
    const position = { hotkey, coldkey: ctx.get(storage.Owner, hotkey), netuid };
    increaseStake(ctx, position, takeRao);
    if (restRao > 0n) {
      rewardStakers(ctx, position, restRao);
      ctx.put(storage.AlphaDividendsPerSubnet, netuid, hotkey, restRao);
    }
  }
};

/** Raises what one rao of a hotkey's root stake may claim of a subnet's alpha. */
const bookClaimable = (ctx: Context, netuid: number, hotkey: Uint8Array, rao: bigint): void => {
  const rate = divide(rao << 32n, alphaOf(ctx, hotkey, ROOT) << 32n);
  if (rate === 0n) {
    recycleAlpha(ctx, netuid, rao);
    return;
  }
  const known = new Map(ctx.get(storage.RootClaimable, hotkey).map(([key, { bits }]) => [key, bits]));
  known.set(netuid, (known.get(netuid) ?? 0n) + rate);
  const sorted = [...known].sort(([a], [b]) => a - b).map(([key, bits]) => [key, { bits }] as const);
  ctx.put(storage.RootClaimable, hotkey, sorted);
};

const payRoot = (ctx: Context, netuid: number, payouts: Amounts): void => {
  ctx.clear(storage.RootAlphaDividendsPerSubnet, netuid);
  for (const { hotkey, bits } of payouts.values()) {
    const { takeRao, restRao } = splitTake(ctx, hotkey, bits);
    increaseStake(ctx, { hotkey, coldkey: ctx.get(storage.Owner, hotkey), netuid }, takeRao);
    if (restRao > 0n) {
      bookClaimable(ctx, netuid, hotkey, restRao);
      ctx.put(storage.RootAlphaDividendsPerSubnet, netuid, hotkey, restRao);
    }
  }
};

/**
 * Pays the validators of a subnet.
 *
 * @param dividends rao by hotkey as the epoch found them: they only decide the proportions
 * @param pots alpha rao that alpha stake and root stake have earned since the last epoch
 */
export const payDividends = (
  ctx: Context,
  netuid: number,
  dividends: readonly Payout[],
  pots: { readonly alphaRao: bigint; readonly rootRao: bigint },
): void => {
  const earned: MutableAmounts = new Map();
  for (const { hotkey, rao } of dividends) {
    for (const payout of rao === 0n ? [] : splitAmongParents(ctx, { hotkey, netuid, rao })) {
      add(earned, payout.hotkey, payout.rao << 32n);
    }
  }
  const { alphaParts, rootParts } = splitByStake(ctx, netuid, earned);
  payAlpha(ctx, netuid, shareOut(alphaParts, pots.alphaRao));
  if (sumOf(rootParts) === 0n) {
    recycleAlpha(ctx, netuid, pots.rootRao);
    payRoot(ctx, netuid, new Map());
  } else {
    payRoot(ctx, netuid, shareOut(rootParts, pots.rootRao));
  }
};
