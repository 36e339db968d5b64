/**
 * The fields of a metagraph in SCALE order, which is also the order of the selective index (0 is the netuid, written
 * apart). Source: pallets/subtensor/src/rpc_info/metagraph.rs.
 */
import { activityCutoffBlocks } from '../../domain/epoch.ts';
import { stakeWeightRao } from '../../domain/stakeWeight.ts';
import { accountId } from '../chainTypes.ts';
import { readCommitments } from '../commitments/pallet.ts';
import type { ReadContext, StorageItem } from '../pallet.ts';
import { bool, compact, option, type ScaleType, tuple, u128, vec } from '../scale.ts';
import { stakeWeights } from './stake.ts';
import { ROOT, storage } from './storage.ts';
import {
  axonInfo,
  chainIdentity,
  compactBytes,
  compactU16,
  compactU64,
  i96f32,
  NO_AXON,
  subnetIdentity,
} from './structs.ts';

/** What a metagraph is read from: a subnet at a state, and the storage index of one of its mechanisms. */
export type MetagraphView = {
  readonly ctx: ReadContext;
  readonly netuid: number;
  readonly index: number;
  /** By uid. */
  readonly hotkeys: readonly Uint8Array[];
};
export type MetagraphField<T = unknown> = {
  readonly name: string;
  readonly type: ScaleType<T>;
  read(view: MetagraphView): T;
};
const field = <T>(name: string, type: ScaleType<T>, read: (view: MetagraphView) => T): MetagraphField<T> => ({
  name,
  type,
  read,
});

/** A value stored once per subnet. */
const stored = <T>(name: string, type: ScaleType<T>, item: StorageItem<[number], T, T>): MetagraphField<T> =>
  field(name, type, ({ ctx, netuid }) => ctx.get(item, netuid));

const shares = vec(compactU16);
const amounts = vec(compactU64);
const accounts = vec(accountId);

const rao = (name: string, item: StorageItem<[number], bigint, bigint>) => stored(name, compactU64, item);
const short = (name: string, item: StorageItem<[number], number, number>) => stored(name, compactU16, item);
/** A stored vector with one entry per uid, whatever its stored length. */
const byUid = <T>(
  name: string,
  type: ScaleType<T[]>,
  read: (view: MetagraphView) => readonly T[],
  gap: T,
): MetagraphField<T[]> =>
  field(name, type, (view) => {
    const items = read(view);
    return Array.from(
      { length: view.ctx.get(storage.SubnetworkN, view.netuid) },
      (_, uid) => items[uid] ?? gap,
    );
  });
const byHotkey = <T>(
  name: string,
  type: ScaleType<T[]>,
  read: (view: MetagraphView, hotkey: Uint8Array) => T,
) => field(name, type, (view) => view.hotkeys.map((hotkey) => read(view, hotkey)));
const scores = (name: string, item: StorageItem<[number], number[], number[]>) =>
  byUid(name, shares, ({ ctx, netuid }) => ctx.get(item, netuid), 0);
const flags = (name: string, item: StorageItem<[number], boolean[], boolean[]>) =>
  byUid(name, vec(bool), ({ ctx, netuid }) => ctx.get(item, netuid), false);

const text = (bytes: Uint8Array | undefined): number[] => [...(bytes ?? [])];
const dividends = vec(tuple(accountId, compactU64));
const dividendsFrom = (item: StorageItem<[number, Uint8Array], bigint, bigint>, view: MetagraphView) =>
  view.hotkeys.map((hotkey) => [hotkey, view.ctx.get(item, view.netuid, hotkey)] as const);

