/** Questions that several calls ask about a subnet and its neurons. */
import { type Context, ModuleError, type ReadContext } from '../pallet.ts';
import { errors } from './errors.ts';
import { storage, storageIndex } from './storage.ts';

/** `Uint8Array` equality; accounts are 32 bytes. */
export const isSameAccount = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

export const subnetExists = (ctx: ReadContext, netuid: number): boolean =>
  ctx.get(storage.NetworksAdded, netuid);

/** Existing subnets except root, in the order of their storage keys, as the chain walks them. */
export const subnetsInOrder = (ctx: ReadContext): number[] =>
  ctx
    .iterate(storage.NetworksAdded)
    .filter(({ keys: [netuid], value }) => value && netuid !== 0)
    .map(({ keys: [netuid] }) => netuid);

export const mechanismCount = (ctx: ReadContext, netuid: number): number =>
  ctx.get(storage.MechanismCountCurrent, netuid);

/** Storage indices of all mechanisms of a subnet. */
export const mechanismIndices = (ctx: ReadContext, netuid: number): number[] =>
  Array.from({ length: mechanismCount(ctx, netuid) }, (_, mechanism) => storageIndex(netuid, mechanism));

export const ensureMechanismExists = (ctx: ReadContext, netuid: number, mechanism: number): void => {
  if (!subnetExists(ctx, netuid) || mechanism >= mechanismCount(ctx, netuid)) {
    throw new ModuleError(errors.MechanismDoesNotExist);
  }
};

/** uid of a hotkey, undefined when it is not registered. */
export const uidOf = (ctx: ReadContext, netuid: number, hotkey: Uint8Array): number | undefined =>
  ctx.get(storage.Uids, netuid, hotkey);

/** Hotkeys by uid. */
export const hotkeysOf = (ctx: ReadContext, netuid: number): Uint8Array[] =>
  Array.from({ length: ctx.get(storage.SubnetworkN, netuid) }, (_, uid) =>
    ctx.get(storage.Keys, netuid, uid),
  );

/** The owner's hotkey; undefined when none was set, since a zero account owns nothing. */
export const ownerHotkey = (ctx: ReadContext, netuid: number): Uint8Array | undefined =>
  ctx.has(storage.SubnetOwnerHotkey, netuid) ? ctx.get(storage.SubnetOwnerHotkey, netuid) : undefined;

export const ownerUid = (ctx: ReadContext, netuid: number): number | undefined => {
  const hotkey = ownerHotkey(ctx, netuid);
  return hotkey === undefined ? undefined : uidOf(ctx, netuid, hotkey);
};

export const isOwnerHotkey = (ctx: ReadContext, netuid: number, hotkey: Uint8Array): boolean => {
  const owner = ownerHotkey(ctx, netuid);
  return owner !== undefined && isSameAccount(owner, hotkey);
};

export const lastUpdateOf = (ctx: ReadContext, index: number, uid: number): bigint =>
  ctx.get(storage.LastUpdate, index)[uid] ?? 0n;

export const setLastUpdate = (ctx: Context, index: number, uid: number): void => {
  const updates = [...ctx.get(storage.LastUpdate, index)];
  updates[uid] = BigInt(ctx.block);
  ctx.put(storage.LastUpdate, index, updates);
};

/**
 * Whether a uid may set or commit weights again: never did, or WeightsSetRateLimit blocks have passed. Per mechanism.
 * Source: `check_rate_limit`, pallets/subtensor/src/subnets/weights.rs.
 */
export const passesWeightsRateLimit = (
  ctx: ReadContext,
  key: { readonly netuid: number; readonly mechanism: number },
  uid: number,
): boolean => {
  const last = lastUpdateOf(ctx, storageIndex(key.netuid, key.mechanism), uid);
  return last === 0n || BigInt(ctx.block) - last >= ctx.get(storage.WeightsSetRateLimit, key.netuid);
};
