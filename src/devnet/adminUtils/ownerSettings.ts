/** Hyperparameters that a subnet's owner may change. Source: pallets/admin-utils/src/lib.rs. */
import { ensure, event } from '../pallet.ts';
import { bool, i16, option, u8, u16, u64, vec } from '../scale.ts';
import { errors as subtensorErrors } from '../subtensor/errors.ts';
import { events } from '../subtensor/events.ts';
import type { Hyperparameter } from '../subtensor/limitStorage.ts';
import {
  ensureEmissionSplit,
  ensureMechanismCount,
  ensureUidsOverMechanisms,
  MAX_UIDS_OVER_MECHANISMS,
  setMechanismCount,
} from '../subtensor/mechanisms.ts';
import { storage } from '../subtensor/storage.ts';
import { recycleOrBurn, u64f64 } from '../subtensor/structs.ts';
import { ensureNotRoot, errors, ownerSetting, store } from './settings.ts';

export const toggleEvents = {
  Yuma3EnableToggled: event(1, { netuid: u16, enabled: bool }),
  BondsResetToggled: event(2, { netuid: u16, enabled: bool }),
  BurnHalfLifeSet: event(3, { netuid: u16, burnHalfLife: u16 }),
  BurnIncreaseMultSet: event(4, { netuid: u16, burnIncreaseMult: u64f64 }),
};

/** rao: bounds of the bounds of the registration price (MinBurnUpperBound, MaxBurnLowerBound). */
const MIN_BURN_UPPER_RAO = 1_000_000_000n;
const MAX_BURN_LOWER_RAO = 100_000_000n;
/** In millionths; owners may not go above. */
const MAX_BONDS_MOVING_AVERAGE = 975_000n;
/** 0.025 of 65535. */
const MIN_ALPHA = 1638;
const MAX_REVEAL_PERIOD_EPOCHS = 100n;
const MAX_BURN_HALF_LIFE_BLOCKS = 36_100;
const MAX_IMMUNE_OWNER_UIDS = 10;
const ONE = 1n << 64n;

const limit = (hyperparameter: Hyperparameter) => ({ hyperparameter });
const weightSettings = {
  sudo_set_weights_version_key: ownerSetting(
    { transaction: 'setWeightsVersionKey' },
    {
      index: 6,
      arg: 'weightsVersionKey',
      type: u64,
      apply: store(storage.WeightsVersionKey, events.WeightsVersionKeySet),
    },
  ),
  sudo_set_min_allowed_weights: ownerSetting(limit('MinAllowedWeights'), {
    index: 14,
    arg: 'minAllowedWeights',
    type: u16,
    apply: store(storage.MinAllowedWeights, events.MinAllowedWeightSet),
  }),
  sudo_set_commit_reveal_weights_enabled: ownerSetting(limit('CommitRevealEnabled'), {
    index: 49,
    arg: 'enabled',
    type: bool,
    apply: store(storage.CommitRevealWeightsEnabled, events.CommitRevealEnabled),
  }),
  /** Epochs from commit to reveal. */
  sudo_set_commit_reveal_weights_interval: ownerSetting(limit('WeightCommitInterval'), {
    index: 57,
    arg: 'interval',
    type: u64,
    ensure: (_ctx, _netuid, epochs) => {
      ensure(epochs <= MAX_REVEAL_PERIOD_EPOCHS, subtensorErrors.RevealPeriodTooLarge);
      ensure(epochs > 0n, subtensorErrors.RevealPeriodTooSmall);
    },
    apply: store(storage.RevealPeriodEpochs, events.CommitRevealPeriodsSet),
  }),
  /** In blocks; superseded by `set_activity_cutoff_factor` and no longer read by the epoch. */
  sudo_set_activity_cutoff: ownerSetting(limit('ActivityCutoff'), {
    index: 18,
    arg: 'activityCutoff',
    type: u16,
    ensure: (ctx, _netuid, blocks) =>
      ensure(blocks >= ctx.get(storage.MinActivityCutoff), subtensorErrors.ActivityCutoffTooLow),
    apply: store(storage.ActivityCutoff, events.ActivityCutoffSet),
  }),
};