/** Indices 1..21. */
const subnetFields: readonly MetagraphField[] = [
  field('name', compactBytes, ({ ctx, netuid }) =>
    text(ctx.get(storage.SubnetIdentitiesV3, netuid)?.subnetName),
  ),
  field('symbol', compactBytes, ({ ctx, netuid }) => text(ctx.get(storage.TokenSymbol, netuid))),
  field('identity', option(subnetIdentity), ({ ctx, netuid }) => ctx.get(storage.SubnetIdentitiesV3, netuid)),
  rao('networkRegisteredAt', storage.NetworkRegisteredAt),
  stored('ownerHotkey', accountId, storage.SubnetOwnerHotkey),
  stored('ownerColdkey', accountId, storage.SubnetOwner),
  field('block', compactU64, ({ ctx }) => BigInt(ctx.block)),
  short('tempo', storage.Tempo),
  rao('lastStep', storage.LastMechansimStepBlock),
  rao('blocksSinceLastStep', storage.BlocksSinceLastStep),
  field('subnetEmission', compactU64, () => 0n),
  rao('alphaIn', storage.SubnetAlphaIn),
  rao('alphaOut', storage.SubnetAlphaOut),
  rao('taoIn', storage.SubnetTAO),
  rao('alphaOutEmission', storage.SubnetAlphaOutEmission),
  rao('alphaInEmission', storage.SubnetAlphaInEmission),
  rao('taoInEmission', storage.SubnetTaoInEmission),
  field(
    'pendingAlphaEmission',
    compactU64,
    ({ ctx, netuid }) =>
      ctx.get(storage.PendingServerEmission, netuid) + ctx.get(storage.PendingValidatorEmission, netuid),
  ),
  rao('pendingRootEmission', storage.PendingRootAlphaDivs),
  field('subnetVolume', compact(u128), ({ ctx, netuid }) => ctx.get(storage.SubnetVolume, netuid)),
  stored('movingPrice', i96f32, storage.SubnetMovingPrice),
];

/** Indices 22..51. */
const hyperparameterFields: readonly MetagraphField[] = [
  short('rho', storage.Rho),
  short('kappa', storage.Kappa),
  short('minAllowedWeights', storage.MinAllowedWeights),
  short('maxWeightsLimit', storage.MaxWeightsLimit),
  rao('weightsVersion', storage.WeightsVersionKey),
  rao('weightsRateLimit', storage.WeightsSetRateLimit),
  field('activityCutoff', compactU64, ({ ctx, netuid }) =>
    BigInt(
      activityCutoffBlocks(
        ctx.get(storage.ActivityCutoffFactorMilli, netuid),
        ctx.get(storage.Tempo, netuid),
      ),
    ),
  ),
  short('maxValidators', storage.MaxAllowedValidators),
  short('numUids', storage.SubnetworkN),
  short('maxUids', storage.MaxAllowedUids),
  rao('burn', storage.Burn),
  rao('difficulty', storage.Difficulty),
  stored('registrationAllowed', bool, storage.NetworkRegistrationAllowed),
  stored('powRegistrationAllowed', bool, storage.NetworkPowRegistrationAllowed),
  short('immunityPeriod', storage.ImmunityPeriod),
  rao('minDifficulty', storage.MinDifficulty),
  rao('maxDifficulty', storage.MaxDifficulty),
  rao('minBurn', storage.MinBurn),
  rao('maxBurn', storage.MaxBurn),
  rao('adjustmentAlpha', storage.AdjustmentAlpha),
  short('adjustmentInterval', storage.AdjustmentInterval),
  short('targetRegsPerInterval', storage.TargetRegistrationsPerInterval),
  short('maxRegsPerBlock', storage.MaxRegistrationsPerBlock),
  rao('servingRateLimit', storage.ServingRateLimit),
  stored('commitRevealWeightsEnabled', bool, storage.CommitRevealWeightsEnabled),
  rao('commitRevealPeriod', storage.RevealPeriodEpochs),
  stored('liquidAlphaEnabled', bool, storage.LiquidAlphaOn),
  field('alphaHigh', compactU16, ({ ctx, netuid }) => ctx.get(storage.AlphaValues, netuid)[1]),
  field('alphaLow', compactU16, ({ ctx, netuid }) => ctx.get(storage.AlphaValues, netuid)[0]),
  rao('bondsMovingAvg', storage.BondsMovingAverage),
];

