/** Giving out uids: appending, choosing whom to prune, replacing. Source: pallets/subtensor/src/subnets/uids.rs. */
import { isImmune } from '../../domain/epoch.ts';
import type { Context, ReadContext } from '../pallet.ts';
import { storage } from './storage.ts';
import { hotkeysOf, isOwnerHotkey, isSameAccount, mechanismIndices } from './subnets.ts';

type StoredVector<T> = {
  readonly items: readonly T[];
  readonly uid: number;
  readonly value: T;
  readonly gap: T;
};
/** A vector by uid with one entry set; missing entries before it are filled. */
const withEntry = <T>({ items, uid, value, gap }: StoredVector<T>): T[] => {
  const next = Array.from({ length: Math.max(items.length, uid + 1) }, (_, i) => items[i] ?? gap);
  next[uid] = value;
  return next;
};

/** Scores 0, active, without permit: how every new neuron starts. */
const resetScores = (ctx: Context, netuid: number, uid: number): void => {
  const zero = { uid, value: 0, gap: 0 };
  for (const item of [storage.Consensus, storage.Dividends, storage.ValidatorTrust, storage.StakeWeight]) {
    ctx.put(item, netuid, withEntry({ ...zero, items: ctx.get(item, netuid) }));
  }
  const emission = ctx.get(storage.Emission, netuid);
  ctx.put(storage.Emission, netuid, withEntry({ uid, value: 0n, gap: 0n, items: emission }));
  const active = ctx.get(storage.Active, netuid);
  ctx.put(storage.Active, netuid, withEntry({ uid, value: true, gap: false, items: active }));
  const permits = ctx.get(storage.ValidatorPermit, netuid);
  ctx.put(storage.ValidatorPermit, netuid, withEntry({ uid, value: false, gap: false, items: permits }));
  for (const index of mechanismIndices(ctx, netuid)) {
    ctx.put(storage.Incentive, index, withEntry({ ...zero, items: ctx.get(storage.Incentive, index) }));
    const updates = ctx.get(storage.LastUpdate, index);
    const lastUpdate = { uid, value: BigInt(ctx.block), gap: 0n, items: updates };
    ctx.put(storage.LastUpdate, index, withEntry(lastUpdate));
  }
};

const assign = (ctx: Context, netuid: number, uid: number, hotkey: Uint8Array): void => {
  ctx.put(storage.Keys, netuid, uid, hotkey);
  ctx.put(storage.Uids, netuid, hotkey, uid);
  ctx.put(storage.IsNetworkMember, hotkey, netuid, true);
  ctx.put(storage.BlockAtRegistration, netuid, uid, BigInt(ctx.block));
  resetScores(ctx, netuid, uid);
};

/** Gives a hotkey the next uid. */
export const appendNeuron = (ctx: Context, netuid: number, hotkey: Uint8Array): number => {
  const uid = ctx.get(storage.SubnetworkN, netuid);
  ctx.put(storage.SubnetworkN, netuid, uid + 1);
  assign(ctx, netuid, uid, hotkey);
  return uid;
};

/** Weights set by the uid vanish, weights for it become 0, its bonds and endpoints are removed. */
const forgetNeuron = (ctx: Context, netuid: number, uid: number): void => {
  for (const index of mechanismIndices(ctx, netuid)) {
    ctx.remove(storage.Weights, index, uid);
    ctx.remove(storage.Bonds, index, uid);
    for (const { keys, value } of ctx.iterate(storage.Weights, index)) {
      if (value.some(([target]) => target === uid)) {
        const row = value.map(([target, weight]) => [target, target === uid ? 0 : weight] as const);
        ctx.put(storage.Weights, ...keys, row);
      }
    }
  }
  const hotkey = ctx.get(storage.Keys, netuid, uid);
  ctx.remove(storage.Axons, netuid, hotkey);
  ctx.remove(storage.NeuronCertificates, netuid, hotkey);
  ctx.remove(storage.Prometheus, netuid, hotkey);
  ctx.remove(storage.Uids, netuid, hotkey);
  ctx.remove(storage.IsNetworkMember, hotkey, netuid);
};

export const replaceNeuron = (ctx: Context, netuid: number, uid: number, hotkey: Uint8Array): void => {
  forgetNeuron(ctx, netuid, uid);
  assign(ctx, netuid, uid, hotkey);
};

type Candidate = {
  readonly uid: number;
  readonly emission: bigint;
  readonly registeredAt: bigint;
  readonly immune: boolean;
};
const compareCandidates = (a: Candidate, b: Candidate): number => {
  if (a.emission !== b.emission) {
    return a.emission < b.emission ? -1 : 1;
  }
  if (a.registeredAt !== b.registeredAt) {
    return a.registeredAt < b.registeredAt ? -1 : 1;
  }
  return a.uid - b.uid;
};

/** uids that are never pruned: the owner's hotkey and the owner's longest registered ones up to ImmuneOwnerUidsLimit. */
const immortalUids = (ctx: ReadContext, netuid: number, hotkeys: readonly Uint8Array[]): Set<number> => {
  const owner = ctx.get(storage.SubnetOwner, netuid);
  const owned = hotkeys
    .flatMap((hotkey, uid) => (isSameAccount(ctx.get(storage.Owner, hotkey), owner) ? [uid] : []))
    .map((uid) => ({ uid, registeredAt: ctx.get(storage.BlockAtRegistration, netuid, uid) }))
    .sort((a, b) => Number(a.registeredAt - b.registeredAt) || a.uid - b.uid)
    .slice(0, ctx.get(storage.ImmuneOwnerUidsLimit, netuid))
    .map(({ uid }) => uid);
  const own = hotkeys.flatMap((hotkey, uid) => (isOwnerHotkey(ctx, netuid, hotkey) ? [uid] : []));
  return new Set([...owned, ...own]);
};

/**
 * The uid to give away: lowest emission, then oldest registration, then lowest uid. Immune ones only when too few
 * others remain (MinNonImmuneUids). Source: `get_neuron_to_prune`.
 */
export const neuronToPrune = (ctx: ReadContext, netuid: number): number | undefined => {
  const hotkeys = hotkeysOf(ctx, netuid);
  const immortal = immortalUids(ctx, netuid, hotkeys);
  const emissions = ctx.get(storage.Emission, netuid);
  const immunityPeriodBlocks = ctx.get(storage.ImmunityPeriod, netuid);
  const candidates = hotkeys
    .map((_, uid): Candidate => {
      const registeredAt = ctx.get(storage.BlockAtRegistration, netuid, uid);
      const registration = { block: ctx.block, blockAtRegistration: Number(registeredAt) };
      const immune = isImmune({ ...registration, immunityPeriodBlocks });
      return { uid, emission: emissions[uid] ?? 0n, registeredAt, immune };
    })
    .filter(({ uid }) => !immortal.has(uid))
    .sort(compareCandidates);
  const mortal = candidates.filter(({ immune }) => !immune);
  const isMortalLeft = mortal.length > ctx.get(storage.MinNonImmuneUids, netuid);
  const chosen = isMortalLeft ? mortal[0] : candidates.find(({ immune }) => immune);
  return chosen?.uid;
};

/** Free place or somebody to prune. */
export const hasCapacity = (ctx: ReadContext, netuid: number): boolean =>
  ctx.get(storage.SubnetworkN, netuid) < ctx.get(storage.MaxAllowedUids, netuid) ||
  neuronToPrune(ctx, netuid) !== undefined;
