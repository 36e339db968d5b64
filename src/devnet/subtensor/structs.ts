/** Structs and enums of the pallet, in SCALE order. */
import { accountId, h256 } from '../chainTypes.ts';
import {
  bool,
  boundedBytes,
  bytes,
  compact,
  i64,
  i128,
  type ScaleType,
  struct,
  tuple,
  u8,
  u16,
  u32,
  u64,
  u128,
  type ValueOf,
  variant,
  vec,
} from '../scale.ts';

/** 34 bytes. An IPv4 address is its u32 in the u128; ip 0 means not serving. */
export const axonInfo = struct('pallet_subtensor::pallet::AxonInfo', {
  block: u64,
  version: u32,
  ip: u128,
  port: u16,
  ipType: u8,
  protocol: u8,
  placeholder1: u8,
  placeholder2: u8,
});
export type AxonInfo = ValueOf<typeof axonInfo>;
export const NO_AXON: AxonInfo = {
  block: 0n,
  version: 0,
  ip: 0n,
  port: 0,
  ipType: 0,
  protocol: 0,
  placeholder1: 0,
  placeholder2: 0,
};

export const prometheusInfo = struct('pallet_subtensor::pallet::PrometheusInfo', {
  block: u64,
  version: u32,
  ip: u128,
  port: u16,
  ipType: u8,
});
export type PrometheusInfo = ValueOf<typeof prometheusInfo>;
export const NO_PROMETHEUS: PrometheusInfo = { block: 0n, version: 0, ip: 0n, port: 0, ipType: 0 };

export const neuronCertificate = struct('pallet_subtensor::pallet::NeuronCertificate', {
  publicKey: boundedBytes(64),
  algorithm: u8,
});

/** mantissa × 10^exponent: shares of the stake under a hotkey. */
export const safeFloat = struct('share_pool::SafeFloat', { mantissa: u128, exponent: i64 });

/** Fixed-point numbers are their bits on the wire. */
export const u64f64 = struct('substrate_fixed::FixedU128', { bits: u128 }, [
  { name: 'Frac', type: undefined },
]);

export const i96f32 = struct('substrate_fixed::FixedI128', { bits: i128 }, [
  { name: 'Frac', type: undefined },
]);
/** I32F32. */
export const i32f32 = struct('substrate_fixed::FixedI64', { bits: i64 }, [{ name: 'Frac', type: undefined }]);
/** U96F32; the same Rust type as U64F64 with another parameter. */
export const u96f32 = u64f64;

export const recycleOrBurn = variant('pallet_subtensor::pallet::RecycleOrBurnEnum', {
  Burn: { index: 0 },
  Recycle: { index: 1 },
});

/** (hash, commit epoch, commit block, unused). */
export const weightCommit = tuple(h256, u64, u64, u64);
export const MAX_TIMELOCKED_COMMIT_BYTES = 5000;
/** (hotkey, commit block, ciphertext, reveal round). */
export const timelockedCommit = tuple(accountId, u64, boundedBytes(MAX_TIMELOCKED_COMMIT_BYTES), u64);

const text = bytes;
export const subnetIdentity = struct('pallet_subtensor::pallet::SubnetIdentityV3', {
  subnetName: text,
  githubRepo: text,
  subnetContact: text,
  subnetUrl: text,
  discord: text,
  description: text,
  logoUrl: text,
  additional: text,
});
export const chainIdentity = struct('pallet_subtensor::pallet::ChainIdentityV2', {
  name: text,
  url: text,
  githubRepo: text,
  image: text,
  discord: text,
  description: text,
  additional: text,
});

export const compactU16 = compact(u16);
export const compactU64 = compact(u64);
export const compactBytes: ScaleType<number[]> = vec(compact(u8));

const sharedNeuronFields = {
  hotkey: accountId,
  coldkey: accountId,
  uid: compactU16,
  netuid: compactU16,
  active: bool,
  axonInfo,
  prometheusInfo,
  stake: vec(tuple(accountId, compactU64)),
  rank: compactU16,
  emission: compactU64,
  incentive: compactU16,
  consensus: compactU16,
  trust: compactU16,
  validatorTrust: compactU16,
  dividends: compactU16,
  lastUpdate: compactU64,
  validatorPermit: bool,
};
const neuronPath = 'pallet_subtensor::rpc_info::neuron_info';
const accountParam = [{ name: 'AccountId', type: accountId }];
/** A neuron as `NeuronInfoRuntimeApi` shows it, without and with weights and bonds. */
export const neuronInfoLite = struct(
  `${neuronPath}::NeuronInfoLite`,
  { ...sharedNeuronFields, pruningScore: compactU16 },
  accountParam,
);
export const neuronInfo = struct(
  `${neuronPath}::NeuronInfo`,
  {
    ...sharedNeuronFields,
    weights: vec(tuple(compactU16, compactU16)),
    bonds: vec(tuple(compactU16, compactU16)),
    pruningScore: compactU16,
  },
  accountParam,
);
export type NeuronInfo = ValueOf<typeof neuronInfo>;
