import { describe, expect, it } from 'vitest';
import type { AnyStorageItem } from '#src/devnet/pallet.ts';
import { storage } from '#src/devnet/subtensor/storage.ts';
import { type Caller, startRuntimeState } from './runtimeState.ts';
import { account, genesisOf, NETUID, subnetGenesis } from './subtensorFixture.ts';

const OWNER = 200;
/** A tempo that leaves room before the freeze window. */
const start = (hyperparameters = {}) => {
  const base = subnetGenesis({ tempo: 100 });
  const state = startRuntimeState(
    genesisOf({ ...base, hyperparameters: { ...base.hyperparameters, ...hyperparameters } }),
  );
  state.advance(2);
  return state;
};
type State = ReturnType<typeof start>;
const set = (state: State, name: string, args: object, caller: Caller = OWNER, netuid = NETUID) =>
  state.dispatch(`AdminUtils.sudo_set_${name}`, { netuid, ...args }, caller);

/** [call, argument, value, storage item, event] */
type Row = readonly [string, string, unknown, AnyStorageItem, string | undefined];
const ofOwners: readonly Row[] = [
  ['serving_rate_limit', 'servingRateLimit', 7n, storage.ServingRateLimit, 'ServingRateLimitSet'],
  ['max_difficulty', 'maxDifficulty', 7n, storage.MaxDifficulty, 'MaxDifficultySet'],
  ['weights_version_key', 'weightsVersionKey', 7n, storage.WeightsVersionKey, 'WeightsVersionKeySet'],
  ['adjustment_alpha', 'adjustmentAlpha', 7n, storage.AdjustmentAlpha, 'AdjustmentAlphaSet'],
  ['immunity_period', 'immunityPeriod', 7, storage.ImmunityPeriod, 'ImmunityPeriodSet'],
  ['min_allowed_weights', 'minAllowedWeights', 7, storage.MinAllowedWeights, 'MinAllowedWeightSet'],
  ['max_allowed_uids', 'maxAllowedUids', 77, storage.MaxAllowedUids, 'MaxAllowedUidsSet'],
  ['rho', 'rho', 7, storage.Rho, 'RhoSet'],
  ['activity_cutoff', 'activityCutoff', 400, storage.ActivityCutoff, 'ActivityCutoffSet'],
  ['min_burn', 'minBurn', 7n, storage.MinBurn, 'MinBurnSet'],
  ['max_burn', 'maxBurn', 700_000_000n, storage.MaxBurn, 'MaxBurnSet'],
  [
    'bonds_moving_average',
    'bondsMovingAverage',
    975_000n,
    storage.BondsMovingAverage,
    'BondsMovingAverageSet',
  ],
  ['bonds_penalty', 'bondsPenalty', 7, storage.BondsPenalty, 'BondsPenaltySet'],
  [
    'commit_reveal_weights_enabled',
    'enabled',
    true,
    storage.CommitRevealWeightsEnabled,
    'CommitRevealEnabled',
  ],
  ['commit_reveal_weights_interval', 'interval', 7n, storage.RevealPeriodEpochs, 'CommitRevealPeriodsSet'],
  ['liquid_alpha_enabled', 'enabled', true, storage.LiquidAlphaOn, undefined],
  ['toggle_transfer', 'toggle', false, storage.TransferToggle, 'TransferToggle'],
  [
    'recycle_or_burn',
    'recycleOrBurn',
    { tag: 'Recycle', value: undefined },
    storage.RecycleOrBurn,
    undefined,
  ],
  ['alpha_sigmoid_steepness', 'steepness', 7, storage.AlphaSigmoidSteepness, 'AlphaSigmoidSteepnessSet'],
  ['yuma3_enabled', 'enabled', false, storage.Yuma3On, 'Yuma3EnableToggled'],
  ['bonds_reset_enabled', 'enabled', true, storage.BondsResetOn, 'BondsResetToggled'],
  ['owner_immune_neuron_limit', 'immuneNeurons', 7, storage.ImmuneOwnerUidsLimit, undefined],
  ['burn_half_life', 'burnHalfLife', 7, storage.BurnHalfLife, 'BurnHalfLifeSet'],
  [
    'burn_increase_mult',
    'burnIncreaseMult',
    { bits: 3n << 63n },
    storage.BurnIncreaseMult,
    'BurnIncreaseMultSet',
  ],
  ['owner_cut_enabled', 'enabled', false, storage.OwnerCutEnabled, undefined],
  ['owner_cut_auto_lock_enabled', 'enabled', true, storage.OwnerCutAutoLockEnabled, undefined],
];
const ofRoot: readonly Row[] = [
  ['min_difficulty', 'minDifficulty', 7n, storage.MinDifficulty, 'MinDifficultySet'],
  [
    'weights_set_rate_limit',
    'weightsSetRateLimit',
    7n,
    storage.WeightsSetRateLimit,
    'WeightsSetRateLimitSet',
  ],
  ['adjustment_interval', 'adjustmentInterval', 7, storage.AdjustmentInterval, 'AdjustmentIntervalSet'],
  ['kappa', 'kappa', 7, storage.Kappa, 'KappaSet'],
  [
    'network_registration_allowed',
    'registrationAllowed',
    false,
    storage.NetworkRegistrationAllowed,
    'RegistrationAllowed',
  ],
  [
    'target_registrations_per_interval',
    'targetRegistrationsPerInterval',
    7,
    storage.TargetRegistrationsPerInterval,
    'RegistrationPerIntervalSet',
  ],
  ['difficulty', 'difficulty', 7n, storage.Difficulty, 'DifficultySet'],
  [
    'max_allowed_validators',
    'maxAllowedValidators',
    7,
    storage.MaxAllowedValidators,
    'MaxAllowedValidatorsSet',
  ],
  [
    'max_registrations_per_block',
    'maxRegistrationsPerBlock',
    7,
    storage.MaxRegistrationsPerBlock,
    'MaxRegistrationsPerBlockSet',
  ],
  ['tempo', 'tempo', 7, storage.Tempo, 'TempoSet'],
  ['rao_recycled', 'raoRecycled', 7n, storage.RAORecycledForRegistration, 'RAORecycledForRegistrationSet'],
  ['subtoken_enabled', 'subtokenEnabled', false, storage.SubtokenEnabled, undefined],
  ['min_allowed_uids', 'minAllowedUids', 3, storage.MinAllowedUids, 'MinAllowedUidsSet'],
  ['min_non_immune_uids', 'min', 7, storage.MinNonImmuneUids, 'MinNonImmuneUidsSet'],
  ['subnet_emission_enabled', 'enabled', true, storage.SubnetEmissionEnabled, 'SubnetEmissionEnabledSet'],
];
const ofAll: readonly Row[] = [
  ['default_take', 'defaultTake', 7, storage.MaxDelegateTake, 'MaxDelegateTakeSet'],
  ['tx_rate_limit', 'txRateLimit', 7n, storage.TxRateLimit, 'TxRateLimitSet'],
  ['subnet_owner_cut', 'subnetOwnerCut', 7, storage.SubnetOwnerCut, 'SubnetOwnerCutSet'],
  ['network_rate_limit', 'rateLimit', 7n, storage.NetworkRateLimit, 'NetworkRateLimitSet'],
  [
    'network_immunity_period',
    'immunityPeriod',
    7n,
    storage.NetworkImmunityPeriod,
    'NetworkImmunityPeriodSet',
  ],
  ['network_min_lock_cost', 'lockCost', 7n, storage.NetworkMinLockCost, 'NetworkMinLockCostSet'],
  ['subnet_limit', 'maxSubnets', 7, storage.SubnetLimit, 'SubnetLimitSet'],
  [
    'lock_reduction_interval',
    'interval',
    7n,
    storage.NetworkLockReductionInterval,
    'NetworkLockCostReductionIntervalSet',
  ],
  ['stake_threshold', 'minStake', 7n, storage.StakeThreshold, 'StakeThresholdSet'],
  ['nominator_min_required_stake', 'minStake', 7n, storage.NominatorMinRequiredStake, undefined],
  [
    'tx_delegate_take_rate_limit',
    'txRateLimit',
    7n,
    storage.TxDelegateTakeRateLimit,
    'TxDelegateTakeRateLimitSet',
  ],
  ['min_delegate_take', 'take', 7, storage.MinDelegateTake, 'MinDelegateTakeSet'],
  ['commit_reveal_version', 'version', 7, storage.CommitRevealWeightsVersion, 'CommitRevealVersionSet'],
  ['ck_burn', 'burn', 7n, storage.CKBurn, undefined],
  ['admin_freeze_window', 'window', 7, storage.AdminFreezeWindow, 'AdminFreezeWindowSet'],
  ['owner_hparam_rate_limit', 'epochs', 7, storage.OwnerHyperparamRateLimit, 'OwnerHyperparamRateLimitSet'],
  ['start_call_delay', 'delay', 7n, storage.StartCallDelay, 'StartCallDelaySet'],
  ['max_mechanism_count', 'maxMechanismCount', 7, storage.MaxMechanismCount, undefined],
  ['max_epochs_per_block', 'maxEpochsPerBlock', 7, storage.MaxEpochsPerBlock, 'MaxEpochsPerBlockSet'],
];
const stored = (state: State, item: AnyStorageItem): unknown =>
  (state.read().get as (item: AnyStorageItem, ...keys: unknown[]) => unknown)(
    item,
    ...item.keys.map(() => NETUID),
  );

