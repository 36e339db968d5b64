/** The self-describing list of `get_subnet_hyperparams_v3`. Source: pallets/subtensor/src/rpc_info/subnet_info.rs. */
import { activityCutoffBlocks } from '../../domain/epoch.ts';
import type { ReadContext } from '../pallet.ts';
import { bool, bytes, compact, struct, u32, u128, type ValueOf, variant } from '../scale.ts';
import { storage } from './storage.ts';
import { compactU16, compactU64, i32f32, u64f64 } from './structs.ts';
import { subnetExists } from './subnets.ts';

const path = 'pallet_subtensor::rpc_info::subnet_info';
const hyperparameterValue = variant(`${path}::HyperparamValue`, {
  Bool: { index: 0, fields: [bool] },
  U16: { index: 1, fields: [compactU16] },
  U32: { index: 2, fields: [compact(u32)] },
  U64: { index: 3, fields: [compactU64] },
  U128: { index: 4, fields: [compact(u128)] },
  TaoBalance: { index: 5, fields: [compactU64] },
  I32F32: { index: 6, fields: [i32f32] },
  U64F64: { index: 7, fields: [u64f64] },
});
export const hyperparameterEntry = struct(`${path}::HyperparamEntry`, {
  name: bytes,
  value: hyperparameterValue,
});
type Value = ValueOf<typeof hyperparameterValue>;

const flag = (value: boolean): Value => ({ tag: 'Bool', value: [value] });
const short = (value: number): Value => ({ tag: 'U16', value: [value] });
const long = (value: bigint): Value => ({ tag: 'U64', value: [value] });
const tao = (value: bigint): Value => ({ tag: 'TaoBalance', value: [value] });

/** In the chain's order; clients should read it as a dictionary. */
const valuesOf = (ctx: ReadContext, netuid: number): readonly (readonly [string, Value])[] => {
  const [alphaLow, alphaHigh] = ctx.get(storage.AlphaValues, netuid);
  const factor = ctx.get(storage.ActivityCutoffFactorMilli, netuid);
  const tempo = ctx.get(storage.Tempo, netuid);
  const steepness = BigInt(ctx.get(storage.AlphaSigmoidSteepness, netuid)) << 32n;
  return [
    ['kappa', short(ctx.get(storage.Kappa, netuid))],
    ['immunity_period', short(ctx.get(storage.ImmunityPeriod, netuid))],
    ['min_allowed_weights', short(ctx.get(storage.MinAllowedWeights, netuid))],
    ['max_weights_limit', short(ctx.get(storage.MaxWeightsLimit, netuid))],
    ['tempo', short(tempo)],
    ['weights_version', long(ctx.get(storage.WeightsVersionKey, netuid))],
    ['weights_rate_limit', long(ctx.get(storage.WeightsSetRateLimit, netuid))],
    ['activity_cutoff', long(BigInt(activityCutoffBlocks(factor, tempo)))],
    ['activity_cutoff_factor', { tag: 'U32', value: [factor] }],
    ['registration_allowed', flag(ctx.get(storage.NetworkRegistrationAllowed, netuid))],
    ['target_regs_per_interval', short(ctx.get(storage.TargetRegistrationsPerInterval, netuid))],
    ['min_burn', tao(ctx.get(storage.MinBurn, netuid))],
    ['max_burn', tao(ctx.get(storage.MaxBurn, netuid))],
    ['burn_half_life', short(ctx.get(storage.BurnHalfLife, netuid))],
    ['burn_increase_mult', { tag: 'U64F64', value: [ctx.get(storage.BurnIncreaseMult, netuid)] }],
    ['bonds_moving_avg', long(ctx.get(storage.BondsMovingAverage, netuid))],
    ['max_regs_per_block', short(ctx.get(storage.MaxRegistrationsPerBlock, netuid))],
    ['serving_rate_limit', long(ctx.get(storage.ServingRateLimit, netuid))],
    ['max_validators', short(ctx.get(storage.MaxAllowedValidators, netuid))],
    ['commit_reveal_period', long(ctx.get(storage.RevealPeriodEpochs, netuid))],
    ['commit_reveal_weights_enabled', flag(ctx.get(storage.CommitRevealWeightsEnabled, netuid))],
    ['alpha_high', short(alphaHigh)],
    ['alpha_low', short(alphaLow)],
    ['liquid_alpha_enabled', flag(ctx.get(storage.LiquidAlphaOn, netuid))],
    ['alpha_sigmoid_steepness', { tag: 'I32F32', value: [{ bits: steepness }] }],
    ['yuma_version', short(ctx.get(storage.Yuma3On, netuid) ? 3 : 2)],
    ['subnet_is_active', flag(ctx.get(storage.SubtokenEnabled, netuid))],
    ['transfers_enabled', flag(ctx.get(storage.TransferToggle, netuid))],
    ['bonds_reset_enabled', flag(ctx.get(storage.BondsResetOn, netuid))],
    ['user_liquidity_enabled', flag(false)],
    ['owner_cut_enabled', flag(ctx.get(storage.OwnerCutEnabled, netuid))],
    ['owner_cut_auto_lock_enabled', flag(ctx.get(storage.OwnerCutAutoLockEnabled, netuid))],
    ['min_childkey_take', short(ctx.get(storage.MinChildkeyTake))],
  ];
};

export const readHyperparameters = (ctx: ReadContext, netuid: number) =>
  subnetExists(ctx, netuid)
    ? valuesOf(ctx, netuid).map(([name, value]) => ({ name: new TextEncoder().encode(name), value }))
    : undefined;
