/** Storage by neuron, hotkey and uid: identity, endpoints, epoch outputs, stake. Names as in pallets/subtensor/src/lib.rs. */
import { accountId } from '../chainTypes.ts';
import { blake2, identity, storageMap, twox64 } from '../pallet.ts';
import { bool, tuple, u16, u64, vec } from '../scale.ts';
import {
  axonInfo,
  chainIdentity,
  neuronCertificate,
  prometheusInfo,
  safeFloat,
  timelockedCommit,
  u64f64,
  u96f32,
  weightCommit,
} from './structs.ts';
import { ZERO_ACCOUNT } from './subnetStorage.ts';

const netuid = identity(u16);
/** mechanism × 4096 + netuid, see `storageIndex`. */
const index = identity(u16);
const uid = identity(u16);
const hotkey = blake2(accountId);
const NOTHING = { mantissa: 0n, exponent: 0n };

export const neuronIdentityStorage = {
  Keys: storageMap([netuid, uid], accountId, ZERO_ACCOUNT),
  Uids: storageMap([netuid, hotkey], u16),
  IsNetworkMember: storageMap([hotkey, netuid], bool, false),
  BlockAtRegistration: storageMap([netuid, uid], u64, 0n),
  Owner: storageMap([hotkey], accountId, ZERO_ACCOUNT),
  OwnedHotkeys: storageMap([blake2(accountId)], vec(accountId), []),
  IdentitiesV2: storageMap([blake2(accountId)], chainIdentity),
};

export const endpointStorage = {
  Axons: storageMap([netuid, hotkey], axonInfo),
  NeuronCertificates: storageMap([netuid, hotkey], neuronCertificate),
  Prometheus: storageMap([netuid, hotkey], prometheusInfo),
};

/** Vectors are indexed by uid; shares are fractions of 65535. */
export const epochOutputStorage = {
  Active: storageMap([netuid], vec(bool), []),
  ValidatorPermit: storageMap([netuid], vec(bool), []),
  ValidatorTrust: storageMap([netuid], vec(u16), []),
  Consensus: storageMap([netuid], vec(u16), []),
  Dividends: storageMap([netuid], vec(u16), []),
  /** Alpha rao of the last epoch. */
  Emission: storageMap([netuid], vec(u64), []),
  StakeWeight: storageMap([netuid], vec(u16), []),
  Incentive: storageMap([index], vec(u16), []),
  /** Block of registration, plain weights or last commit. */
  LastUpdate: storageMap([index], vec(u64), []),
  /** (uid, weight), largest 65535. */
  Weights: storageMap([index, uid], vec(tuple(u16, u16)), []),
  Bonds: storageMap([index, uid], vec(tuple(u16, u16)), []),
  AlphaDividendsPerSubnet: storageMap([netuid, hotkey], u64, 0n),
  RootAlphaDividendsPerSubnet: storageMap([netuid, hotkey], u64, 0n),
  VotingPower: storageMap([netuid, hotkey], u64, 0n),
  /** Share of the last epoch's miner emission withheld from the owner's hotkeys. */
  MinerBurned: storageMap([netuid], u96f32, { bits: 0n }),
};

export const commitStorage = {
  WeightCommits: storageMap([twox64(u16), twox64(accountId)], vec(weightCommit)),
  TimelockedWeightCommits: storageMap([twox64(u16), twox64(u64)], vec(timelockedCommit), []),
};

/** Alpha rao; under netuid 0 root TAO rao. */
export const stakeStorage = {
  TotalHotkeyAlpha: storageMap([hotkey, netuid], u64, 0n),
  AlphaV2: storageMap([hotkey, blake2(accountId), netuid], safeFloat, NOTHING),
  TotalHotkeySharesV2: storageMap([hotkey, netuid], safeFloat, NOTHING),
  /** Superseded by the V2 items and always 0 here. */
  Alpha: storageMap([hotkey, blake2(accountId), netuid], u64f64, { bits: 0n }),
  TotalHotkeyShares: storageMap([hotkey, netuid], u64f64, { bits: 0n }),
  ChildKeys: storageMap([hotkey, netuid], vec(tuple(u64, accountId)), []),
  ParentKeys: storageMap([hotkey, netuid], vec(tuple(u64, accountId)), []),
  /** Take of a validator on its nominators' dividends, 18 %. */
  Delegates: storageMap([hotkey], u16, 11_796),
};
