/** What only root may change, of one subnet and of all. Source: pallets/admin-utils/src/lib.rs. */
import { ensure, event, ModuleError } from '../pallet.ts';
import { bool, u8, u16, u64 } from '../scale.ts';
import { events } from '../subtensor/events.ts';
import { ensureMaxMechanismCount } from '../subtensor/mechanisms.ts';
import { applyTempo } from '../subtensor/ownerCalls.ts';
import { storage } from '../subtensor/storage.ts';
import { ensureNotRoot, errors, globalSetting, rootSetting, store, storeGlobal } from './settings.ts';

export const emissionEvents = {
  SubnetEmissionEnabledSet: event(5, { netuid: u16, enabled: bool }),
};

const subnetSettings = {
  sudo_set_min_difficulty: rootSetting('outside of the freeze', {
    index: 4,
    arg: 'minDifficulty',
    type: u64,
    apply: store(storage.MinDifficulty, events.MinDifficultySet),
  }),
  sudo_set_weights_set_rate_limit: rootSetting('any time', {
    index: 7,
    arg: 'weightsSetRateLimit',
    type: u64,
    apply: store(storage.WeightsSetRateLimit, events.WeightsSetRateLimitSet),
  }),
  sudo_set_adjustment_interval: rootSetting('any time', {
    index: 8,
    arg: 'adjustmentInterval',
    type: u16,
    apply: store(storage.AdjustmentInterval, events.AdjustmentIntervalSet),
  }),
  sudo_set_kappa: rootSetting('any time', {
    index: 16,
    arg: 'kappa',
    type: u16,
    apply: store(storage.Kappa, events.KappaSet),
  }),
  sudo_set_network_registration_allowed: rootSetting('any time', {
    index: 19,
    arg: 'registrationAllowed',
    type: bool,
    apply: store(storage.NetworkRegistrationAllowed, events.RegistrationAllowed),
  }),
  /** There is no proof of work any more. */
  sudo_set_network_pow_registration_allowed: rootSetting('any time', {
    index: 20,
    arg: 'registrationAllowed',
    type: bool,
    ensure: () => {
      throw new ModuleError(errors.POWRegistrationDisabled);
    },
    apply: store(storage.NetworkPowRegistrationAllowed),
  }),
  sudo_set_target_registrations_per_interval: rootSetting('outside of the freeze', {
    index: 21,
    arg: 'targetRegistrationsPerInterval',
    type: u16,
    apply: store(storage.TargetRegistrationsPerInterval, events.RegistrationPerIntervalSet),
  }),
  sudo_set_difficulty: rootSetting('outside of the freeze', {
    index: 24,
    arg: 'difficulty',
    type: u64,
    apply: store(storage.Difficulty, events.DifficultySet),
  }),
  sudo_set_max_allowed_validators: rootSetting('outside of the freeze', {
    index: 25,
    arg: 'maxAllowedValidators',
    type: u16,
    ensure: (ctx, netuid, max) =>
      ensure(max <= ctx.get(storage.MaxAllowedUids, netuid), errors.MaxValidatorsLargerThanMaxUIds),
    apply: store(storage.MaxAllowedValidators, events.MaxAllowedValidatorsSet),
  }),
  sudo_set_max_registrations_per_block: rootSetting('outside of the freeze', {
    index: 27,
    arg: 'maxRegistrationsPerBlock',
    type: u16,
    apply: store(storage.MaxRegistrationsPerBlock, events.MaxRegistrationsPerBlockSet),
  }),
  /** Root may set any tempo; it begins a new cycle as an owner's does. */
  sudo_set_tempo: rootSetting('outside of the freeze', {
    index: 30,
    arg: 'tempo',
    type: u16,
    apply: applyTempo,
  }),
  sudo_set_rao_recycled: rootSetting('any time', {
    index: 39,
    arg: 'raoRecycled',
    type: u64,
    apply: store(storage.RAORecycledForRegistration, events.RAORecycledForRegistrationSet),
  }),
  sudo_set_subtoken_enabled: rootSetting('outside of the freeze', {
    index: 66,
    arg: 'subtokenEnabled',
    type: bool,
    apply: store(storage.SubtokenEnabled),
  }),
  sudo_set_min_allowed_uids: rootSetting('outside of the freeze', {
    index: 79,
    arg: 'minAllowedUids',
    type: u16,
    ensure: (ctx, netuid, min) => {
      ensure(min < ctx.get(storage.MaxAllowedUids, netuid), errors.MinAllowedUidsGreaterThanMaxAllowedUids);
      ensure(min < ctx.get(storage.SubnetworkN, netuid), errors.MinAllowedUidsGreaterThanCurrentUids);
    },
    apply: store(storage.MinAllowedUids, events.MinAllowedUidsSet),
  }),
  sudo_set_min_non_immune_uids: rootSetting('any time', {
    index: 84,
    arg: 'min',
    type: u16,
    apply: store(storage.MinNonImmuneUids, events.MinNonImmuneUidsSet),
  }),
  sudo_set_subnet_emission_enabled: rootSetting('any time', {
    index: 94,
    arg: 'enabled',
    type: bool,
    ensure: (_ctx, netuid) => ensureNotRoot(netuid),
    apply: (ctx, netuid, enabled) => {
      ctx.put(storage.SubnetEmissionEnabled, netuid, enabled);
      ctx.emit(emissionEvents.SubnetEmissionEnabledSet, { netuid, enabled });
    },
  }),
};

