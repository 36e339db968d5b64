/** Stake: alpha of hotkeys, shares of coldkeys in it, stake weight. Child keys are not modelled. */
import type { I64F64 } from '../../domain/fixed.ts';
import { stakeWeight, stakeWeightRao } from '../../domain/stakeWeight.ts';
import type { Context, ReadContext } from '../pallet.ts';
import { ROOT, storage } from './storage.ts';
import { hotkeysOf, isOwnerHotkey } from './subnets.ts';

/** Stake weight on a subnet, I64F64 rao. Source: pallets/subtensor/src/staking/stake_utils.rs. */
export const stakeWeightOf = (ctx: ReadContext, netuid: number, hotkey: Uint8Array): I64F64 =>
  stakeWeight({
    alphaRao: ctx.get(storage.TotalHotkeyAlpha, hotkey, netuid),
    taoRao: ctx.get(storage.TotalHotkeyAlpha, hotkey, ROOT),
    taoWeight: ctx.get(storage.TaoWeight),
  });

/** Stake weights by uid. */
export const stakeWeights = (ctx: ReadContext, netuid: number): I64F64[] =>
  hotkeysOf(ctx, netuid).map((hotkey) => stakeWeightOf(ctx, netuid, hotkey));

/** At least StakeThreshold, or the subnet owner's hotkey. Source: `check_weights_min_stake`. */
export const hasStakeForWeights = (ctx: ReadContext, netuid: number, hotkey: Uint8Array): boolean =>
  isOwnerHotkey(ctx, netuid, hotkey) ||
  stakeWeightRao(stakeWeightOf(ctx, netuid, hotkey)) >= ctx.get(storage.StakeThreshold);

type Position = {
  readonly hotkey: Uint8Array;
  readonly coldkey: Uint8Array;
  readonly netuid: number;
};

/**
 * Adds alpha to a hotkey in the name of a coldkey, which gets shares at the present price (alpha per share). Shares
 * are kept as whole numbers, so their SafeFloat exponent is 0.
 */
export const increaseStake = (ctx: Context, position: Position, alphaRao: bigint): void => {
  if (alphaRao === 0n) {
    return;
  }
  const { hotkey, coldkey, netuid } = position;
  const alpha = ctx.get(storage.TotalHotkeyAlpha, hotkey, netuid);
  const shares = ctx.get(storage.TotalHotkeySharesV2, hotkey, netuid).mantissa;
  const bought = alpha === 0n || shares === 0n ? alphaRao : (alphaRao * shares) / alpha;
  const own = ctx.get(storage.AlphaV2, hotkey, coldkey, netuid).mantissa;
  ctx.put(storage.TotalHotkeyAlpha, hotkey, netuid, alpha + alphaRao);
  ctx.put(storage.TotalHotkeySharesV2, hotkey, netuid, { mantissa: shares + bought, exponent: 0n });
  ctx.put(storage.AlphaV2, hotkey, coldkey, netuid, { mantissa: own + bought, exponent: 0n });
};

/** Adds alpha to all who stake to a hotkey, pro rata: the shares stay and become worth more. */
export const rewardStakers = (ctx: Context, position: Position, alphaRao: bigint): void => {
  const { hotkey, netuid } = position;
  if (ctx.get(storage.TotalHotkeySharesV2, hotkey, netuid).mantissa === 0n) {
    increaseStake(ctx, position, alphaRao);
    return;
  }
  const alpha = ctx.get(storage.TotalHotkeyAlpha, hotkey, netuid);
  ctx.put(storage.TotalHotkeyAlpha, hotkey, netuid, alpha + alphaRao);
};

/** Alpha rao that a coldkey's shares under a hotkey are worth. */
export const stakeOf = (ctx: ReadContext, position: Position): bigint => {
  const { hotkey, coldkey, netuid } = position;
  const shares = ctx.get(storage.TotalHotkeySharesV2, hotkey, netuid).mantissa;
  const own = ctx.get(storage.AlphaV2, hotkey, coldkey, netuid).mantissa;
  return shares === 0n ? 0n : (ctx.get(storage.TotalHotkeyAlpha, hotkey, netuid) * own) / shares;
};
