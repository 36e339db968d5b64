/**
 * Price of a registration: halves every BurnHalfLife blocks, is multiplied by BurnIncreaseMult at each registration.
 *
 * Source: pallets/subtensor/src/subnets/registration.rs.
 */
import type { Context, ReadContext } from '../pallet.ts';
import { storage } from './storage.ts';
import { subnetsInOrder } from './subnets.ts';

const ONE = 1n << 32n;
const HALF = 1n << 31n;
/** The price stays through the first block. */
const FIRST_DECAY_BLOCK = 2;

/** base^exponent in Q32 by square-and-multiply, floored at each step. */
const powerQ32 = (base: bigint, exponent: number): bigint => {
  let result = ONE;
  let square = base;
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) {
      result = (result * square) >> 32n;
    }
    square = (square * square) >> 32n;
  }
  return result;
};

const factors = new Map<number, bigint>();

/** Largest Q32 number whose `halfLifeBlocks`-th power is at most one half; 0 blocks leave the price alone. */
export const decayFactor = (halfLifeBlocks: number): bigint => {
  if (halfLifeBlocks === 0) {
    return ONE;
  }
  const known = factors.get(halfLifeBlocks);
  if (known !== undefined) {
    return known;
  }
  let low = 0n;
  let high = ONE;
  while (low < high) {
    const middle = (low + high + 1n) / 2n;
    if (powerQ32(middle, halfLifeBlocks) <= HALF) {
      low = middle;
    } else {
      high = middle - 1n;
    }
  }
  factors.set(halfLifeBlocks, low);
  return low;
};

const clampBurn = (ctx: ReadContext, netuid: number, rao: bigint): bigint => {
  const min = ctx.get(storage.MinBurn, netuid);
  const max = ctx.get(storage.MaxBurn, netuid);
  if (rao < min) {
    return min;
  }
  return rao > max ? max : rao;
};

export const decayBurnPrices = (ctx: Context): void => {
  if (ctx.block < FIRST_DECAY_BLOCK) {
    return;
  }
  for (const netuid of subnetsInOrder(ctx)) {
    const factor = decayFactor(ctx.get(storage.BurnHalfLife, netuid));
    const next = (ctx.get(storage.Burn, netuid) * factor) >> 32n;
    ctx.put(storage.Burn, netuid, clampBurn(ctx, netuid, next));
  }
};

export const raiseBurnPrice = (ctx: Context, netuid: number): void => {
  const next = (ctx.get(storage.Burn, netuid) * ctx.get(storage.BurnIncreaseMult, netuid).bits) >> 64n;
  ctx.put(storage.Burn, netuid, clampBurn(ctx, netuid, next));
};