const networkSettings = {
  sudo_set_subnet_owner_cut: globalSetting({
    index: 28,
    arg: 'subnetOwnerCut',
    type: u16,
    apply: storeGlobal(storage.SubnetOwnerCut, events.SubnetOwnerCutSet),
  }),
  sudo_set_network_rate_limit: globalSetting({
    index: 29,
    arg: 'rateLimit',
    type: u64,
    apply: storeGlobal(storage.NetworkRateLimit, events.NetworkRateLimitSet),
  }),
  sudo_set_network_immunity_period: globalSetting({
    index: 35,
    arg: 'immunityPeriod',
    type: u64,
    apply: storeGlobal(storage.NetworkImmunityPeriod, events.NetworkImmunityPeriodSet),
  }),
  sudo_set_network_min_lock_cost: globalSetting({
    index: 36,
    arg: 'lockCost',
    type: u64,
    apply: storeGlobal(storage.NetworkMinLockCost, events.NetworkMinLockCostSet),
  }),
  sudo_set_subnet_limit: globalSetting({
    index: 37,
    arg: 'maxSubnets',
    type: u16,
    apply: storeGlobal(storage.SubnetLimit, events.SubnetLimitSet),
  }),
  sudo_set_lock_reduction_interval: globalSetting({
    index: 38,
    arg: 'interval',
    type: u64,
    apply: storeGlobal(storage.NetworkLockReductionInterval, events.NetworkLockCostReductionIntervalSet),
  }),
  sudo_set_start_call_delay: globalSetting({
    index: 85,
    arg: 'delay',
    type: u64,
    apply: storeGlobal(storage.StartCallDelay, events.StartCallDelaySet),
  }),
  sudo_set_max_mechanism_count: globalSetting({
    index: 88,
    arg: 'maxMechanismCount',
    type: u8,
    apply: (ctx, count) => {
      ensureMaxMechanismCount(count);
      ctx.put(storage.MaxMechanismCount, count);
    },
  }),
  /** 96 is the only index that the sources of mid-2026 leave between 95 and 97. At least 1: 0 would end all epochs. */
  sudo_set_max_epochs_per_block: globalSetting({
    index: 96,
    arg: 'maxEpochsPerBlock',
    type: u8,
    apply: (ctx, count) => {
      ensure(count > 0, errors.InvalidValue);
      storeGlobal(storage.MaxEpochsPerBlock, events.MaxEpochsPerBlockSet)(ctx, count);
    },
  }),
};

const stakeSettings = {
  sudo_set_default_take: globalSetting({
    index: 1,
    arg: 'defaultTake',
    type: u16,
    apply: storeGlobal(storage.MaxDelegateTake, events.MaxDelegateTakeSet),
  }),
  sudo_set_tx_rate_limit: globalSetting({
    index: 2,
    arg: 'txRateLimit',
    type: u64,
    apply: storeGlobal(storage.TxRateLimit, events.TxRateLimitSet),
  }),
  sudo_set_stake_threshold: globalSetting({
    index: 42,
    arg: 'minStake',
    type: u64,
    apply: storeGlobal(storage.StakeThreshold, events.StakeThresholdSet),
  }),
  sudo_set_nominator_min_required_stake: globalSetting({
    index: 43,
    arg: 'minStake',
    type: u64,
    apply: storeGlobal(storage.NominatorMinRequiredStake),
  }),
  sudo_set_tx_delegate_take_rate_limit: globalSetting({
    index: 45,
    arg: 'txRateLimit',
    type: u64,
    apply: storeGlobal(storage.TxDelegateTakeRateLimit, events.TxDelegateTakeRateLimitSet),
  }),
  sudo_set_min_delegate_take: globalSetting({
    index: 46,
    arg: 'take',
    type: u16,
    apply: storeGlobal(storage.MinDelegateTake, events.MinDelegateTakeSet),
  }),
  sudo_set_commit_reveal_version: globalSetting({
    index: 71,
    arg: 'version',
    type: u16,
    apply: storeGlobal(storage.CommitRevealWeightsVersion, events.CommitRevealVersionSet),
  }),
  sudo_set_ck_burn: globalSetting({ index: 73, arg: 'burn', type: u64, apply: storeGlobal(storage.CKBurn) }),
  sudo_set_admin_freeze_window: globalSetting({
    index: 74,
    arg: 'window',
    type: u16,
    apply: storeGlobal(storage.AdminFreezeWindow, events.AdminFreezeWindowSet),
  }),
  sudo_set_owner_hparam_rate_limit: globalSetting({
    index: 75,
    arg: 'epochs',
    type: u16,
    apply: storeGlobal(storage.OwnerHyperparamRateLimit, events.OwnerHyperparamRateLimitSet),
  }),
};

export const rootSettings = { ...subnetSettings, ...networkSettings, ...stakeSettings };
