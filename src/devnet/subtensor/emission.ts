/**
 * Alpha that a subnet mints each block, and its way to stakers after an epoch.
 *
 * Simplified against the chain: there is no TAO market, so no TAO is injected, alpha prices stay unset and root gets
 * no part of the dividends (its share is 0 on a chain whose root holds no stake); there are no child keys and no
 * auto-stake destinations.
 * Sources: pallets/subtensor/src/coinbase/run_coinbase.rs, alpha.rs, block_emission.rs.
 */
import { stakeWeight } from '../../domain/stakeWeight.ts';
import type { Context, ReadContext } from '../pallet.ts';
import { increaseStake, rewardStakers } from './stake.ts';
import { ROOT, storage } from './storage.ts';
import { hotkeysOf, isSameAccount, ownerHotkey, subnetsInOrder } from './subnets.ts';
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
  | typeof storage.PendingOwnerCut
  | typeof storage.SubnetAlphaOut;
const add = (ctx: Context, item: Counter, netuid: number, rao: bigint): void =>
  ctx.put(item, netuid, ctx.get(item, netuid) + rao);

/** Mints one block's alpha: the owner's cut first, then half for servers and half for validators. */
export const accumulateEmission = (ctx: Context): void => {
  for (const netuid of subnetsInOrder(ctx).filter((candidate) => isEmitting(ctx, candidate))) {
    const issuance = ctx.get(storage.SubnetAlphaIn, netuid) + ctx.get(storage.SubnetAlphaOut, netuid);
    const minted = blockEmissionRao(issuance);
    const cut = ctx.get(storage.OwnerCutEnabled, netuid)
      ? (minted * BigInt(ctx.get(storage.SubnetOwnerCut))) / U16_MAX
      : 0n;
    const servers = (minted - cut) / 2n;
    ctx.put(storage.SubnetAlphaOutEmission, netuid, minted);
    add(ctx, storage.SubnetAlphaOut, netuid, minted);
    add(ctx, storage.PendingOwnerCut, netuid, cut);
    add(ctx, storage.PendingServerEmission, netuid, servers);
    add(ctx, storage.PendingValidatorEmission, netuid, minted - cut - servers);
  }
};

export type PendingEmission = {
  readonly serverRao: bigint;
  readonly validatorRao: bigint;
  readonly ownerRao: bigint;
};

export const drainPending = (ctx: Context, netuid: number): PendingEmission => ({
  serverRao: ctx.take(storage.PendingServerEmission, netuid),
  validatorRao: ctx.take(storage.PendingValidatorEmission, netuid),
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
    if (isSameAccount(coldkey, owner)) {
      withheld += rao;
    } else {
      increaseStake(ctx, { hotkey, coldkey, netuid }, rao);
    }
  });
  const sum = emissions.reduce((total, rao) => total + rao, 0n);
  ctx.put(storage.MinerBurned, netuid, { bits: sum === 0n ? 0n : (withheld << 32n) / sum });
  if (ctx.get(storage.RecycleOrBurn, netuid).tag === 'Recycle') {
    add(ctx, storage.SubnetAlphaOut, netuid, -withheld);
  }
};

/** The part of a validator's dividends earned by alpha rather than by root TAO. */
const alphaPart = (ctx: ReadContext, hotkey: Uint8Array, netuid: number, dividend: bigint): bigint => {
  const alphaRao = ctx.get(storage.TotalHotkeyAlpha, hotkey, netuid);
  const taoRao = ctx.get(storage.TotalHotkeyAlpha, hotkey, ROOT);
  const whole = stakeWeight({ alphaRao, taoRao, taoWeight: ctx.get(storage.TaoWeight) });
  return taoRao === 0n || whole === 0n ? dividend : (dividend * (alphaRao << 64n)) / whole;
};

/** Shares out the validators' part by alpha dividends; the hotkey's owner takes its cut, the rest goes to all stakers. */
const payValidators = (ctx: Context, netuid: number, dividends: readonly bigint[], pot: bigint): void => {
  const hotkeys = hotkeysOf(ctx, netuid);
  const parts = hotkeys.map((hotkey, uid) => alphaPart(ctx, hotkey, netuid, dividends[uid] ?? 0n));
  const sum = parts.reduce((total, part) => total + part, 0n);
  ctx.clear(storage.AlphaDividendsPerSubnet, netuid);
  ctx.clear(storage.RootAlphaDividendsPerSubnet, netuid);
  hotkeys.forEach((hotkey, uid) => {
    const rao = sum === 0n ? 0n : (pot * (parts[uid] ?? 0n)) / sum;
    if (rao === 0n) {
      return;
    }
    const position = { hotkey, coldkey: ctx.get(storage.Owner, hotkey), netuid };
    const take = (rao * BigInt(ctx.get(storage.Delegates, hotkey))) / U16_MAX;
    increaseStake(ctx, position, take);
    rewardStakers(ctx, position, rao - take);
    ctx.put(storage.AlphaDividendsPerSubnet, netuid, hotkey, rao);
  });
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
  const pot = incentive === 0n ? pending.validatorRao + pending.serverRao : pending.validatorRao;
  payValidators(ctx, netuid, terms.validatorEmissionRao, pot);
};
