/**
 * What a new subnet starts with, in genesis and when it is registered. Every item is written explicitly, so that a
 * netuid that is used again inherits nothing.
 *
 * Source: `init_new_network`, pallets/subtensor/src/subnets/subnet.rs. The mechanism is the stable one, where the chain
 * writes 1 (see market.ts).
 */
import { firstEpochAnchor } from '../../domain/epoch.ts';
import type { Context } from '../pallet.ts';
import { storage } from './storage.ts';

const TAO = 1_000_000_000n;
/** `SubnetMechanism` with a price of 1. */
export const STABLE = 0;

export const initNewNetwork = (ctx: Context, netuid: number, tempo: number): void => {
  ctx.put(storage.SubnetworkN, netuid, 0);
  ctx.put(storage.NetworksAdded, netuid, true);
  ctx.put(storage.Tempo, netuid, tempo);
  ctx.put(storage.LastEpochBlock, netuid, BigInt(Math.max(0, firstEpochAnchor(ctx.block, netuid, tempo))));
  ctx.put(storage.NetworkRegistrationAllowed, netuid, true);
  ctx.put(storage.MaxAllowedUids, netuid, 256);
  ctx.put(storage.MaxAllowedValidators, netuid, 64);
  ctx.put(storage.MinAllowedWeights, netuid, 1);
  ctx.put(storage.ImmunityPeriod, netuid, 5000);
  ctx.put(storage.Yuma3On, netuid, true);
  ctx.put(storage.Burn, netuid, TAO);
  ctx.put(storage.SubnetMechanism, netuid, STABLE);
  // The last step of a registration: TAO flows only once root has enabled it
  ctx.put(storage.SubnetEmissionEnabled, netuid, false);
};

type Pool = { readonly netuid: number; readonly taoRao: bigint; readonly alphaRao: bigint };
export const writePool = (ctx: Context, { netuid, taoRao, alphaRao }: Pool): void => {
  ctx.put(storage.SubnetTAO, netuid, taoRao);
  ctx.put(storage.SubnetAlphaIn, netuid, alphaRao);
  ctx.put(storage.SubnetAlphaOut, netuid, 0n);
  ctx.put(storage.SubnetVolume, netuid, 0n);
  ctx.put(storage.TotalStake, ctx.get(storage.TotalStake) + taoRao);
};

type Ownership = { readonly netuid: number; readonly coldkey: Uint8Array; readonly hotkey: Uint8Array };
export const writeOwner = (ctx: Context, { netuid, coldkey, hotkey }: Ownership): void => {
  ctx.put(storage.SubnetOwner, netuid, coldkey);
  ctx.put(storage.SubnetOwnerHotkey, netuid, hotkey);
};
