/** Storage of a subnet as a whole: identity, epoch schedule, hyperparameters, pool. Names as in pallets/subtensor/src/lib.rs. */
import { accountId } from '../chainTypes.ts';
import { blake2, identity, storageMap, storageValue, twox64 } from '../pallet.ts';
import { bool, bytes, i16, tuple, u8, u16, u32, u64, u128, vec } from '../scale.ts';
import { i96f32, recycleOrBurn, subnetIdentity, u64f64 } from './structs.ts';

/** What absent account entries read as. */
export const ZERO_ACCOUNT = new Uint8Array(32);
const netuid = identity(u16);
/** 1.26 as U64F64. */
const BURN_INCREASE = { bits: (126n << 64n) / 100n };
/** The mathematical italic tau, U+1D70F: four bytes, not the Greek letter's two. */
const TAU = new TextEncoder().encode('\u{1D70F}');

export const subnetIdentityStorage = {
  NetworksAdded: storageMap([netuid], bool, false),
  TotalNetworks: storageValue(u16, 0),
  SubnetworkN: storageMap([netuid], u16, 0),
  SubnetOwner: storageMap([netuid], accountId, ZERO_ACCOUNT),
  SubnetOwnerHotkey: storageMap([netuid], accountId, ZERO_ACCOUNT),
  NetworkRegisteredAt: storageMap([netuid], u64, 0n),
  RegisteredSubnetCounter: storageMap([netuid], u64, 0n),
  SubtokenEnabled: storageMap([netuid], bool, false),
  FirstEmissionBlockNumber: storageMap([netuid], u64),
  SubnetMechanism: storageMap([netuid], u16, 0),
  SubnetIdentitiesV3: storageMap([blake2(u16)], subnetIdentity),
  TokenSymbol: storageMap([netuid], bytes, TAU),
  MechanismCountCurrent: storageMap([twox64(u16)], u8, 1),
  MaxMechanismCount: storageValue(u8, 2),
  MechanismEmissionSplit: storageMap([twox64(u16)], vec(u16)),
};

/** Stateful epoch schedule of runtime spec 420 and later. */
export const scheduleStorage = {
  Tempo: storageMap([netuid], u16, 360),
  LastEpochBlock: storageMap([netuid], u64, 0n),
  PendingEpochAt: storageMap([netuid], u64, 0n),
  SubnetEpochIndex: storageMap([netuid], u64, 0n),
  BlocksSinceLastStep: storageMap([netuid], u64, 0n),
  /** Spelled as on the chain. */
  LastMechansimStepBlock: storageMap([netuid], u64, 0n),
  MaxEpochsPerBlock: storageValue(u8, 2),
  AdminFreezeWindow: storageValue(u16, 10),
  OwnerHyperparamRateLimit: storageValue(u16, 2),
};

export const hyperparameterStorage = {
  WeightsSetRateLimit: storageMap([netuid], u64, 100n),
  WeightsVersionKey: storageMap([netuid], u64, 0n),
  MinAllowedWeights: storageMap([netuid], u16, 1024),
  MaxWeightsLimit: storageMap([netuid], u16, 65_535),
  CommitRevealWeightsEnabled: storageMap([netuid], bool, true),
  RevealPeriodEpochs: storageMap([twox64(u16)], u64, 1n),
  CommitRevealWeightsVersion: storageValue(u16, 4),
  StakeThreshold: storageValue(u64, 0n),
  MaxAllowedUids: storageMap([netuid], u16, 256),
  MinAllowedUids: storageMap([netuid], u16, 64),
  MaxAllowedValidators: storageMap([netuid], u16, 128),
  ImmunityPeriod: storageMap([netuid], u16, 4096),
  MinNonImmuneUids: storageMap([netuid], u16, 10),
  ImmuneOwnerUidsLimit: storageMap([netuid], u16, 1),
  ServingRateLimit: storageMap([netuid], u64, 50n),
  Kappa: storageMap([netuid], u16, 32_767),
  Rho: storageMap([netuid], u16, 10),
  BondsMovingAverage: storageMap([netuid], u64, 900_000n),
  BondsPenalty: storageMap([netuid], u16, 65_535),
  BondsResetOn: storageMap([netuid], bool, false),
  Yuma3On: storageMap([blake2(u16)], bool, false),
  LiquidAlphaOn: storageMap([blake2(u16)], bool, false),
  /** (low, high), 0.7 and 0.9. */
  AlphaValues: storageMap([netuid], tuple(u16, u16), [45_875, 58_982]),
  AlphaSigmoidSteepness: storageMap([netuid], i16, 1000),
  ActivityCutoffFactorMilli: storageMap([netuid], u32, 13_889),
  ActivityCutoff: storageMap([netuid], u16, 5000),
  NetworkRegistrationAllowed: storageMap([netuid], bool, true),
  NetworkPowRegistrationAllowed: storageMap([netuid], bool, true),
  Burn: storageMap([netuid], u64, 100_000_000n),
  MinBurn: storageMap([netuid], u64, 500_000n),
  MaxBurn: storageMap([netuid], u64, 100_000_000_000n),
  BurnHalfLife: storageMap([netuid], u16, 360),
  BurnIncreaseMult: storageMap([netuid], u64f64, BURN_INCREASE),
  RegistrationsThisBlock: storageMap([netuid], u16, 0),
  Difficulty: storageMap([netuid], u64, 10_000_000n),
  MinDifficulty: storageMap([netuid], u64, 10_000_000n),
  MaxDifficulty: storageMap([netuid], u64, 4_611_686_018_427_387_903n),
  AdjustmentInterval: storageMap([netuid], u16, 100),
  AdjustmentAlpha: storageMap([netuid], u64, 0n),
  TargetRegistrationsPerInterval: storageMap([netuid], u16, 2),
  MaxRegistrationsPerBlock: storageMap([netuid], u16, 1),
  RecycleOrBurn: storageMap([netuid], recycleOrBurn, { tag: 'Burn' }),
  OwnerCutEnabled: storageMap([netuid], bool, true),
  OwnerCutAutoLockEnabled: storageMap([netuid], bool, false),
  TransferToggle: storageMap([netuid], bool, true),
  SubnetEmissionEnabled: storageMap([netuid], bool, true),
  /** Fraction of 65535 of a subnet's emission that its owner gets. */
  SubnetOwnerCut: storageValue(u16, 11_796),
  /** Fraction of 2^64 − 1 at which root TAO counts as stake. */
  TaoWeight: storageValue(u64, 971_718_665_099_567_868n),
  MinChildkeyTake: storageValue(u16, 0),
};

/** Pool and emission of a subnet, in rao of TAO or alpha. */
export const poolStorage = {
  SubnetTAO: storageMap([netuid], u64, 0n),
  SubnetAlphaIn: storageMap([netuid], u64, 0n),
  SubnetAlphaOut: storageMap([netuid], u64, 0n),
  /** I96F32 bits; set only where TAO flows, which the embedded chain does not model. */
  SubnetMovingPrice: storageMap([netuid], i96f32, { bits: 0n }),
  SubnetVolume: storageMap([netuid], u128, 0n),
  SubnetAlphaOutEmission: storageMap([netuid], u64, 0n),
  SubnetAlphaInEmission: storageMap([netuid], u64, 0n),
  SubnetTaoInEmission: storageMap([netuid], u64, 0n),
  PendingServerEmission: storageMap([netuid], u64, 0n),
  PendingValidatorEmission: storageMap([netuid], u64, 0n),
  PendingRootAlphaDivs: storageMap([netuid], u64, 0n),
  PendingOwnerCut: storageMap([netuid], u64, 0n),
};
