/** Runtime APIs of the node itself: version, metadata, nonces and fees. */
import { accountId, dispatchClass, weight } from './chainTypes.ts';
import { decodeExtrinsic, type Extension, uncheckedExtrinsic } from './extrinsic.ts';
import { METADATA_VERSIONS, type MetadataVersion } from './metadata.ts';
import { apiMethod, type Pallet, type RuntimeApi } from './pallet.ts';
import type { CallDecoder } from './runtimeTypes.ts';
import { bytes, newtype, option, struct, tuple, u32, u64, vec } from './scale.ts';
import { accountOf, runtimeCallWith } from './system.ts';
import { inclusionFee, refTimeOf, totalFee } from './transactionPayment.ts';
import { validityApi } from './validityApi.ts';
import { type RuntimeVersion, runtimeVersionType } from './version.ts';

/** What the APIs need of the runtime that they are part of; only used when they are called. */
export type RuntimeAccess = {
  readonly version: () => RuntimeVersion;
  readonly metadata: (version: MetadataVersion) => Uint8Array;
  readonly calls: () => CallDecoder;
  readonly extensions: readonly Extension[];
};

const opaqueMetadata = newtype('sp_core::OpaqueMetadata', bytes);
const balanceParam = [{ name: 'Balance', type: u64 }];
const runtimeDispatchInfo = struct(
  'pallet_transaction_payment::types::RuntimeDispatchInfo',
  { weight, class: dispatchClass, partialFee: u64 },
  [...balanceParam, { name: 'Weight', type: weight }],
);
const inclusionFeeType = struct(
  'pallet_transaction_payment::types::InclusionFee',
  { baseFee: u64, lenFee: u64, adjustedWeightFee: u64 },
  balanceParam,
);
const feeDetails = struct(
  'pallet_transaction_payment::types::FeeDetails',
  { inclusionFee: option(inclusionFeeType), tip: u64 },
  balanceParam,
);

const coreApi = ({ version }: RuntimeAccess): RuntimeApi => ({
  name: 'Core',
  version: 5,
  methods: { version: apiMethod({ args: {}, returns: runtimeVersionType, handle: () => version() }) },
});

const metadataApi = ({ metadata }: RuntimeAccess): RuntimeApi => ({
  name: 'Metadata',
  version: 2,
  methods: {
    metadata: apiMethod({ args: {}, returns: opaqueMetadata, handle: () => metadata(14) }),
    metadata_at_version: apiMethod({
      args: { version: u32 },
      returns: option(opaqueMetadata),
      handle: (_ctx, { version }) => {
        const known = METADATA_VERSIONS.find((candidate) => candidate === version);
        return known === undefined ? undefined : metadata(known);
      },
    }),
    metadata_versions: apiMethod({
      args: {},
      returns: vec(u32),
      handle: () => [...METADATA_VERSIONS],
    }),
  },
});

const nonceApi: RuntimeApi = {
  name: 'AccountNonceApi',
  version: 1,
  methods: {
    account_nonce: apiMethod({
      args: { account: accountId },
      returns: u32,
      handle: (ctx, { account }) => accountOf(ctx, account).nonce,
    }),
  },
};

const paymentApi = ({ calls, extensions }: RuntimeAccess, others: readonly Pallet[]): RuntimeApi => {
  const extra = tuple(...extensions.map((extension) => extension.extra));
  const args = { uxt: uncheckedExtrinsic(runtimeCallWith(others), extra), len: u32 };
  const callOf = (body: Uint8Array) => {
    const extrinsic = decodeExtrinsic(body);
    const tip = extrinsic.kind === 'signed' ? extrinsic.tip : 0n;
    return { call: calls().dec(extrinsic.callBytes).declaration, tip };
  };
  return {
    name: 'TransactionPaymentApi',
    version: 4,
    methods: {
      query_info: apiMethod({
        args,
        returns: runtimeDispatchInfo,
        handle: (_ctx, { uxt, len }) => {
          const { call } = callOf(uxt);
          return {
            weight: { refTime: refTimeOf(call), proofSize: 0n },
            class: { tag: 'Normal' } as const,
            partialFee: totalFee(call, len),
          };
        },
      }),
      query_fee_details: apiMethod({
        args,
        returns: feeDetails,
        handle: (_ctx, { uxt, len }) => {
          const { call, tip } = callOf(uxt);
          const fee = inclusionFee(call, len);
          const shown = fee && { ...fee, adjustedWeightFee: fee.weightFee };
          return { inclusionFee: shown, tip };
        },
      }),
    },
  };
};

export const createCoreApis = (access: RuntimeAccess, others: readonly Pallet[]): readonly RuntimeApi[] => [
  coreApi(access),
  metadataApi(access),
  nonceApi,
  paymentApi(access, others),
  validityApi(access, runtimeCallWith(others)),
];
