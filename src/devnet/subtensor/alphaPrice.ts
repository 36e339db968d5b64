/** Price of alpha and what swaps would give. Source: pallets/swap/src/pallet/impls.rs. */
import type { ReadContext } from '../pallet.ts';
import { struct, u64 } from '../scale.ts';
import { alphaFor, isDynamic, taoFor } from './market.ts';
import { storage } from './storage.ts';

const RAO_PER_TAO = 1_000_000_000n;

/** All in rao. Fees are 0: nothing takes any here. */
export const simSwapResult = struct('pallet_subtensor_swap_runtime_api::SimSwapResult', {
  taoAmount: u64,
  alphaAmount: u64,
  taoFee: u64,
  alphaFee: u64,
});
const NO_FEES = { taoFee: 0n, alphaFee: 0n };

/** TAO rao for one alpha: the ratio of the pool, one for one at a stable price. 0 for an empty pool. */
export const alphaPriceRao = (ctx: ReadContext, netuid: number): bigint => {
  if (!isDynamic(ctx, netuid)) {
    return RAO_PER_TAO;
  }
  const alpha = ctx.get(storage.SubnetAlphaIn, netuid);
  return alpha === 0n ? 0n : (ctx.get(storage.SubnetTAO, netuid) * RAO_PER_TAO) / alpha;
};

/** What a swap would give at this moment. */
export const simulateBuying = (ctx: ReadContext, netuid: number, taoRao: bigint) => ({
  ...NO_FEES,
  taoAmount: taoRao,
  alphaAmount: alphaFor(ctx, netuid, taoRao),
});
export const simulateSelling = (ctx: ReadContext, netuid: number, alphaRao: bigint) => ({
  ...NO_FEES,
  taoAmount: taoFor(ctx, netuid, alphaRao),
  alphaAmount: alphaRao,
});
