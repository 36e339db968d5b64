/**
 * Alpha that a subnet mints each block, and its way to stakers after an epoch.
 *
 * Simplified against the chain: no TAO is injected into pools (their price is stable, see market.ts), and miners have
 * no auto-stake destinations.
 * Sources: pallets/subtensor/src/coinbase/run_coinbase.rs, alpha.rs, block_emission.rs.
 */
import type { Context, ReadContext } from '../pallet.ts';
import { payDividends, taoWeightBits } from './dividends.ts';
import { isDynamic, recycleAlpha } from './market.ts';
import { increaseStake } from './stake.ts';
import { ROOT, storage } from './storage.ts';
import { hotkeysOf, isOwnerHotkey, isSameAccount, ownerHotkey, subnetsInOrder } from './subnets.ts';
import type { SubnetTerms } from './yumaRun.ts';

/** 1 alpha per block until half of the supply of 21 million exists, then halving. */
const BLOCK_EMISSION_RAO = 1_000_000_000n;
const MAX_ALPHA_RAO = 21_000_000_000_000_000n;
const U16_MAX = 65_535n;

/** Alpha rao minted per block at an issuance: 1 alpha, halved each time the remaining supply has halved. */
export const blockEmissionRao = (issuanceRao: bigint): bigint => {
  const remaining = MAX_ALPHA_RAO - issuanceRao;
  if (remaining <= 0n) {
    return 0n;
  }
  let halvings = 0n;
  while (remaining << (halvings + 1n) <= MAX_ALPHA_RAO) {
    halvings += 1n;
  }
  return BLOCK_EMISSION_RAO >> halvings;
};

const isEmitting = (ctx: ReadContext, netuid: number): boolean =>
  ctx.has(storage.FirstEmissionBlockNumber, netuid) &&
  ctx.get(storage.SubtokenEnabled, netuid) &&
  ctx.get(storage.NetworkRegistrationAllowed, netuid);

type Counter =
  | typeof storage.PendingServerEmission
  | typeof storage.PendingValidatorEmission
  | typeof storage.PendingRootAlphaDivs
  | typeof storage.PendingOwnerCut
  | typeof storage.SubnetAlphaOut;
const add = (ctx: Context, item: Counter, netuid: number, rao: bigint): void =>
  ctx.put(item, netuid, ctx.get(item, netuid) + rao);

const issuanceRao = (ctx: ReadContext, netuid: number): bigint =>
  ctx.get(storage.SubnetAlphaIn, netuid) + ctx.get(storage.SubnetAlphaOut, netuid);

/** Share of validators' emission that root TAO earns, 32 fraction bits: its weight against all alpha. */
const rootProportion = (ctx: ReadContext, netuid: number, rootTaoRao: bigint): bigint => {
  const weighted = rootTaoRao * taoWeightBits(ctx);
  const whole = weighted + (issuanceRao(ctx, netuid) << 32n);
  return whole === 0n ? 0n : (weighted << 32n) / whole;
};

/** Moving price of alpha, I96F32 TAO: 1 where the price is stable. */
const movingPrice = (ctx: ReadContext, netuid: number): bigint =>
  isDynamic(ctx, netuid) ? ctx.get(storage.SubnetMovingPrice, netuid).bits : 1n << 32n;

type BlockShares = { readonly isRootPaid: boolean; readonly rootTaoRao: bigint };

/** One block's alpha: the owner's cut first, then half for servers and half for validators, of which root has a part. */
const mint = (ctx: Context, netuid: number, { isRootPaid, rootTaoRao }: BlockShares): void => {
  const minted = blockEmissionRao(issuanceRao(ctx, netuid));
  ctx.put(storage.SubnetAlphaOutEmission, netuid, minted);
  add(ctx, storage.SubnetAlphaOut, netuid, minted);
  const cut = ctx.get(storage.OwnerCutEnabled, netuid)
    ? (minted * BigInt(ctx.get(storage.SubnetOwnerCut))) / U16_MAX
    : 0n;
  const servers = (minted - cut) / 2n;
  const validators = minted - cut - servers;
  const root = rootTaoRao === 0n ? 0n : (rootProportion(ctx, netuid, rootTaoRao) * (minted - cut)) >> 33n;
  add(ctx, storage.PendingOwnerCut, netuid, cut);
  add(ctx, storage.PendingServerEmission, netuid, servers);
  add(ctx, storage.PendingValidatorEmission, netuid, validators - root);
  if (isRootPaid) {
    add(ctx, storage.PendingRootAlphaDivs, netuid, root);
  } else {
    recycleAlpha(ctx, netuid, root);
  }
};

