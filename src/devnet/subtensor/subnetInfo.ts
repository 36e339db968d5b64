/** Subnets as `SubnetInfoRuntimeApi` lists them. Source: pallets/subtensor/src/rpc_info/subnet_info.rs. */
import { accountId } from '../chainTypes.ts';
import type { ReadContext } from '../pallet.ts';
import { array, option, struct, u16, vec } from '../scale.ts';
import { storage } from './storage.ts';
import { compactU16, compactU64, subnetIdentity } from './structs.ts';
import { subnetExists } from './subnets.ts';

const path = 'pallet_subtensor::rpc_info::subnet_info';
const accountParam = [{ name: 'AccountId', type: accountId }];

/** `DefaultScalingLawPower`: nothing sets or uses it any more. */
const SCALING_LAW_POWER = 50;

const fields = {
  netuid: compactU16,
  rho: compactU16,
  kappa: compactU16,
  difficulty: compactU64,
  immunityPeriod: compactU16,
  maxAllowedValidators: compactU16,
  minAllowedWeights: compactU16,
  maxWeightsLimit: compactU16,
  scalingLawPower: compactU16,
  subnetworkN: compactU16,
  maxAllowedUids: compactU16,
  blocksSinceLastStep: compactU64,
  tempo: compactU16,
  networkModality: compactU16,
  networkConnect: vec(array(u16, 2)),
};
/** The two versions call the field between differently. */
export const subnetInfo = struct(
  `${path}::SubnetInfo`,
  { ...fields, emissionValues: compactU64, burn: compactU64, owner: accountId },
  accountParam,
);
export const subnetInfoV2 = struct(
  `${path}::SubnetInfov2`,
  {
    ...fields,
    emissionValue: compactU64,
    burn: compactU64,
    owner: accountId,
    identity: option(subnetIdentity),
  },
  accountParam,
);

/** Existing netuids, root among them, in the order of their storage keys. */
export const allNetuids = (ctx: ReadContext): number[] =>
  ctx
    .iterate(storage.NetworksAdded)
    .filter(({ value }) => value)
    .map(({ keys: [netuid] }) => netuid);

const readShared = (ctx: ReadContext, netuid: number) => ({
  netuid,
  rho: ctx.get(storage.Rho, netuid),
  kappa: ctx.get(storage.Kappa, netuid),
  difficulty: ctx.get(storage.Difficulty, netuid),
  immunityPeriod: ctx.get(storage.ImmunityPeriod, netuid),
  maxAllowedValidators: ctx.get(storage.MaxAllowedValidators, netuid),
  minAllowedWeights: ctx.get(storage.MinAllowedWeights, netuid),
  maxWeightsLimit: ctx.get(storage.MaxWeightsLimit, netuid),
  scalingLawPower: SCALING_LAW_POWER,
  subnetworkN: ctx.get(storage.SubnetworkN, netuid),
  maxAllowedUids: ctx.get(storage.MaxAllowedUids, netuid),
  blocksSinceLastStep: ctx.get(storage.BlocksSinceLastStep, netuid),
  tempo: ctx.get(storage.Tempo, netuid),
  networkModality: 0,
  networkConnect: [],
  burn: ctx.get(storage.Burn, netuid),
  owner: ctx.get(storage.SubnetOwner, netuid),
});

/** undefined when the subnet does not exist. */
export const readSubnetInfo = (ctx: ReadContext, netuid: number) =>
  subnetExists(ctx, netuid) ? { ...readShared(ctx, netuid), emissionValues: 0n } : undefined;

/** undefined when the subnet does not exist. */
export const readSubnetInfoV2 = (ctx: ReadContext, netuid: number) =>
  subnetExists(ctx, netuid)
    ? {
        ...readShared(ctx, netuid),
        emissionValue: 0n,
        identity: ctx.get(storage.SubnetIdentitiesV3, netuid),
      }
    : undefined;

/** Unlike the other lists, those of `get_subnets_info` go by netuid. */
export const listByNetuid = <T>(
  ctx: ReadContext,
  read: (ctx: ReadContext, netuid: number) => T | undefined,
): (T | undefined)[] =>
  allNetuids(ctx)
    .sort((a, b) => a - b)
    .map((netuid) => read(ctx, netuid));
