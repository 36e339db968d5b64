/**
 * What may be committed: `Data`, whose tag byte is its length for short raw data.
 *
 * Source: pallets/commitments/src/types.rs.
 */
import {
  boundedBytes,
  boundedVec,
  type Case,
  fixedBytes,
  struct,
  u32,
  u64,
  type ValueOf,
  variant,
} from '../scale.ts';

const MAX_RAW_BYTES = 128;
const MAX_TIMELOCKED_BYTES = 1024;
const MAX_BIG_RAW_BYTES = 512;
export const MAX_FIELDS = 3;
const FIRST_HASH_INDEX = 130;
const TIMELOCKED_INDEX = 134;
const RESET_INDEX = 135;
const BIG_RAW_INDEX = 136;

/** `RawN` holds N bytes under the index N + 1. */
const rawCases = Array.from({ length: MAX_RAW_BYTES + 1 }, (_, length): [string, Case] => [
  `Raw${length}`,
  { index: length + 1, fields: [fixedBytes(length)] },
]);
const hashCases = ['BlakeTwo256', 'Sha256', 'Keccak256', 'ShaThree256'].map((name, i): [string, Case] => [
  name,
  { index: FIRST_HASH_INDEX + i, fields: [fixedBytes(32)] },
]);
const cases: { readonly [name: string]: Case } = Object.fromEntries([
  ['None', { index: 0 }],
  ...rawCases,
  ...hashCases,
  [
    'TimelockEncrypted',
    { index: TIMELOCKED_INDEX, fields: { encrypted: boundedBytes(MAX_TIMELOCKED_BYTES), revealRound: u64 } },
  ],
  ['ResetBondsFlag', { index: RESET_INDEX }],
  ['BigRaw', { index: BIG_RAW_INDEX, fields: [boundedBytes(MAX_BIG_RAW_BYTES)] }],
]);
const data = variant('pallet_commitments::types::Data', cases);
export type CommitmentData = ValueOf<typeof data>;

export const commitmentInfo = struct('pallet_commitments::types::CommitmentInfo', {
  fields: boundedVec(data, MAX_FIELDS),
});
export const registration = struct(
  'pallet_commitments::types::Registration',
  { deposit: u64, block: u32, info: commitmentInfo },
  [{ name: 'Balance', type: u64 }],
);
/** Bytes used in the epoch `last_epoch`. */
export const usageTracker = struct('pallet_commitments::types::UsageTracker', {
  lastEpoch: u64,
  usedSpace: u64,
});

/** The bytes that a field carries, as they count against the space of an epoch. */
export const spaceOf = ({ value }: CommitmentData): number => {
  const parts: readonly unknown[] = value === undefined ? [] : Object.values(value);
  return parts.reduce<number>((sum, part) => sum + (part instanceof Uint8Array ? part.length : 0), 0);
};

/** Round of the first timelocked field; undefined when there is none. */
export const revealRoundOf = (fields: readonly CommitmentData[]): bigint | undefined => {
  const timelocked = fields.find(({ tag }) => tag === 'TimelockEncrypted')?.value;
  const round = timelocked === undefined ? undefined : Reflect.get(timelocked, 'revealRound');
  return typeof round === 'bigint' ? round : undefined;
};
