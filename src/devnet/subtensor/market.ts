/**
 * TAO for alpha and back. By `SubnetMechanism`: 0, which every subnet has unless genesis says otherwise, and root, swap
 * one for one without slippage; 1 swaps against the product of the two reserves.
 *
 * Simplified against the chain (docs/adr/0018): subnets created there are of mechanism 1, their pool weighs both sides,
 * takes a fee of 33/65535 and gets TAO from emission. Nothing of that happens here, so a stable price is the default:
 * stake then is worth what was paid for it, whatever the pool of a fresh subnet holds.
 *
 * Sources: pallets/subtensor/src/staking/stake_utils.rs, pallets/swap/src/pallet/impls.rs.
 */
import { type Context, ModuleError, type ReadContext } from '../pallet.ts';
import { errors } from './errors.ts';
import { ROOT, storage } from './storage.ts';

const DYNAMIC = 1;
const RAO_PER_TAO = 1_000_000_000n;
const U64_MAX = (1n << 64n) - 1n;

export const isDynamic = (ctx: ReadContext, netuid: number): boolean =>
  netuid !== ROOT && ctx.get(storage.SubnetMechanism, netuid) === DYNAMIC;

/** What `amount` buys when it is added to `reserve`: the other reserve shrinks to keep the product, rounded up. */
const swapOut = (amount: bigint, reserve: bigint, otherReserve: bigint): bigint => {
  const sum = reserve + amount;
  return sum === 0n ? 0n : otherReserve - (reserve * otherReserve + sum - 1n) / sum;
};

/** Alpha rao for TAO rao. */
export const alphaFor = (ctx: ReadContext, netuid: number, taoRao: bigint): bigint =>
  isDynamic(ctx, netuid)
    ? swapOut(taoRao, ctx.get(storage.SubnetTAO, netuid), ctx.get(storage.SubnetAlphaIn, netuid))
    : taoRao;
/** TAO rao for alpha rao. */
export const taoFor = (ctx: ReadContext, netuid: number, alphaRao: bigint): bigint =>
  isDynamic(ctx, netuid)
    ? swapOut(alphaRao, ctx.get(storage.SubnetAlphaIn, netuid), ctx.get(storage.SubnetTAO, netuid))
    : alphaRao;

/** ⌊√n⌋, Newton's method. */
const squareRoot = (n: bigint): bigint => {
  if (n < 2n) {
    return n;
  }
  let guess = 1n << BigInt(Math.ceil(n.toString(2).length / 2));
  for (let next = (guess + n / guess) >> 1n; next < guess; next = (guess + n / guess) >> 1n) {
    guess = next;
  }
  return guess;
};

/** TAO rao that may be spent until an alpha costs `limitRao` TAO rao; all or nothing at a stable price. */
export const maxTaoIn = (ctx: ReadContext, netuid: number, limitRao: bigint): bigint => {
  if (!isDynamic(ctx, netuid)) {
    return limitRao >= RAO_PER_TAO ? U64_MAX : 0n;
  }
  const tao = ctx.get(storage.SubnetTAO, netuid);
  const product = tao * ctx.get(storage.SubnetAlphaIn, netuid);
  const atLimit = squareRoot((product * limitRao) / RAO_PER_TAO);
  return atLimit > tao ? atLimit - tao : 0n;
};
/** Alpha rao that may be sold until an alpha brings `limitRao` TAO rao. */
export const maxAlphaIn = (ctx: ReadContext, netuid: number, limitRao: bigint): bigint => {
  if (!isDynamic(ctx, netuid)) {
    return limitRao <= RAO_PER_TAO ? U64_MAX : 0n;
  }
  if (limitRao === 0n) {
    return U64_MAX;
  }
  const alpha = ctx.get(storage.SubnetAlphaIn, netuid);
  const atLimit = squareRoot((alpha * ctx.get(storage.SubnetTAO, netuid) * RAO_PER_TAO) / limitRao);
  return atLimit > alpha ? atLimit - alpha : 0n;
};

type Counter =
  | typeof storage.SubnetTAO
  | typeof storage.SubnetAlphaIn
  | typeof storage.SubnetAlphaOut
  | typeof storage.SubnetVolume;
/** Counters do not go below 0: at a stable price more alpha is bought than the reserve holds. */
const change = (ctx: Context, item: Counter, netuid: number, rao: bigint): void => {
  const next = ctx.get(item, netuid) + rao;
  ctx.put(item, netuid, next < 0n ? 0n : next);
};
const changeTotalStake = (ctx: Context, rao: bigint): void => {
  const next = ctx.get(storage.TotalStake) + rao;
  ctx.put(storage.TotalStake, next < 0n ? 0n : next);
};

/** Puts TAO rao, which have been taken from somebody, into the pool and gives the alpha rao that come out. */
export const buyAlpha = (ctx: Context, netuid: number, taoRao: bigint): bigint => {
  const alpha = alphaFor(ctx, netuid, taoRao);
  change(ctx, storage.SubnetTAO, netuid, taoRao);
  change(ctx, storage.SubnetAlphaIn, netuid, -alpha);
  change(ctx, storage.SubnetAlphaOut, netuid, alpha);
  change(ctx, storage.SubnetVolume, netuid, taoRao);
  changeTotalStake(ctx, taoRao);
  return alpha;
};

/** The reverse. Throws InsufficientLiquidity when the pool has less TAO than it would pay. */
export const sellAlpha = (ctx: Context, netuid: number, alphaRao: bigint): bigint => {
  const tao = taoFor(ctx, netuid, alphaRao);
  if (tao > ctx.get(storage.SubnetTAO, netuid)) {
    throw new ModuleError(errors.InsufficientLiquidity);
  }
  change(ctx, storage.SubnetTAO, netuid, -tao);
  change(ctx, storage.SubnetAlphaIn, netuid, alphaRao);
  change(ctx, storage.SubnetAlphaOut, netuid, -alphaRao);
  change(ctx, storage.SubnetVolume, netuid, tao);
  changeTotalStake(ctx, -tao);
  return tao;
};

/** Alpha out of circulation, as if it had never been issued. */
export const recycleAlpha = (ctx: Context, netuid: number, alphaRao: bigint): void =>
  change(ctx, storage.SubnetAlphaOut, netuid, -alphaRao);