const neuronSettings = {
  sudo_set_serving_rate_limit: ownerSetting(limit('ServingRateLimit'), {
    index: 3,
    arg: 'servingRateLimit',
    type: u64,
    apply: store(storage.ServingRateLimit, events.ServingRateLimitSet),
  }),
  sudo_set_immunity_period: ownerSetting(limit('ImmunityPeriod'), {
    index: 13,
    arg: 'immunityPeriod',
    type: u16,
    apply: store(storage.ImmunityPeriod, events.ImmunityPeriodSet),
  }),
  sudo_set_max_allowed_uids: ownerSetting(limit('MaxAllowedUids'), {
    index: 15,
    arg: 'maxAllowedUids',
    type: u16,
    ensure: (ctx, netuid, max) => {
      ensure(max >= ctx.get(storage.MinAllowedUids, netuid), errors.MaxAllowedUidsLessThanMinAllowedUids);
      ensure(max >= ctx.get(storage.SubnetworkN, netuid), errors.MaxAllowedUIdsLessThanCurrentUIds);
      ensure(max <= MAX_UIDS_OVER_MECHANISMS, errors.MaxAllowedUidsGreaterThanDefaultMaxAllowedUids);
      ensureUidsOverMechanisms(max, ctx.get(storage.MechanismCountCurrent, netuid));
    },
    apply: store(storage.MaxAllowedUids, events.MaxAllowedUidsSet),
  }),
  sudo_set_owner_immune_neuron_limit: ownerSetting(limit('ImmuneNeuronLimit'), {
    index: 72,
    arg: 'immuneNeurons',
    type: u16,
    ensure: (_ctx, _netuid, count) =>
      ensure(count >= 1 && count <= MAX_IMMUNE_OWNER_UIDS, subtensorErrors.InvalidValue),
    apply: store(storage.ImmuneOwnerUidsLimit),
  }),
  sudo_set_mechanism_count: ownerSetting(
    { transaction: 'mechanismCount' },
    {
      index: 76,
      arg: 'mechanismCount',
      type: u8,
      ensure: ensureMechanismCount,
      apply: setMechanismCount,
    },
  ),
  sudo_set_mechanism_emission_split: ownerSetting(
    { transaction: 'mechanismEmission' },
    {
      index: 77,
      arg: 'maybeSplit',
      type: option(vec(u16)),
      ensure: ensureEmissionSplit,
      apply: (ctx, netuid, split) => {
        if (split === undefined) ctx.remove(storage.MechanismEmissionSplit, netuid);
        else ctx.put(storage.MechanismEmissionSplit, netuid, split);
      },
    },
  ),
};

const consensusSettings = {
  sudo_set_rho: ownerSetting(limit('Rho'), {
    index: 17,
    arg: 'rho',
    type: u16,
    apply: store(storage.Rho, events.RhoSet),
  }),
  sudo_set_bonds_moving_average: ownerSetting(limit('BondsMovingAverage'), {
    index: 26,
    arg: 'bondsMovingAverage',
    type: u64,
    ensure: (_ctx, _netuid, value, isRoot) =>
      ensure(isRoot || value <= MAX_BONDS_MOVING_AVERAGE, errors.BondsMovingAverageMaxReached),
    apply: store(storage.BondsMovingAverage, events.BondsMovingAverageSet),
  }),
  sudo_set_bonds_penalty: ownerSetting(limit('BondsPenalty'), {
    index: 60,
    arg: 'bondsPenalty',
    type: u16,
    apply: store(storage.BondsPenalty, events.BondsPenaltySet),
  }),
  sudo_set_liquid_alpha_enabled: ownerSetting(limit('LiquidAlphaEnabled'), {
    index: 50,
    arg: 'enabled',
    type: bool,
    apply: store(storage.LiquidAlphaOn),
  }),
  sudo_set_alpha_sigmoid_steepness: ownerSetting(limit('AlphaSigmoidSteepness'), {
    index: 68,
    arg: 'steepness',
    type: i16,
    ensure: (_ctx, _netuid, steepness, isRoot) =>
      ensure(isRoot || steepness >= 0, errors.NegativeSigmoidSteepness),
    apply: store(storage.AlphaSigmoidSteepness, events.AlphaSigmoidSteepnessSet),
  }),
  sudo_set_yuma3_enabled: ownerSetting(limit('Yuma3Enabled'), {
    index: 69,
    arg: 'enabled',
    type: bool,
    apply: (ctx, netuid, enabled) => {
      ctx.put(storage.Yuma3On, netuid, enabled);
      ctx.emit(toggleEvents.Yuma3EnableToggled, { netuid, enabled });
    },
  }),
  sudo_set_bonds_reset_enabled: ownerSetting(limit('BondsResetEnabled'), {
    index: 70,
    arg: 'enabled',
    type: bool,
    apply: (ctx, netuid, enabled) => {
      store(storage.BondsResetOn, events.BondsResetOnSet)(ctx, netuid, enabled);
      ctx.emit(toggleEvents.BondsResetToggled, { netuid, enabled });
    },
  }),
};

