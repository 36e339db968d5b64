/**
 * Versions of the runtime as data: what each lacks, adds and numbers differently against the pallets' declarations,
 * which are those of spec 425. One set of pallets so serves old, present and future runtimes.
 */
import { type AnyStorageItem, identity, type Pallet, type RuntimeApi, storageMap } from './pallet.ts';
import { u16 } from './scale.ts';

/** Names by the pallet, or by the runtime API, that they belong to. */
export type NamesByOwner = { readonly [owner: string]: readonly string[] };

export type RuntimeProfile = {
  /** Stands in `:code`, by which the runtime of a block is found again. */
  readonly name: string;
  readonly specVersion: number;
  /** Items that the metadata does not have. What the pallets keep in them lies where no client looks. */
  readonly withoutStorage: NamesByOwner;
  readonly withoutCalls: NamesByOwner;
  readonly withoutEvents: NamesByOwner;
  /** Methods by API. */
  readonly withoutApiMethods: NamesByOwner;
  /** Items that the pallets do not have, for clients to read their defaults. */
  readonly addedStorage: { readonly [pallet: string]: { readonly [item: string]: AnyStorageItem } };
  /** The whole `Error` enum of a pallet in its order; errors beyond it do not exist. */
  readonly errorOrder: NamesByOwner;
  /** Errors that stand before the declared one of this index, which pushes all later ones back. */
  readonly insertedErrors: {
    readonly [pallet: string]: { readonly at: number; readonly names: readonly string[] };
  };
  readonly withoutExtensions: readonly string[];
  /** Transaction extensions without bytes, put before the last one. */
  readonly addedExtensions: readonly { readonly identifier: string; readonly path: string }[];
};

const asDeclared: Omit<RuntimeProfile, 'name' | 'specVersion'> = {
  withoutStorage: {},
  withoutCalls: {},
  withoutEvents: {},
  withoutApiMethods: {},
  addedStorage: {},
  errorOrder: {},
  insertedErrors: {},
  withoutExtensions: [],
  addedExtensions: [],
};

/** The runtime that the pallets declare. */
export const SPEC_425: RuntimeProfile = { ...asDeclared, name: 'spec-425', specVersion: 425 };

/** The next runtime, invented: two new errors in the middle of the enum, one more extension that adds no bytes. */
export const SPEC_426: RuntimeProfile = {
  ...asDeclared,
  name: 'spec-426',
  specVersion: 426,
  insertedErrors: { SubtensorModule: { at: 20, names: ['NeuronIsFrozen', 'WeightsWindowClosed'] } },
  addedExtensions: [
    {
      identifier: 'CheckWeightsWindow',
      path: 'pallet_subtensor::extensions::weights_window::CheckWeightsWindow',
    },
  ],
};

