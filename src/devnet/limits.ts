/** Sizes and weights of the runtime, as recorded from finney. Weights: picoseconds of time, bytes of proof. */
import { weight } from './chainTypes.ts';
import { constant } from './pallet.ts';
import { option, struct, u32, u64 } from './scale.ts';

const perClass = { maxExtrinsic: option(weight), maxTotal: option(weight), reserved: option(weight) };
const weightsPerClass = struct('frame_system::limits::WeightsPerClass', {
  baseExtrinsic: weight,
  ...perClass,
});
const blockWeights = struct('frame_system::limits::BlockWeights', {
  baseBlock: weight,
  maxBlock: weight,
  perClass: struct(
    'frame_support::dispatch::PerDispatchClass',
    { normal: weightsPerClass, operational: weightsPerClass, mandatory: weightsPerClass },
    [{ name: 'T', type: weightsPerClass }],
  ),
});
const blockLength = struct('frame_system::limits::BlockLength', {
  max: struct(
    'frame_support::dispatch::PerDispatchClass',
    { normal: u32, operational: u32, mandatory: u32 },
    [{ name: 'T', type: u32 }],
  ),
});
const dbWeight = struct('sp_weights::RuntimeDbWeight', { read: u64, write: u64 });

/** Time of an empty extrinsic. */
export const BASE_EXTRINSIC_REF_TIME_PS = 108_157_000n;
export const MAX_NORMAL_BLOCK_BYTES = 7_864_320;
export const BLOCK_HASH_COUNT = 2400;

const baseExtrinsic = { refTime: BASE_EXTRINSIC_REF_TIME_PS, proofSize: 0n };
const none = { maxExtrinsic: undefined, maxTotal: undefined, reserved: undefined };
const maxBlock = { refTime: 4_000_000_000_000n, proofSize: (1n << 64n) - 1n };

export const BLOCK_WEIGHTS = constant(blockWeights, {
  baseBlock: { refTime: 431_614_000n, proofSize: 0n },
  maxBlock,
  perClass: {
    normal: {
      baseExtrinsic,
      maxExtrinsic: { refTime: 2_599_891_843_000n, proofSize: 11_990_383_647_911_208_550n },
      maxTotal: { refTime: 3_000_000_000_000n, proofSize: 13_835_058_055_282_163_711n },
      reserved: { refTime: 0n, proofSize: 0n },
    },
    operational: {
      baseExtrinsic,
      maxExtrinsic: { refTime: 3_599_891_843_000n, proofSize: 16_602_069_666_338_596_454n },
      maxTotal: maxBlock,
      reserved: { refTime: 1_000_000_000_000n, proofSize: 4_611_686_018_427_387_904n },
    },
    mandatory: { baseExtrinsic, ...none },
  },
});
export const BLOCK_LENGTH = constant(blockLength, {
  max: { normal: MAX_NORMAL_BLOCK_BYTES, operational: 10_485_760, mandatory: 10_485_760 },
});
export const DB_WEIGHT = constant(dbWeight, { read: 25_000_000n, write: 100_000_000n });