/** Indices 52..71. Pruning score, trust and rank are no longer computed and empty. */
const neuronFields: readonly MetagraphField[] = [
  byHotkey('hotkeys', accounts, (_, hotkey) => hotkey),
  byHotkey('coldkeys', accounts, ({ ctx }, hotkey) => ctx.get(storage.Owner, hotkey)),
  byHotkey('identities', vec(option(chainIdentity)), ({ ctx }, hotkey) =>
    ctx.get(storage.IdentitiesV2, ctx.get(storage.Owner, hotkey)),
  ),
  byHotkey(
    'axons',
    vec(axonInfo),
    ({ ctx, netuid }, hotkey) => ctx.get(storage.Axons, netuid, hotkey) ?? NO_AXON,
  ),
  flags('active', storage.Active),
  flags('validatorPermit', storage.ValidatorPermit),
  field('pruningScore', shares, () => []),
  byUid('lastUpdate', amounts, ({ ctx, index }) => ctx.get(storage.LastUpdate, index), 0n),
  byUid('emission', amounts, ({ ctx, netuid }) => ctx.get(storage.Emission, netuid), 0n),
  scores('dividends', storage.Dividends),
  byUid('incentives', shares, ({ ctx, index }) => ctx.get(storage.Incentive, index), 0),
  scores('consensus', storage.Consensus),
  field('trust', shares, () => []),
  field('rank', shares, () => []),
  field('blockAtRegistration', amounts, ({ ctx, netuid, hotkeys }) =>
    hotkeys.map((_, uid) => ctx.get(storage.BlockAtRegistration, netuid, uid)),
  ),
  byHotkey('alphaStake', amounts, ({ ctx, netuid }, hotkey) =>
    ctx.get(storage.TotalHotkeyAlpha, hotkey, netuid),
  ),
  byHotkey('taoStake', amounts, ({ ctx }, hotkey) => ctx.get(storage.TotalHotkeyAlpha, hotkey, ROOT)),
  field('totalStake', amounts, ({ ctx, netuid }) => stakeWeights(ctx, netuid).map(stakeWeightRao)),
  field('taoDividendsPerHotkey', dividends, (view) =>
    dividendsFrom(storage.RootAlphaDividendsPerSubnet, view),
  ),
  field('alphaDividendsPerHotkey', dividends, (view) => dividendsFrom(storage.AlphaDividendsPerSubnet, view)),
];

/** uids with a permit and a stake above the threshold, ascending by stake. */
const validators = ({ ctx, netuid }: MetagraphView): number[] => {
  const permits = ctx.get(storage.ValidatorPermit, netuid);
  const threshold = ctx.get(storage.StakeThreshold);
  return stakeWeights(ctx, netuid)
    .map((stake, uid) => ({ uid, stake: stakeWeightRao(stake) }))
    .filter(({ uid, stake }) => permits[uid] === true && stake > threshold)
    .sort((a, b) => (a.stake < b.stake ? -1 : a.stake > b.stake ? 1 : a.uid - b.uid))
    .map(({ uid }) => uid);
};

/** Indices 1..71: everything but the netuid that `Metagraph` has. */
export const metagraphFields: readonly MetagraphField[] = [
  ...subnetFields,
  ...hyperparameterFields,
  ...neuronFields,
];

/** Indices 72 and 73, only in the selective form. */
export const selectiveTailFields: readonly MetagraphField[] = [
  field('validators', shares, validators),
  field('commitments', vec(tuple(accountId, compactBytes)), ({ ctx, netuid }) =>
    readCommitments(ctx, netuid).map(([hotkey, bytes]) => [hotkey, [...bytes]] as const),
  ),
];