/** Root is paid while alpha of all emitting subnets together is worth more than 1 TAO; else its part is recycled. */
export const accumulateEmission = (ctx: Context): void => {
  const emitting = subnetsInOrder(ctx).filter((candidate) => isEmitting(ctx, candidate));
  const prices = emitting.reduce((sum, netuid) => sum + movingPrice(ctx, netuid), 0n);
  const shares = { isRootPaid: prices > 1n << 32n, rootTaoRao: ctx.get(storage.SubnetTAO, ROOT) };
  for (const netuid of emitting) {
    mint(ctx, netuid, shares);
  }
};

export type PendingEmission = {
  readonly serverRao: bigint;
  readonly validatorRao: bigint;
  readonly rootRao: bigint;
  readonly ownerRao: bigint;
};

/** What the epoch shares out; the owner's cut is not part of it. */
export const epochEmissionRao = ({ serverRao, validatorRao, rootRao }: PendingEmission): bigint =>
  serverRao + validatorRao + rootRao;

export const drainPending = (ctx: Context, netuid: number): PendingEmission => ({
  serverRao: ctx.take(storage.PendingServerEmission, netuid),
  validatorRao: ctx.take(storage.PendingValidatorEmission, netuid),
  rootRao: ctx.take(storage.PendingRootAlphaDivs, netuid),
  ownerRao: ctx.take(storage.PendingOwnerCut, netuid),
});

const payOwner = (ctx: Context, netuid: number, rao: bigint): void => {
  const hotkey = ownerHotkey(ctx, netuid);
  if (hotkey !== undefined) {
    increaseStake(ctx, { hotkey, coldkey: ctx.get(storage.SubnetOwner, netuid), netuid }, rao);
  }
};

/** Incentive of the owner's own hotkeys is withheld: burned, or taken out of circulation when recycling is chosen. */
const payServers = (ctx: Context, netuid: number, emissions: readonly bigint[]): void => {
  const owner = ctx.get(storage.SubnetOwner, netuid);
  let withheld = 0n;
  hotkeysOf(ctx, netuid).forEach((hotkey, uid) => {
    const rao = emissions[uid] ?? 0n;
    const coldkey = ctx.get(storage.Owner, hotkey);
    if (isSameAccount(coldkey, owner) || isOwnerHotkey(ctx, netuid, hotkey)) {
      withheld += rao;
    } else {
      increaseStake(ctx, { hotkey, coldkey, netuid }, rao);
    }
  });
  const sum = emissions.reduce((total, rao) => total + rao, 0n);
  ctx.put(storage.MinerBurned, netuid, { bits: sum === 0n ? 0n : (withheld << 32n) / sum });
  if (ctx.get(storage.RecycleOrBurn, netuid).tag === 'Recycle') {
    recycleAlpha(ctx, netuid, withheld);
  }
};

/** Turns an epoch's outcome into stake. Without any incentive validators get the servers' half too. */
export const distributeEmission = (
  ctx: Context,
  netuid: number,
  pending: PendingEmission,
  terms: SubnetTerms,
): void => {
  const incentive = terms.serverEmissionRao.reduce((sum, rao) => sum + rao, 0n);
  payOwner(ctx, netuid, pending.ownerRao);
  payServers(ctx, netuid, terms.serverEmissionRao);
  const alphaRao = incentive === 0n ? pending.validatorRao + pending.serverRao : pending.validatorRao;
  const dividends = hotkeysOf(ctx, netuid).map((hotkey, uid) => ({
    hotkey,
    rao: terms.validatorEmissionRao[uid] ?? 0n,
  }));
  payDividends(ctx, netuid, dividends, { alphaRao, rootRao: pending.rootRao });
};