/** `SubtensorModule`'s errors as recorded from finney at spec 343. */
const ERRORS_343 =
  'RootNetworkDoesNotExist InvalidIpType InvalidIpAddress InvalidPort HotKeyNotRegisteredInSubNet HotKeyAccountNotExists HotKeyNotRegisteredInNetwork NonAssociatedColdKey NotEnoughStake NotEnoughStakeToWithdraw NotEnoughStakeToSetWeights NotEnoughStakeToSetChildkeys NotEnoughBalanceToStake BalanceWithdrawalError ZeroBalanceAfterWithdrawn NeuronNoValidatorPermit WeightVecNotEqualSize DuplicateUids UidVecContainInvalidOne WeightVecLengthIsLow TooManyRegistrationsThisBlock HotKeyAlreadyRegisteredInSubNet NewHotKeyIsSameWithOld InvalidWorkBlock InvalidDifficulty InvalidSeal MaxWeightExceeded HotKeyAlreadyDelegate SettingWeightsTooFast IncorrectWeightVersionKey ServingRateLimitExceeded UidsLengthExceedUidsInSubNet NetworkTxRateLimitExceeded DelegateTxRateLimitExceeded HotKeySetTxRateLimitExceeded StakingRateLimitExceeded SubNetRegistrationDisabled TooManyRegistrationsThisInterval TransactorAccountShouldBeHotKey FaucetDisabled NotSubnetOwner RegistrationNotPermittedOnRootSubnet StakeTooLowForRoot AllNetworksInImmunity NotEnoughBalanceToPaySwapHotKey NotRootSubnet CanNotSetRootNetworkWeights NoNeuronIdAvailable DelegateTakeTooLow DelegateTakeTooHigh NoWeightsCommitFound InvalidRevealCommitHashNotMatch CommitRevealEnabled CommitRevealDisabled LiquidAlphaDisabled AlphaHighTooLow AlphaLowOutOfRange ColdKeyAlreadyAssociated NotEnoughBalanceToPaySwapColdKey ColdkeyIsInArbitration InvalidChild DuplicateChild ProportionOverflow TooManyChildren TxRateLimitExceeded SwapAlreadyScheduled FailedToSchedule NewColdKeyIsHotkey InvalidChildkeyTake TxChildkeyTakeRateLimitExceeded InvalidIdentity MechanismDoesNotExist CannotUnstakeLock SubnetNotExists TooManyUnrevealedCommits ExpiredWeightCommit RevealTooEarly InputLengthsUnequal CommittingWeightsTooFast AmountTooLow InsufficientLiquidity SlippageTooHigh TransferDisallowed ActivityCutoffTooLow CallDisabled FirstEmissionBlockNumberAlreadySet NeedWaitingMoreBlocksToStarCall NotEnoughAlphaOutToRecycle CannotBurnOrRecycleOnRootSubnet UnableToRecoverPublicKey InvalidRecoveredPublicKey SubtokenDisabled HotKeySwapOnSubnetIntervalNotPassed ZeroMaxStakeAmount SameNetuid InsufficientBalance StakingOperationRateLimitExceeded InvalidLeaseBeneficiary LeaseCannotEndInThePast LeaseNetuidNotFound LeaseDoesNotExist LeaseHasNoEndBlock LeaseHasNotEnded Overflow BeneficiaryDoesNotOwnHotkey ExpectedBeneficiaryOrigin AdminActionProhibitedDuringWeightsWindow SymbolDoesNotExist SymbolAlreadyInUse IncorrectCommitRevealVersion RevealPeriodTooLarge RevealPeriodTooSmall InvalidValue SubnetLimitReached CannotAffordLockCost EvmKeyAssociateRateLimitExceeded SameAutoStakeHotkeyAlreadySet UidMapCouldNotBeCleared TrimmingWouldExceedMaxImmunePercentage ChildParentInconsistency InvalidNumRootClaim InvalidRootClaimThreshold InvalidSubnetNumber';

/** What a finney node ran at spec 343 (2025-11): epochs by the modulo rule, nothing stateful about them. */
export const SPEC_343: RuntimeProfile = {
  ...asDeclared,
  name: 'spec-343',
  specVersion: 343,
  withoutStorage: {
    SubtensorModule: [
      'RegisteredSubnetCounter',
      'MaxMechanismCount',
      'LastEpochBlock',
      'PendingEpochAt',
      'SubnetEpochIndex',
      'MaxEpochsPerBlock',
      'MinNonImmuneUids',
      'ActivityCutoffFactorMilli',
      'BurnHalfLife',
      'BurnIncreaseMult',
      'OwnerCutEnabled',
      'OwnerCutAutoLockEnabled',
      'SubnetEmissionEnabled',
      'RootAlphaDividendsPerSubnet',
      'VotingPower',
      'MinerBurned',
      'StartCallDelay',
      'AlphaV2',
      'TotalHotkeySharesV2',
    ],
  },
  withoutCalls: {
    SubtensorModule: ['register_limit', 'set_tempo', 'trigger_epoch', 'set_activity_cutoff_factor'],
  },
  withoutEvents: {
    SubtensorModule: [
      'EpochTriggered',
      'EpochDeferred',
      'EpochSkipped',
      'MaxEpochsPerBlockSet',
      'StartCallDelaySet',
      'MinNonImmuneUidsSet',
      'ActivityCutoffFactorMilliSet',
    ],
  },
  withoutApiMethods: {
    SubnetInfoRuntimeApi: ['get_subnet_hyperparams_v3', 'get_next_epoch_start_block'],
  },
  // Blocks after which a neuron without weights is inactive; later in thousandths of the tempo
  addedStorage: { SubtensorModule: { ActivityCutoff: storageMap([identity(u16)], u16, 5000) } },
  errorOrder: { SubtensorModule: ERRORS_343.split(' ') },
  withoutExtensions: ['SudoTransactionExtension', 'CheckShieldedTxValidity'],
};

