/**
 * Stake: alpha of hotkeys, shares of coldkeys in it, and the weight of stake with what parents lend and children take.
 *
 * Source: pallets/subtensor/src/staking/stake_utils.rs.
 */
import type { I64F64 } from '../../domain/fixed.ts';
import { stakeWeight, stakeWeightRao } from '../../domain/stakeWeight.ts';
import type { Context, ReadContext } from '../pallet.ts';
import { ROOT, storage } from './storage.ts';
import { hotkeysOf, isOwnerHotkey } from './subnets.ts';

export const U64_MAX = (1n << 64n) - 1n;
/** A proportion of 2^64 − 1 with 32 fraction bits, as U96F32 keeps it. */
export const proportionBits = (proportion: bigint): bigint => (proportion << 32n) / U64_MAX;

/** Alpha rao of a hotkey on a subnet, of all who stake to it; root TAO rao under netuid 0. */
export const alphaOf = (ctx: ReadContext, hotkey: Uint8Array, netuid: number): bigint =>
  ctx.get(storage.TotalHotkeyAlpha, hotkey, netuid);

type Links = readonly (readonly [bigint, Uint8Array])[];
/** Own stake less what children take plus what parents lend, whole rao; `stakeNetuid` is the subnet or root. */
const inherited = (
  ctx: ReadContext,
  hotkey: Uint8Array,
  stakeNetuid: number,
  { parents, children }: { readonly parents: Links; readonly children: Links },
): bigint => {
  const own = alphaOf(ctx, hotkey, stakeNetuid);
  if (parents.length === 0 && children.length === 0) {
    return own;
  }
  const away = children.reduce((sum, [proportion]) => sum + own * proportionBits(proportion), 0n);
  const lent = parents.reduce(
    (sum, [proportion, parent]) => sum + alphaOf(ctx, parent, stakeNetuid) * proportionBits(proportion),
    0n,
  );
  const left = (own << 32n) - away;
  return ((left < 0n ? 0n : left) + lent) >> 32n;
};

/** Alpha and root TAO in rao that count for a hotkey on a subnet, after inheritance along the subnet's links. */
export const inheritedStake = (
  ctx: ReadContext,
  netuid: number,
  hotkey: Uint8Array,
): { readonly alphaRao: bigint; readonly taoRao: bigint } => {
  const links = {
    parents: ctx.get(storage.ParentKeys, hotkey, netuid),
    children: ctx.get(storage.ChildKeys, hotkey, netuid),
  };
  return {
    alphaRao: inherited(ctx, hotkey, netuid, links),
    taoRao: inherited(ctx, hotkey, ROOT, links),
  };
};

/** Stake weight on a subnet, I64F64 rao: alpha and root TAO times TaoWeight. */
export const stakeWeightOf = (ctx: ReadContext, netuid: number, hotkey: Uint8Array): I64F64 =>
  stakeWeight({ ...inheritedStake(ctx, netuid, hotkey), taoWeight: ctx.get(storage.TaoWeight) });

/** Stake weights by uid. */
export const stakeWeights = (ctx: ReadContext, netuid: number): I64F64[] => {
  const taoWeight = ctx.get(storage.TaoWeight);
  return hotkeysOf(ctx, netuid).map((hotkey) =>
    stakeWeight({ ...inheritedStake(ctx, netuid, hotkey), taoWeight }),
  );
};

/** At least StakeThreshold, or the subnet owner's hotkey. Source: `check_weights_min_stake`. */
export const hasStakeForWeights = (ctx: ReadContext, netuid: number, hotkey: Uint8Array): boolean =>
  isOwnerHotkey(ctx, netuid, hotkey) ||
  stakeWeightRao(stakeWeightOf(ctx, netuid, hotkey)) >= ctx.get(storage.StakeThreshold);

export type Position = {
  readonly hotkey: Uint8Array;
  readonly coldkey: Uint8Array;
  readonly netuid: number;
};

const rememberStaking = (ctx: Context, { hotkey, coldkey }: Position): void => {
  const known = ctx.get(storage.StakingHotkeys, coldkey);
  if (!known.some((other) => Buffer.compare(other, hotkey) === 0)) {
    ctx.put(storage.StakingHotkeys, coldkey, [...known, hotkey]);
  }
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
  const alpha = alphaOf(ctx, hotkey, netuid);
  const shares = ctx.get(storage.TotalHotkeySharesV2, hotkey, netuid).mantissa;
  const bought = alpha === 0n || shares === 0n ? alphaRao : (alphaRao * shares) / alpha;
  const own = ctx.get(storage.AlphaV2, hotkey, coldkey, netuid).mantissa;
  if (own === 0n) {
    rememberStaking(ctx, position);
  }
  ctx.put(storage.TotalHotkeyAlpha, hotkey, netuid, alpha + alphaRao);
  ctx.put(storage.TotalHotkeySharesV2, hotkey, netuid, { mantissa: shares + bought, exponent: 0n });
  ctx.put(storage.AlphaV2, hotkey, coldkey, netuid, { mantissa: own + bought, exponent: 0n });
};

/** Takes alpha, at most what `stakeOf` says, from a coldkey's shares; they are rounded in favour of the others. */
export const decreaseStake = (ctx: Context, position: Position, alphaRao: bigint): void => {
  const { hotkey, coldkey, netuid } = position;
  const alpha = alphaOf(ctx, hotkey, netuid);
  const shares = ctx.get(storage.TotalHotkeySharesV2, hotkey, netuid).mantissa;
  const own = ctx.get(storage.AlphaV2, hotkey, coldkey, netuid).mantissa;
  const needed = alpha === 0n ? own : (alphaRao * shares + alpha - 1n) / alpha;
  const sold = alphaRao >= stakeOf(ctx, position) || needed > own ? own : needed;
  if (sold === own) {
    ctx.remove(storage.AlphaV2, hotkey, coldkey, netuid);
  } else {
    ctx.put(storage.AlphaV2, hotkey, coldkey, netuid, { mantissa: own - sold, exponent: 0n });
  }
  if (sold === shares) {
    ctx.remove(storage.TotalHotkeySharesV2, hotkey, netuid);
  } else {
    ctx.put(storage.TotalHotkeySharesV2, hotkey, netuid, { mantissa: shares - sold, exponent: 0n });
  }
  ctx.put(storage.TotalHotkeyAlpha, hotkey, netuid, alpha - alphaRao);
};

/** Adds alpha to all who stake to a hotkey, pro rata: the shares stay and become worth more. */
export const rewardStakers = (ctx: Context, position: Position, alphaRao: bigint): void => {
  const { hotkey, netuid } = position;
  if (ctx.get(storage.TotalHotkeySharesV2, hotkey, netuid).mantissa === 0n) {
    increaseStake(ctx, position, alphaRao);
    return;
  }
  ctx.put(storage.TotalHotkeyAlpha, hotkey, netuid, alphaOf(ctx, hotkey, netuid) + alphaRao);
};

/** Alpha rao that a coldkey's shares under a hotkey are worth. */
export const stakeOf = (ctx: ReadContext, position: Position): bigint => {
  const { hotkey, coldkey, netuid } = position;
  const shares = ctx.get(storage.TotalHotkeySharesV2, hotkey, netuid).mantissa;
  const own = ctx.get(storage.AlphaV2, hotkey, coldkey, netuid).mantissa;
  return shares === 0n ? 0n : (alphaOf(ctx, hotkey, netuid) * own) / shares;
};
