/**
 * The fixed structs that `get_subnet_hyperparams` and `_v2` answer with, deprecated on the chain in favour of the
 * self-describing list, and still what clients ask for. Source: pallets/subtensor/src/rpc_info/subnet_info.rs.
 */
import { activityCutoffBlocks } from '../../domain/epoch.ts';
import type { ReadContext } from '../pallet.ts';
import { bool, struct } from '../scale.ts';
import { storage } from './storage.ts';
import { compactU16, compactU64, i32f32 } from './structs.ts';
import { subnetExists } from './subnets.ts';

const path = 'pallet_subtensor::rpc_info::subnet_info';
const fields = {
  rho: compactU16,
  kappa: compactU16,
  immunityPeriod: compactU16,
  minAllowedWeights: compactU16,
  maxWeightsLimit: compactU16,
  tempo: compactU16,
  minDifficulty: compactU64,
  maxDifficulty: compactU64,
  weightsVersion: compactU64,
  weightsRateLimit: compactU64,
  adjustmentInterval: compactU16,
  /** Blocks. */
  activityCutoff: compactU64,
  registrationAllowed: bool,
  targetRegsPerInterval: compactU16,
  minBurn: compactU64,
  maxBurn: compactU64,
  bondsMovingAvg: compactU64,
  maxRegsPerBlock: compactU16,
  servingRateLimit: compactU64,
  maxValidators: compactU16,
  adjustmentAlpha: compactU64,
  difficulty: compactU64,
  commitRevealPeriod: compactU64,
  commitRevealWeightsEnabled: bool,
  alphaHigh: compactU16,
  alphaLow: compactU16,
  liquidAlphaEnabled: bool,
};
export const subnetHyperparams = struct(`${path}::SubnetHyperparams`, fields);
export const subnetHyperparamsV2 = struct(`${path}::SubnetHyperparamsV2`, {
  ...fields,
  alphaSigmoidSteepness: i32f32,
  yumaVersion: compactU16,
  subnetIsActive: bool,
  transfersEnabled: bool,
  bondsResetEnabled: bool,
  userLiquidityEnabled: bool,
});

const readWeightRules = (ctx: ReadContext, netuid: number) => ({
  rho: ctx.get(storage.Rho, netuid),
  kappa: ctx.get(storage.Kappa, netuid),
  minAllowedWeights: ctx.get(storage.MinAllowedWeights, netuid),
  maxWeightsLimit: ctx.get(storage.MaxWeightsLimit, netuid),
  weightsVersion: ctx.get(storage.WeightsVersionKey, netuid),
  weightsRateLimit: ctx.get(storage.WeightsSetRateLimit, netuid),
  tempo: ctx.get(storage.Tempo, netuid),
  activityCutoff: BigInt(
    activityCutoffBlocks(ctx.get(storage.ActivityCutoffFactorMilli, netuid), ctx.get(storage.Tempo, netuid)),
  ),
  bondsMovingAvg: ctx.get(storage.BondsMovingAverage, netuid),
  maxValidators: ctx.get(storage.MaxAllowedValidators, netuid),
  commitRevealPeriod: ctx.get(storage.RevealPeriodEpochs, netuid),
  commitRevealWeightsEnabled: ctx.get(storage.CommitRevealWeightsEnabled, netuid),
  alphaLow: ctx.get(storage.AlphaValues, netuid)[0],
  alphaHigh: ctx.get(storage.AlphaValues, netuid)[1],
  liquidAlphaEnabled: ctx.get(storage.LiquidAlphaOn, netuid),
});

const readRegistrationRules = (ctx: ReadContext, netuid: number) => ({
  immunityPeriod: ctx.get(storage.ImmunityPeriod, netuid),
  minDifficulty: ctx.get(storage.MinDifficulty, netuid),
  maxDifficulty: ctx.get(storage.MaxDifficulty, netuid),
  difficulty: ctx.get(storage.Difficulty, netuid),
  adjustmentInterval: ctx.get(storage.AdjustmentInterval, netuid),
  adjustmentAlpha: ctx.get(storage.AdjustmentAlpha, netuid),
  registrationAllowed: ctx.get(storage.NetworkRegistrationAllowed, netuid),
  targetRegsPerInterval: ctx.get(storage.TargetRegistrationsPerInterval, netuid),
  minBurn: ctx.get(storage.MinBurn, netuid),
  maxBurn: ctx.get(storage.MaxBurn, netuid),
  maxRegsPerBlock: ctx.get(storage.MaxRegistrationsPerBlock, netuid),
  servingRateLimit: ctx.get(storage.ServingRateLimit, netuid),
});

/** undefined when the subnet does not exist. */
export const readSubnetHyperparams = (ctx: ReadContext, netuid: number) =>
  subnetExists(ctx, netuid)
    ? { ...readWeightRules(ctx, netuid), ...readRegistrationRules(ctx, netuid) }
    : undefined;

/** undefined when the subnet does not exist. User liquidity went with the liquidity positions of older specs. */
export const readSubnetHyperparamsV2 = (ctx: ReadContext, netuid: number) => {
  const shared = readSubnetHyperparams(ctx, netuid);
  return (
    shared && {
      ...shared,
      alphaSigmoidSteepness: { bits: BigInt(ctx.get(storage.AlphaSigmoidSteepness, netuid)) << 32n },
      yumaVersion: ctx.get(storage.Yuma3On, netuid) ? 3 : 2,
      subnetIsActive: ctx.get(storage.SubtokenEnabled, netuid),
      transfersEnabled: ctx.get(storage.TransferToggle, netuid),
      bondsResetEnabled: ctx.get(storage.BondsResetOn, netuid),
      userLiquidityEnabled: false,
    }
  );
};
