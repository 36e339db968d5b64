/** Extrinsics of format version 4, their extensions in the runtime's order, and the bytes that are signed. */
import * as scale from 'scale-ts';
import { h256, multiAddress, multiSignature } from './chainTypes.ts';
import { blake2b256 } from './hashing.ts';
import {
  type AnyType,
  bytes,
  compact,
  concatBytes,
  decodePrefix,
  describe,
  fixedBytes,
  newtype,
  option,
  type ScaleType,
  struct,
  u8,
  u32,
  u64,
  unit,
  variant,
} from './scale.ts';

export const EXTRINSIC_VERSION = 4;
/** Bit 7 of the version byte: signed. */
const SIGNED_FLAG = 0x80;
/** Signing payloads above this are hashed before signing (sp_runtime, `SignedPayload::using_encoded`). */
const MAX_PLAIN_PAYLOAD_BYTES = 256;

/** How long a transaction is valid: `period` blocks from the last block whose number is `phase` mod period. */
export type Era = { readonly period: number; readonly phase: number } | undefined;

const decodeEra = (input: Uint8Array): Era => {
  const first = scale.u8.dec(input);
  if (first === 0) return undefined;
  const encoded = first + scale.u8.dec(input) * 256;
  // sp_runtime::generic::Era: low 4 bits log2 of the period less one, the rest the phase in quantised steps
  const period = 2 << (encoded % 16);
  const phase = (encoded >> 4) * Math.max(period >> 12, 1);
  if (period < 4 || phase >= period) throw new RangeError('invalid period and phase of an era');
  return { period, phase };
};
const encodeEra = (era: Era): Uint8Array => {
  if (era === undefined) return Uint8Array.of(0);
  const step = Math.max(era.period >> 12, 1);
  const low = Math.min(15, Math.max(1, Math.log2(era.period) - 1));
  const encoded = low + ((era.phase / step) << 4);
  return Uint8Array.of(encoded & 0xff, encoded >> 8);
};
const eraCases = [
  { name: 'Immortal', index: 0, fields: [], docs: [] },
  ...Array.from({ length: 255 }, (_, i) => ({
    name: `Mortal${i + 1}`,
    index: i + 1,
    fields: [{ name: undefined, type: u8 }],
    docs: [],
  })),
];
export const era: ScaleType<Era> = describe(
  scale.createCodec(
    encodeEra,
    scale.createDecoder((input) => decodeEra(input)),
  ),
  {
    path: ['sp_runtime', 'generic', 'era', 'Era'],
    params: [],
    def: { tag: 'variant', cases: eraCases },
  },
);

/** Number of the block whose hash a mortal transaction is bound to, seen from the block `current`. */
export const eraBirth = (value: Era, current: number): number =>
  value === undefined
    ? 0
    : Math.floor((Math.max(current, value.phase) - value.phase) / value.period) * value.period + value.phase;

const metadataHashMode = variant('frame_metadata_hash_extension::Mode', {
  Disabled: { index: 0 },
  Enabled: { index: 1 },
});

export type Extension = { readonly identifier: string; readonly extra: AnyType; readonly implicit: AnyType };
const empty = (path: string): AnyType => struct(path, {}, [{ name: 'T', type: undefined }]);
/** Spec 425; four of them carry bytes. See the runtime's `TransactionExtensions` tuple. */
export const EXTENSIONS: readonly Extension[] = [
  {
    identifier: 'CheckNonZeroSender',
    extra: empty('frame_system::extensions::check_non_zero_sender::CheckNonZeroSender'),
    implicit: unit,
  },
  {
    identifier: 'CheckSpecVersion',
    extra: empty('frame_system::extensions::check_spec_version::CheckSpecVersion'),
    implicit: u32,
  },
  {
    identifier: 'CheckTxVersion',
    extra: empty('frame_system::extensions::check_tx_version::CheckTxVersion'),
    implicit: u32,
  },
  {
    identifier: 'CheckGenesis',
    extra: empty('frame_system::extensions::check_genesis::CheckGenesis'),
    implicit: h256,
  },
  {
    identifier: 'CheckMortality',
    extra: newtype('frame_system::extensions::check_mortality::CheckMortality', era),
    implicit: h256,
  },
  {
    identifier: 'CheckNonce',
    extra: newtype('node_subtensor_runtime::check_nonce::CheckNonce', compact(u32)),
    implicit: unit,
  },
  {
    identifier: 'CheckWeight',
    extra: empty('frame_system::extensions::check_weight::CheckWeight'),
    implicit: unit,
  },
  {
    identifier: 'ChargeTransactionPayment',
    extra: newtype('pallet_transaction_payment::ChargeTransactionPayment', compact(u64)),
    implicit: unit,
  },
  {
    identifier: 'SudoTransactionExtension',
    extra: empty('node_subtensor_runtime::sudo_wrapper::SudoTransactionExtension'),
    implicit: unit,
  },
  {
    identifier: 'CheckShieldedTxValidity',
    extra: empty('pallet_shield::extension::CheckShieldedTxValidity'),
    implicit: unit,
  },
  {
    identifier: 'SubtensorTransactionExtension',
    extra: empty('pallet_subtensor::extensions::subtensor::SubtensorTransactionExtension'),
    implicit: unit,
  },
  {
    identifier: 'DrandPriority',
    extra: empty('pallet_drand::drand_priority::DrandPriority'),
    implicit: unit,
  },
  {
    identifier: 'CheckMetadataHash',
    extra: struct('frame_metadata_hash_extension::CheckMetadataHash', { mode: metadataHashMode }, [
      { name: 'T', type: undefined },
    ]),
    implicit: option(fixedBytes(32)),
  },
];