describe('devnet / admin utils', () => {
  it.each(ofOwners)(
    '%s is for the owner and root, with one change per limit',
    (name, arg, value, item, event) => {
      const state = start();
      if (name === 'max_allowed_uids') state.put(storage.MinAllowedUids, NETUID, 4);
      expect(set(state, name, { [arg]: value }, 50)).toBe('BadOrigin');
      expect(set(state, name, { [arg]: value })).toBeUndefined();
      expect(stored(state, item)).toEqual(value);
      if (event !== undefined) expect(state.events().map((seen) => seen.name)).toContain(event);
      const isLimited = !name.startsWith('owner_cut');
      expect(set(state, name, { [arg]: value })).toBe(isLimited ? 'TxRateLimitExceeded' : undefined);
      expect(set(state, name, { [arg]: value }, 'root')).toBeUndefined();
    },
  );

  it.each(ofRoot)('%s is for root', (name, arg, value, item, event) => {
    const state = start();
    expect(set(state, name, { [arg]: value })).toBe('BadOrigin');
    expect(set(state, name, { [arg]: value }, 'root', 9)).toBe('SubnetDoesNotExist');
    expect(set(state, name, { [arg]: value }, 'root')).toBeUndefined();
    expect(stored(state, item)).toEqual(value);
    if (event !== undefined) expect(state.events().at(-1)?.name).toBe(event);
  });

  it.each(ofAll)('%s holds for all subnets and is for root', (name, arg, value, item, event) => {
    const state = start();
    const run = (caller: Caller) => state.dispatch(`AdminUtils.sudo_set_${name}`, { [arg]: value }, caller);
    expect(run(OWNER)).toBe('BadOrigin');
    expect(run('root')).toBeUndefined();
    expect(stored(state, item)).toEqual(value);
    if (event !== undefined) expect(state.events().at(-1)).toEqual({ name: event, fields: [value] });
  });

  it('lets an owner change a parameter again after two tempos, and others meanwhile', () => {
    const state = start();
    expect(set(state, 'rho', { rho: 1 })).toBeUndefined();
    expect(set(state, 'bonds_penalty', { bondsPenalty: 1 })).toBeUndefined();
    state.advance(199);
    expect(set(state, 'rho', { rho: 2 })).toBe('TxRateLimitExceeded');
    state.advance();
    expect(set(state, 'rho', { rho: 2 })).toBeUndefined();
  });

  it('freezes the last blocks before an epoch, and all blocks while a trigger is pending', () => {
    const state = start();
    state.advance(88);
    expect(state.block()).toBe(90);
    expect(set(state, 'rho', { rho: 1 })).toBeUndefined();
    state.advance();
    const frozen = 'AdminActionProhibitedDuringWeightsWindow';
    expect(set(state, 'bonds_penalty', { bondsPenalty: 1 })).toBe(frozen);
    expect(set(state, 'tempo', { tempo: 50 }, 'root')).toBe(frozen);
    expect(set(state, 'kappa', { kappa: 1 }, 'root')).toBeUndefined();
    state.advance(10);
    state.put(storage.PendingEpochAt, NETUID, 150n);
    expect(set(state, 'bonds_penalty', { bondsPenalty: 1 })).toBe(frozen);
    state.put(storage.PendingEpochAt, NETUID, 0n);
    expect(set(state, 'bonds_penalty', { bondsPenalty: 1 })).toBeUndefined();
  });

  it.each([
    ['max_allowed_uids', { maxAllowedUids: 63 }, 'MaxAllowedUidsLessThanMinAllowedUids'],
    ['max_allowed_uids', { maxAllowedUids: 257 }, 'MaxAllowedUidsGreaterThanDefaultMaxAllowedUids'],
    ['activity_cutoff', { activityCutoff: 359 }, 'ActivityCutoffTooLow'],
    ['min_burn', { minBurn: 1_000_000_000n }, 'ValueNotInBounds'],
    ['max_burn', { maxBurn: 100_000_000n }, 'ValueNotInBounds'],
    ['bonds_moving_average', { bondsMovingAverage: 975_001n }, 'BondsMovingAverageMaxReached'],
    ['commit_reveal_weights_interval', { interval: 101n }, 'RevealPeriodTooLarge'],
    ['commit_reveal_weights_interval', { interval: 0n }, 'RevealPeriodTooSmall'],
    ['alpha_sigmoid_steepness', { steepness: -1 }, 'NegativeSigmoidSteepness'],
    ['owner_immune_neuron_limit', { immuneNeurons: 11 }, 'InvalidValue'],
    ['burn_half_life', { burnHalfLife: 36_101 }, 'InvalidValue'],
    ['burn_increase_mult', { burnIncreaseMult: { bits: (3n << 64n) + 1n } }, 'InvalidValue'],
    ['alpha_values', { alphaLow: 2000, alphaHigh: 3000 }, 'LiquidAlphaDisabled'],
  ])('%s refuses %o', (name, args, error) => {
    const state = start();
    expect(set(state, name, args)).toBe(error);
    // A refused change does not count against the limit
    expect(set(state, name, args)).toBe(error);
  });

  it('binds root less: bonds may decay slower, steepness may be negative', () => {
    const state = start();
    expect(set(state, 'bonds_moving_average', { bondsMovingAverage: 999_999n }, 'root')).toBeUndefined();
    expect(set(state, 'alpha_sigmoid_steepness', { steepness: -1 }, 'root')).toBeUndefined();
    const pow = { registrationAllowed: true };
    expect(set(state, 'network_pow_registration_allowed', pow, 'root')).toBe('POWRegistrationDisabled');
    expect(state.dispatch('AdminUtils.sudo_set_max_epochs_per_block', { maxEpochsPerBlock: 0 }, 'root')).toBe(
      'InvalidValue',
    );
  });

  it('sets the bounds of liquid alpha together', () => {
    const state = start({ liquidAlphaOn: true });
    const values = (alphaLow: number, alphaHigh: number) =>
      set(state, 'alpha_values', { alphaLow, alphaHigh });
    expect(values(1000, 1000)).toBe('AlphaHighTooLow');
    expect(values(3000, 2000)).toBe('AlphaLowOutOfRange');
    expect(values(2000, 3000)).toBeUndefined();
    expect(state.read().get(storage.AlphaValues, NETUID)).toEqual([2000, 3000]);
    expect(values(2000, 3000)).toBe('TxRateLimitExceeded');
  });

  it('changes the owner hotkey once a week', () => {
    const state = start();
    const change = (hotkey: number) => set(state, 'sn_owner_hotkey', { hotkey: account(hotkey) });
    expect(change(1)).toBeUndefined();
    expect(state.events().at(-1)).toEqual({ name: 'SubnetOwnerHotkeySet', fields: [NETUID, account(1)] });
    expect(change(2)).toBe('TxRateLimitExceeded');
  });

  it('adds mechanisms within the uids, splits their emission and forgets those that are removed', () => {
    const state = start();
    const count = (mechanismCount: number, caller: Caller = 'root') =>
      set(state, 'mechanism_count', { mechanismCount }, caller);
    const split = (maybeSplit: number[] | undefined) =>
      set(state, 'mechanism_emission_split', { maybeSplit }, 'root');
    expect(count(2)).toBe('TooManyUIDsPerMechanism');
    state.put(storage.MaxAllowedUids, NETUID, 128);
    expect(count(0)).toBe('InvalidValue');
    expect(count(3)).toBe('InvalidValue');
    expect(count(2, OWNER)).toBeUndefined();
    expect(count(1, OWNER)).toBe('TxRateLimitExceeded');
    expect(split([65_535])).toBe('InvalidValue');
    expect(split([1, 65_535])).toBe('InvalidValue');
    expect(split([16_384, 49_151])).toBeUndefined();
    expect(state.read().get(storage.MechanismEmissionSplit, NETUID)).toEqual([16_384, 49_151]);
    const weights = { netuid: NETUID, mecid: 1, dests: [2], weights: [1], versionKey: 0n };
    state.advance(10);
    expect(state.dispatch('SubtensorModule.set_mechanism_weights', weights, 1)).toBeUndefined();
    expect(state.read().has(storage.Weights, 4096 + NETUID, 0)).toBe(true);
    expect(count(1)).toBeUndefined();
    expect(state.read().has(storage.Weights, 4096 + NETUID, 0)).toBe(false);
    expect(state.read().has(storage.LastUpdate, 4096 + NETUID)).toBe(false);
    expect(state.read().get(storage.MechanismEmissionSplit, NETUID)).toBeUndefined();
    expect(split(undefined)).toBeUndefined();
  });
});
