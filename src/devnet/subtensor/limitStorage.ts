/** Storage of rate limits, of subnet creation, of takes and of child keys. Names as in pallets/subtensor/src/lib.rs. */
import { accountId } from '../chainTypes.ts';
import { blake2, identity, storageMap, storageValue } from '../pallet.ts';
import { bool, newtype, tuple, u16, u64, type ValueOf, variant, vec } from '../scale.ts';
import { i96f32 } from './structs.ts';

const TAO = 1_000_000_000n;
const netuid = identity(u16);
const hotkey = blake2(accountId);

/** Hyperparameters with an owner's rate limit each, by their index in the chain's `Hyperparameter` enum. */
const hyperparameterIndices = {
  Unknown: { index: 0 },
  ServingRateLimit: { index: 1 },
  MaxDifficulty: { index: 2 },
  AdjustmentAlpha: { index: 3 },
  MaxWeightLimit: { index: 4 },
  ImmunityPeriod: { index: 5 },
  MinAllowedWeights: { index: 6 },
  Kappa: { index: 7 },
  Rho: { index: 8 },
  ActivityCutoff: { index: 9 },
  PowRegistrationAllowed: { index: 10 },
  MinBurn: { index: 11 },
  MaxBurn: { index: 12 },
  BondsMovingAverage: { index: 13 },
  BondsPenalty: { index: 14 },
  CommitRevealEnabled: { index: 15 },
  LiquidAlphaEnabled: { index: 16 },
  AlphaValues: { index: 17 },
  WeightCommitInterval: { index: 18 },
  TransferEnabled: { index: 19 },
  AlphaSigmoidSteepness: { index: 20 },
  Yuma3Enabled: { index: 21 },
  BondsResetEnabled: { index: 22 },
  ImmuneNeuronLimit: { index: 23 },
  RecycleOrBurn: { index: 24 },
  MaxAllowedUids: { index: 25 },
  BurnHalfLife: { index: 26 },
  BurnIncreaseMult: { index: 27 },
  SubnetEmissionEnabled: { index: 28 },
  MinChildkeyTake: { index: 29 },
  ActivityCutoffFactorMilli: { index: 30 },
  TriggerEpoch: { index: 31 },
} as const;
const hyperparameter = variant(
  'pallet_subtensor::utils::rate_limiting::Hyperparameter',
  hyperparameterIndices,
);
export type HyperparameterCase = ValueOf<typeof hyperparameter>;
export type Hyperparameter = HyperparameterCase['tag'];
const rateLimitKey = variant(
  'pallet_subtensor::RateLimitKey',
  {
    SetSNOwnerHotkey: { index: 0, fields: [u16] },
    OwnerHyperparamUpdate: { index: 1, fields: [u16, hyperparameter] },
    NetworkLastRegistered: { index: 2 },
    LastTxBlock: { index: 3, fields: [accountId] },
    LastTxBlockChildKeyTake: { index: 4, fields: [accountId] },
    LastTxBlockDelegateTake: { index: 5, fields: [accountId] },
  },
  [{ name: 'AccountId', type: accountId }],
);

/** Block numbers of the last change; 0 for never. */
export const rateLimitStorage = {
  LastRateLimitedBlock: storageMap([identity(rateLimitKey)], u64, 0n),
  /** (hotkey or coldkey, netuid, number of the transaction type). */
  TransactionKeyLastBlock: storageMap([hotkey, netuid, identity(u16)], u64, 0n),
  WeightsVersionKeyRateLimit: storageValue(u64, 5n),
  TxRateLimit: storageValue(u64, 1000n),
  TxDelegateTakeRateLimit: storageValue(u64, 216_000n),
  TxChildkeyTakeRateLimit: storageValue(u64, 216_000n),
  MinActivityCutoff: storageValue(u16, 360),
};

/** Costs in rao, times in blocks. */
export const networkStorage = {
  NetworkRateLimit: storageValue(u64, 7200n),
  NetworkImmunityPeriod: storageValue(u64, 1_296_000n),
  NetworkMinLockCost: storageValue(u64, 1000n * TAO),
  NetworkLastLockCost: storageValue(u64, 1000n * TAO),
  NetworkLockReductionInterval: storageValue(u64, 100_800n),
  SubnetLimit: storageValue(u16, 128),
  SubnetLocked: storageMap([netuid], u64, 0n),
  RAORecycledForRegistration: storageMap([netuid], u64, 0n),
  StartCallDelay: storageValue(u64, 0n),
  /** Only root's registrations are counted. */
  RegistrationsThisInterval: storageMap([netuid], u16, 0),
  LastAdjustmentBlock: storageMap([netuid], u64, 0n),
  /** Only on the embedded chain: tempos below 360 and daily limits of one block, as fast-runtime builds have. */
  DevnetAllowShortTempo: storageValue(bool, false),
};

const links = vec(tuple(u64, accountId));
/** Takes are fractions of 65535, proportions of 2^64 − 1. */
export const takeStorage = {
  MaxDelegateTake: storageValue(u16, 11_796),
  MinDelegateTake: storageValue(u16, 0),
  MaxChildkeyTake: storageValue(u16, 11_796),
  ChildkeyTake: storageMap([hotkey, netuid], u16, 0),
  /** Children that take effect with the first epoch after a block. */
  PendingChildKeys: storageMap([netuid, hotkey], tuple(links, u64), [[], 0n]),
  PendingChildKeyCooldown: storageValue(u64, 0n),
  /** Share of a parent's dividends that is burned on the way through a child of another coldkey. */
  CKBurn: storageValue(u64, 0n),
  /** Hotkeys to which a coldkey staked at any time. */
  StakingHotkeys: storageMap([hotkey], vec(accountId), []),
  TotalStake: storageValue(u64, 0n),
  NominatorMinRequiredStake: storageValue(u64, 0n),
  /** By netuid the alpha that one rao of root stake under a hotkey has earned, I96F32. */
  RootClaimable: storageMap(
    [hotkey],
    newtype('BTreeMap', vec(tuple(u16, i96f32)), [
      { name: 'K', type: u16 },
      { name: 'V', type: i96f32 },
    ]),
    [],
  ),
};