/** The extensions of a runtime that lacks some and has others, without bytes, before the last one. */
export const extensionsWith = (changes: {
  readonly withoutExtensions: readonly string[];
  readonly addedExtensions: readonly { readonly identifier: string; readonly path: string }[];
}): readonly Extension[] => {
  const kept = EXTENSIONS.filter(({ identifier }) => !changes.withoutExtensions.includes(identifier));
  const added = changes.addedExtensions.map(({ identifier, path }) => ({
    identifier,
    extra: empty(path),
    implicit: unit,
  }));
  return [...kept.slice(0, -1), ...added, ...kept.slice(-1)];
};

/** The bytes of `EXTENSIONS` in an extrinsic. */
const extra = struct('', { era, nonce: compact(u32), tip: compact(u64), mode: metadataHashMode });

export type SignedExtrinsic = {
  readonly kind: 'signed';
  readonly signer: Uint8Array;
  /** sr25519, 64 bytes. */
  readonly signature: Uint8Array;
  readonly era: Era;
  readonly nonce: number;
  /** rao */
  readonly tip: bigint;
  readonly isMetadataHashChecked: boolean;
  readonly extraBytes: Uint8Array;
  readonly callBytes: Uint8Array;
};
export type BareExtrinsic = { readonly kind: 'bare'; readonly callBytes: Uint8Array };
export type Extrinsic = SignedExtrinsic | BareExtrinsic;

const decodeSigned = (body: Uint8Array): SignedExtrinsic => {
  const [address, addressBytes] = decodePrefix(multiAddress, body);
  const [signature, signatureBytes] = decodePrefix(multiSignature, body.slice(addressBytes));
  if (address.tag !== 'Id') throw new RangeError(`address kind ${address.tag}: only Id is supported`);
  if (signature.tag !== 'Sr25519')
    throw new RangeError(`signature kind ${signature.tag}: only Sr25519 is supported`);
  const rest = body.slice(addressBytes + signatureBytes);
  const [values, extraLength] = decodePrefix(extra, rest);
  return {
    kind: 'signed',
    signer: address.value[0],
    signature: signature.value[0],
    era: values.era,
    nonce: values.nonce,
    tip: values.tip,
    isMetadataHashChecked: values.mode.tag === 'Enabled',
    extraBytes: rest.slice(0, extraLength),
    callBytes: rest.slice(extraLength),
  };
};

/** Decodes an extrinsic without its length prefix. Throws RangeError; the call itself is left encoded. */
export const decodeExtrinsic = (body: Uint8Array): Extrinsic => {
  const [version = 0] = body;
  const rest = body.slice(1);
  if (version === EXTRINSIC_VERSION) return { kind: 'bare', callBytes: rest };
  if (version === (EXTRINSIC_VERSION | SIGNED_FLAG)) return decodeSigned(rest);
  throw new RangeError(`extrinsic version byte 0x${version.toString(16)}: expected 0x04 or 0x84`);
};

/** An unsigned extrinsic, as inherents are. */
export const encodeBare = (callBytes: Uint8Array): Uint8Array =>
  bytes.enc(concatBytes(Uint8Array.of(EXTRINSIC_VERSION), callBytes));

export type SigningContext = {
  readonly specVersion: number;
  readonly transactionVersion: number;
  readonly genesisHash: Uint8Array;
  /** Hash of the era's birth block; the genesis hash for an immortal transaction. */
  readonly birthHash: Uint8Array;
};
/** What the signer signed; the metadata hash is not supported, so its implicit part is always `None`. */
export const signingPayload = (extrinsic: SignedExtrinsic, context: SigningContext): Uint8Array => {
  const payload = concatBytes(
    extrinsic.callBytes,
    extrinsic.extraBytes,
    u32.enc(context.specVersion),
    u32.enc(context.transactionVersion),
    context.genesisHash,
    context.birthHash,
    Uint8Array.of(0),
  );
  return payload.length > MAX_PLAIN_PAYLOAD_BYTES ? blake2b256(payload) : payload;
};

/** The opaque extrinsic of the metadata. */
export const uncheckedExtrinsic = (call: AnyType, extraType: AnyType): ScaleType<Uint8Array> =>
  describe(
    scale.createCodec(
      (body: Uint8Array) => bytes.enc(body),
      scale.createDecoder((input) => bytes.dec(input)),
    ),
    {
      path: ['sp_runtime', 'generic', 'unchecked_extrinsic', 'UncheckedExtrinsic'],
      params: [
        { name: 'Address', type: multiAddress },
        { name: 'Call', type: call },
        { name: 'Signature', type: multiSignature },
        { name: 'Extra', type: extraType },
      ],
      def: { tag: 'composite', fields: [{ name: undefined, type: bytes }] },
    },
  );