/** As 343 before mechanisms (2025-09): no mechagraph APIs either, so that clients go by the older metagraph calls. */
export const SPEC_320: RuntimeProfile = {
  ...SPEC_343,
  name: 'spec-320',
  specVersion: 320,
  withoutApiMethods: {
    SubnetInfoRuntimeApi: [
      'get_subnet_hyperparams_v3',
      'get_next_epoch_start_block',
      'get_mechagraph',
      'get_all_mechagraphs',
      'get_selective_mechagraph',
    ],
  },
};

export const RUNTIME_PROFILES: readonly RuntimeProfile[] = [SPEC_320, SPEC_343, SPEC_425, SPEC_426];
export const DEFAULT_PROFILE = SPEC_425;

/** @throws RangeError for a spec version that has no profile */
export const profileOf = (specVersion: number): RuntimeProfile => {
  const profile = RUNTIME_PROFILES.find((candidate) => candidate.specVersion === specVersion);
  if (profile !== undefined) return profile;
  const known = RUNTIME_PROFILES.map((candidate) => candidate.specVersion).join(', ');
  throw new RangeError(`no runtime of spec ${specVersion}: choose one of ${known}`);
};

/** From this spec on epochs follow stored state; before it they fired by a modulo of the block number. */
export const FIRST_STATEFUL_EPOCH_SPEC = 420;

const without = <A>(items: { readonly [name: string]: A } | undefined, names: readonly string[] = []) =>
  items && Object.fromEntries(Object.entries(items).filter(([name]) => !names.includes(name)));

const errorsOf = (pallet: Pallet, profile: RuntimeProfile): Pallet['errors'] => {
  const order = profile.errorOrder[pallet.name];
  if (order !== undefined) return Object.fromEntries(order.map((name, index) => [name, { name, index }]));
  const inserted = profile.insertedErrors[pallet.name];
  if (inserted === undefined || pallet.errors === undefined) return pallet.errors;
  const { at, names } = inserted;
  const added = names.map((name, offset) => ({ name, index: at + offset }));
  const moved = Object.values(pallet.errors).map(({ name, index }) => ({
    name,
    index: index < at ? index : index + names.length,
  }));
  return Object.fromEntries([...added, ...moved].map((error) => [error.name, error]));
};

const apisOf = ({ apis }: Pallet, profile: RuntimeProfile): readonly RuntimeApi[] =>
  (apis ?? []).map((api) => ({
    ...api,
    methods: without(api.methods, profile.withoutApiMethods[api.name]) ?? {},
  }));

/** A pallet as the runtime of a profile declares it to clients. */
export const applyProfile = (pallet: Pallet, profile: RuntimeProfile): Pallet => {
  const storage = without(pallet.storage, profile.withoutStorage[pallet.name]);
  const calls = without(pallet.calls, profile.withoutCalls[pallet.name]);
  const events = without(pallet.events, profile.withoutEvents[pallet.name]);
  const errors = errorsOf(pallet, profile);
  const { storage: _storage, calls: _calls, events: _events, errors: _errors, ...rest } = pallet;
  return {
    ...rest,
    ...(storage && { storage: { ...storage, ...profile.addedStorage[pallet.name] } }),
    ...(calls && { calls }),
    ...(events && { events }),
    ...(errors && { errors }),
    ...(pallet.apis && { apis: apisOf(pallet, profile) }),
  };
};