const economySettings = {
  sudo_set_max_difficulty: ownerSetting(limit('MaxDifficulty'), {
    index: 5,
    arg: 'maxDifficulty',
    type: u64,
    apply: store(storage.MaxDifficulty, events.MaxDifficultySet),
  }),
  sudo_set_adjustment_alpha: ownerSetting(limit('AdjustmentAlpha'), {
    index: 9,
    arg: 'adjustmentAlpha',
    type: u64,
    apply: store(storage.AdjustmentAlpha, events.AdjustmentAlphaSet),
  }),
  sudo_set_min_burn: ownerSetting(limit('MinBurn'), {
    index: 22,
    arg: 'minBurn',
    type: u64,
    ensure: (ctx, netuid, rao) =>
      ensure(rao < MIN_BURN_UPPER_RAO && rao < ctx.get(storage.MaxBurn, netuid), errors.ValueNotInBounds),
    apply: store(storage.MinBurn, events.MinBurnSet),
  }),
  sudo_set_max_burn: ownerSetting(limit('MaxBurn'), {
    index: 23,
    arg: 'maxBurn',
    type: u64,
    ensure: (ctx, netuid, rao) =>
      ensure(rao > MAX_BURN_LOWER_RAO && rao > ctx.get(storage.MinBurn, netuid), errors.ValueNotInBounds),
    apply: store(storage.MaxBurn, events.MaxBurnSet),
  }),
  sudo_set_burn_half_life: ownerSetting(limit('BurnHalfLife'), {
    index: 89,
    arg: 'burnHalfLife',
    type: u16,
    ensure: (_ctx, netuid, blocks) => {
      ensureNotRoot(netuid);
      ensure(blocks > 0 && blocks <= MAX_BURN_HALF_LIFE_BLOCKS, errors.InvalidValue);
    },
    apply: (ctx, netuid, burnHalfLife) => {
      ctx.put(storage.BurnHalfLife, netuid, burnHalfLife);
      ctx.emit(toggleEvents.BurnHalfLifeSet, { netuid, burnHalfLife });
    },
  }),
  sudo_set_burn_increase_mult: ownerSetting(limit('BurnIncreaseMult'), {
    index: 90,
    arg: 'burnIncreaseMult',
    type: u64f64,
    ensure: (_ctx, netuid, { bits }) => {
      ensureNotRoot(netuid);
      ensure(bits >= ONE && bits <= 3n * ONE, errors.InvalidValue);
    },
    apply: (ctx, netuid, burnIncreaseMult) => {
      ctx.put(storage.BurnIncreaseMult, netuid, burnIncreaseMult);
      ctx.emit(toggleEvents.BurnIncreaseMultSet, { netuid, burnIncreaseMult });
    },
  }),
  sudo_set_toggle_transfer: ownerSetting(limit('TransferEnabled'), {
    index: 61,
    arg: 'toggle',
    type: bool,
    apply: store(storage.TransferToggle, events.TransferToggle),
  }),
  sudo_set_recycle_or_burn: ownerSetting(limit('RecycleOrBurn'), {
    index: 80,
    arg: 'recycleOrBurn',
    type: recycleOrBurn,
    apply: store(storage.RecycleOrBurn),
  }),
  sudo_set_owner_cut_enabled: ownerSetting(undefined, {
    index: 92,
    arg: 'enabled',
    type: bool,
    ensure: (_ctx, netuid) => ensureNotRoot(netuid),
    apply: store(storage.OwnerCutEnabled),
  }),
  sudo_set_owner_cut_auto_lock_enabled: ownerSetting(undefined, {
    index: 95,
    arg: 'enabled',
    type: bool,
    ensure: (_ctx, netuid) => ensureNotRoot(netuid),
    apply: store(storage.OwnerCutAutoLockEnabled),
  }),
};

/** Bounds of liquid alpha, at least 0.025, as fractions of 65535. */
export const ensureAlphaValues = (isLiquid: boolean, low: number, high: number): void => {
  ensure(isLiquid, subtensorErrors.LiquidAlphaDisabled);
  ensure(high >= MIN_ALPHA, subtensorErrors.AlphaHighTooLow);
  ensure(low >= MIN_ALPHA && low <= high, subtensorErrors.AlphaLowOutOfRange);
};

export const ownerSettings = {
  ...weightSettings,
  ...neuronSettings,
  ...consensusSettings,
  ...economySettings,
};
