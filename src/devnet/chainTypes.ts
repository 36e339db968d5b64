/** Types of Substrate's own crates that calls, events and storage of the pallets are made of. */
import {
  bytes,
  compact,
  fixedBytes,
  newtype,
  type ScaleType,
  struct,
  u8,
  u32,
  u64,
  u128,
  unit,
  variant,
  vec,
} from './scale.ts';

export const accountId = newtype('sp_core::crypto::AccountId32', fixedBytes(32));
export const h256 = newtype('primitive_types::H256', fixedBytes(32));

/** `Compact<()>`: subtensor has no account indices, so the index of an address is nothing. */
const compactUnit: ScaleType<readonly []> = {
  enc: unit.enc,
  dec: unit.dec,
  info: { path: [], params: [], def: { tag: 'compact', type: unit } },
};
/** Subtensor uses only `Id` (0x00 and 32 bytes). */
export const multiAddress = variant(
  'sp_runtime::multiaddress::MultiAddress',
  {
    Id: { index: 0, fields: [accountId] },
    Index: { index: 1, fields: [compactUnit] },
    Raw: { index: 2, fields: [bytes] },
    Address32: { index: 3, fields: [fixedBytes(32)] },
    Address20: { index: 4, fields: [fixedBytes(20)] },
  },
  [
    { name: 'AccountId', type: accountId },
    { name: 'AccountIndex', type: unit },
  ],
);

export const multiSignature = variant('sp_runtime::MultiSignature', {
  Ed25519: { index: 0, fields: [fixedBytes(64)] },
  Sr25519: { index: 1, fields: [fixedBytes(64)] },
  Ecdsa: { index: 2, fields: [fixedBytes(65)] },
});

export const weight = struct('sp_weights::weight_v2::Weight', {
  refTime: compact(u64),
  proofSize: compact(u64),
});
export const dispatchClass = variant('frame_support::dispatch::DispatchClass', {
  Normal: { index: 0 },
  Operational: { index: 1 },
  Mandatory: { index: 2 },
});
export const pays = variant('frame_support::dispatch::Pays', { Yes: { index: 0 }, No: { index: 1 } });
export const dispatchInfo = struct('frame_system::DispatchEventInfo', {
  weight,
  class: dispatchClass,
  paysFee: pays,
});

export const tokenError = variant('sp_runtime::TokenError', {
  FundsUnavailable: { index: 0 },
  OnlyProvider: { index: 1 },
  BelowMinimum: { index: 2 },
  CannotCreate: { index: 3 },
  UnknownAsset: { index: 4 },
  Frozen: { index: 5 },
  Unsupported: { index: 6 },
  CannotCreateHold: { index: 7 },
  NotExpendable: { index: 8 },
  Blocked: { index: 9 },
});
export const arithmeticError = variant('sp_arithmetic::ArithmeticError', {
  Underflow: { index: 0 },
  Overflow: { index: 1 },
  DivisionByZero: { index: 2 },
});
export const transactionalError = variant('sp_runtime::TransactionalError', {
  LimitReached: { index: 0 },
  NoLayer: { index: 1 },
});
export const moduleError = struct('sp_runtime::ModuleError', { index: u8, error: fixedBytes(4) });
export const trieError = variant('sp_runtime::proving_trie::TrieError', {
  InvalidStateRoot: { index: 0 },
  IncompleteDatabase: { index: 1 },
  ValueAtIncompleteKey: { index: 2 },
  DecoderError: { index: 3 },
  InvalidHash: { index: 4 },
  DuplicateKey: { index: 5 },
  ExtraneousNode: { index: 6 },
  ExtraneousValue: { index: 7 },
  ExtraneousHashReference: { index: 8 },
  InvalidChildReference: { index: 9 },
  ValueMismatch: { index: 10 },
  IncompleteProof: { index: 11 },
  RootMismatch: { index: 12 },
  DecodeError: { index: 13 },
});
export const dispatchError = variant('sp_runtime::DispatchError', {
  Other: { index: 0 },
  CannotLookup: { index: 1 },
  BadOrigin: { index: 2 },
  Module: { index: 3, fields: [moduleError] },
  ConsumerRemaining: { index: 4 },
  NoProviders: { index: 5 },
  TooManyConsumers: { index: 6 },
  Token: { index: 7, fields: [tokenError] },
  Arithmetic: { index: 8, fields: [arithmeticError] },
  Transactional: { index: 9, fields: [transactionalError] },
  Exhausted: { index: 10 },
  Corruption: { index: 11 },
  Unavailable: { index: 12 },
  RootNotAllowed: { index: 13 },
  Trie: { index: 14, fields: [trieError] },
});

export const phase = variant('frame_system::Phase', {
  ApplyExtrinsic: { index: 0, fields: [u32] },
  Finalization: { index: 1 },
  Initialization: { index: 2 },
});
export const digestItem = variant('sp_runtime::generic::digest::DigestItem', {
  PreRuntime: { index: 6, fields: [fixedBytes(4), bytes] },
  Consensus: { index: 4, fields: [fixedBytes(4), bytes] },
  Seal: { index: 5, fields: [fixedBytes(4), bytes] },
  Other: { index: 0, fields: [bytes] },
  RuntimeEnvironmentUpdated: { index: 8 },
});
export const digest = struct('sp_runtime::generic::digest::Digest', { logs: vec(digestItem) });
export const header = struct('sp_runtime::generic::header::Header', {
  parentHash: h256,
  number: compact(u32),
  stateRoot: h256,
  extrinsicsRoot: h256,
  digest,
});

/** Balances are u64 on subtensor, unlike on most chains. */
export const accountData = struct(
  'pallet_balances::types::AccountData',
  { free: u64, reserved: u64, frozen: u64, flags: newtype('pallet_balances::types::ExtraFlags', u128) },
  [{ name: 'Balance', type: u64 }],
);
export const accountInfo = struct(
  'frame_system::AccountInfo',
  { nonce: u32, consumers: u32, providers: u32, sufficients: u32, data: accountData },
  [
    { name: 'Nonce', type: u32 },
    { name: 'AccountData', type: accountData },
  ],
);
