/** What coldkeys have staked, and with whom. Source: pallets/subtensor/src/rpc_info/{stake_info,delegate_info}.rs. */
import { accountId } from '../chainTypes.ts';
import type { ReadContext } from '../pallet.ts';
import { bool, struct, tuple, vec } from '../scale.ts';
import { stakeOf } from './stake.ts';
import { ROOT, storage } from './storage.ts';
import { compactU16, compactU64 } from './structs.ts';
import { isSameAccount, subnetExists, uidOf } from './subnets.ts';

const path = 'pallet_subtensor::rpc_info';
const accountParam = [{ name: 'AccountId', type: accountId }];
/** The chain counts 12 s blocks, whatever its own block time. */
const BLOCKS_PER_DAY = 7200n;

export const stakeInfo = struct(
  `${path}::stake_info::StakeInfo`,
  {
    hotkey: accountId,
    coldkey: accountId,
    netuid: compactU16,
    stake: compactU64,
    locked: compactU64,
    emission: compactU64,
    taoEmission: compactU64,
    drain: compactU64,
    isRegistered: bool,
  },
  accountParam,
);
const netuidAndStake = tuple(compactU16, compactU64);
export const delegateInfo = struct(
  `${path}::delegate_info::DelegateInfo`,
  {
    delegateSs58: accountId,
    take: compactU16,
    nominators: vec(tuple(accountId, vec(netuidAndStake))),
    ownerSs58: accountId,
    registrations: vec(compactU16),
    validatorPermits: vec(compactU16),
    // On the chain `return_per_1000`: the digits have an underscore before them.
    returnPer_1000: compactU64,
    totalDailyReturn: compactU64,
  },
  accountParam,
);
export const delegatedInfo = tuple(delegateInfo, netuidAndStake);

type Position = { readonly hotkey: Uint8Array; readonly coldkey: Uint8Array; readonly netuid: number };

/** All positions that are worth something, in the order of their storage keys. */
const positions = (ctx: ReadContext): (Position & { readonly stake: bigint })[] =>
  ctx
    .iterate(storage.AlphaV2)
    .map(({ keys: [hotkey, coldkey, netuid] }) => ({ hotkey, coldkey, netuid }))
    .map((position) => ({ ...position, stake: stakeOf(ctx, position) }))
    .filter(({ stake }) => stake > 0n);

const infoOf = (ctx: ReadContext, position: Position) => ({
  ...position,
  stake: stakeOf(ctx, position),
  locked: 0n,
  emission: ctx.get(storage.AlphaDividendsPerSubnet, position.netuid, position.hotkey),
  taoEmission: 0n,
  drain: 0n,
  isRegistered: uidOf(ctx, position.netuid, position.hotkey) !== undefined,
});

export const readStakeInfo = (ctx: ReadContext, coldkey: Uint8Array) =>
  positions(ctx)
    .filter((position) => isSameAccount(position.coldkey, coldkey))
    .map((position) => infoOf(ctx, position));

/** undefined when the subnet does not exist; a position without stake is shown with 0. */
export const readPosition = (ctx: ReadContext, position: Position) =>
  subnetExists(ctx, position.netuid) ? infoOf(ctx, position) : undefined;

const groupedByColdkey = (held: readonly (Position & { readonly stake: bigint })[]) => {
  const grouped = new Map<string, [Uint8Array, [number, bigint][]]>();
  for (const { coldkey, netuid, stake } of held) {
    const key = coldkey.join();
    const entry = grouped.get(key) ?? [coldkey, []];
    entry[1].push([netuid, stake]);
    grouped.set(key, entry);
  }
  return [...grouped.values()];
};

/** Emission of a day in rao on all subnets, if every epoch were like the last. */
const dailyEmission = (ctx: ReadContext, hotkey: Uint8Array, netuids: readonly number[]): bigint =>
  netuids
    .map((netuid) => {
      const uid = uidOf(ctx, netuid, hotkey) ?? -1;
      const emission = ctx.get(storage.Emission, netuid)[uid] ?? 0n;
      const tempo = BigInt(ctx.get(storage.Tempo, netuid));
      return tempo === 0n ? 0n : (emission * BLOCKS_PER_DAY) / tempo;
    })
    .reduce((sum, amount) => sum + amount, 0n);

const delegateOf = (ctx: ReadContext, hotkey: Uint8Array, all: ReturnType<typeof positions>) => {
  const registrations = ctx
    .iterate(storage.IsNetworkMember, hotkey)
    .filter(({ value }) => value)
    .map(({ keys: [, netuid] }) => netuid);
  const totalDailyReturn = dailyEmission(ctx, hotkey, registrations);
  const rootStake = ctx.get(storage.TotalHotkeyAlpha, hotkey, ROOT);
  return {
    delegateSs58: hotkey,
    take: ctx.get(storage.Delegates, hotkey),
    nominators: groupedByColdkey(all.filter((position) => isSameAccount(position.hotkey, hotkey))),
    ownerSs58: ctx.get(storage.Owner, hotkey),
    registrations,
    validatorPermits: registrations.filter(
      (netuid) => ctx.get(storage.ValidatorPermit, netuid)[uidOf(ctx, netuid, hotkey) ?? -1] === true,
    ),
    // Of the day's emission 82 % go to stakers, the default take being 18 %.
    returnPer_1000: rootStake === 0n ? 0n : (totalDailyReturn * 82_000n) / (100n * rootStake),
    totalDailyReturn,
  };
};

/** Hotkeys to which somebody else may stake or has staked: those with a take of their own. */
export const readDelegates = (ctx: ReadContext) => {
  const all = positions(ctx);
  return ctx.iterate(storage.Delegates).map(({ keys: [hotkey] }) => delegateOf(ctx, hotkey, all));
};

/** undefined for a hotkey that is no delegate. */
export const readDelegate = (ctx: ReadContext, hotkey: Uint8Array) =>
  ctx.has(storage.Delegates, hotkey) ? delegateOf(ctx, hotkey, positions(ctx)) : undefined;

/** The delegates of a coldkey, once for each subnet on which it stakes to them. */
export const readDelegated = (ctx: ReadContext, coldkey: Uint8Array) => {
  const all = positions(ctx);
  return all
    .filter(
      (position) => isSameAccount(position.coldkey, coldkey) && ctx.has(storage.Delegates, position.hotkey),
    )
    .map(({ hotkey, netuid, stake }) => [delegateOf(ctx, hotkey, all), [netuid, stake] as const] as const);
};
