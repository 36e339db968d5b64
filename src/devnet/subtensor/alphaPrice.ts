/** Price of alpha. Source: pallets/swap/src/pallet/impls.rs. */
import type { ReadContext } from '../pallet.ts';
import { storage } from './storage.ts';

const RAO_PER_TAO = 1_000_000_000n;
/** `SubnetMechanism` of subnets with a pool; the others, root among them, trade one for one. */
const DYNAMIC = 1;

/**
 * TAO rao for one alpha: the pool's ratio, since the two sides weigh the same unless liquidity was added one-sided,
 * which nothing does here. 0 for an empty pool.
 */
export const alphaPriceRao = (ctx: ReadContext, netuid: number): bigint => {
  if (ctx.get(storage.SubnetMechanism, netuid) !== DYNAMIC) {
    return RAO_PER_TAO;
  }
  const alpha = ctx.get(storage.SubnetAlphaIn, netuid);
  return alpha === 0n ? 0n : (ctx.get(storage.SubnetTAO, netuid) * RAO_PER_TAO) / alpha;
};
