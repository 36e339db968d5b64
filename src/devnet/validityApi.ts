/** `TaggedTransactionQueue`: whether a transaction would be taken, as clients ask before they broadcast it. */
import { h256 } from './chainTypes.ts';
import { decodeExtrinsic, type Extension, uncheckedExtrinsic } from './extrinsic.ts';
import { apiMethod, type ReadContext, type RuntimeApi } from './pallet.ts';
import type { CallDecoder } from './runtimeTypes.ts';
import {
  type AnyType,
  bool,
  bytes,
  struct,
  tuple,
  u8,
  u32,
  u64,
  type ValueOf,
  variant,
  vec,
} from './scale.ts';
import { systemStorage } from './system.ts';
import { checkValidity, decodeTransaction, type Refusal } from './validity.ts';
import type { RuntimeVersion } from './version.ts';

const source = variant('sp_runtime::transaction_validity::TransactionSource', {
  InBlock: { index: 0 },
  Local: { index: 1 },
  External: { index: 2 },
});
const validTransaction = struct('sp_runtime::transaction_validity::ValidTransaction', {
  priority: u64,
  requires: vec(bytes),
  provides: vec(bytes),
  longevity: u64,
  propagate: bool,
});
const invalidTransaction = variant('sp_runtime::transaction_validity::InvalidTransaction', {
  Call: { index: 0 },
  Payment: { index: 1 },
  Future: { index: 2 },
  Stale: { index: 3 },
  BadProof: { index: 4 },
  AncientBirthBlock: { index: 5 },
  ExhaustsResources: { index: 6 },
  Custom: { index: 7, fields: [u8] },
  BadMandatory: { index: 8 },
  MandatoryValidation: { index: 9 },
  BadSigner: { index: 10 },
  IndeterminateImplicit: { index: 11 },
  UnknownOrigin: { index: 12 },
});
const unknownTransaction = variant('sp_runtime::transaction_validity::UnknownTransaction', {
  CannotLookup: { index: 0 },
  NoUnsignedValidator: { index: 1 },
  Custom: { index: 2, fields: [u8] },
});
const validityError = variant('sp_runtime::transaction_validity::TransactionValidityError', {
  Invalid: { index: 0, fields: [invalidTransaction] },
  Unknown: { index: 1, fields: [unknownTransaction] },
});
const validity = variant(
  'Result',
  { Ok: { index: 0, fields: [validTransaction] }, Err: { index: 1, fields: [validityError] } },
  [
    { name: 'T', type: validTransaction },
    { name: 'E', type: validityError },
  ],
);
type Validity = ValueOf<typeof validity>;

/** Blocks that a transaction without an era stays valid. */
const FOREVER = (1n << 64n) - 1n;
/** `Normal` on subtensor. */
const PRIORITY = 1n;

const refused = (refusal: Refusal): Validity => ({
  tag: 'Err',
  value: [
    {
      tag: 'Invalid',
      value: ['custom' in refusal ? { tag: 'Custom', value: [refusal.custom] } : { tag: refusal.reason }],
    },
  ],
});
/** What an account's transaction with a nonce stands for in the pool: account and nonce, as CheckNonce has it. */
const tagOf = (account: Uint8Array, nonce: number): Uint8Array =>
  new Uint8Array([...account, ...u32.enc(nonce)]);

export type ValidityAccess = {
  readonly calls: () => CallDecoder;
  readonly version: () => RuntimeVersion;
  readonly extensions: readonly Extension[];
};

/** Hashes of past blocks as the runtime itself knows them; the last block's is only known to the caller. */
const blockHashes = (ctx: ReadContext, last: Uint8Array) => (number: number) => {
  if (number === ctx.block) return last;
  const hash = ctx.get(systemStorage.BlockHash, number);
  return hash.some((byte) => byte !== 0) ? hash : undefined;
};

const validate = (
  { calls, version }: ValidityAccess,
  ctx: ReadContext,
  body: Uint8Array,
  last: Uint8Array,
): Validity => {
  if (decodeExtrinsic(body).kind === 'bare')
    return { tag: 'Err', value: [{ tag: 'Unknown', value: [{ tag: 'NoUnsignedValidator' }] }] };
  const transaction = decodeTransaction(bytes.enc(body), calls());
  if (transaction === undefined) return refused({ reason: 'Call' });
  const blockHash = blockHashes(ctx, last);
  const { nowMs, specVersion, get, has, iterate } = ctx;
  // As of the block that could take it
  const next: ReadContext = { block: ctx.block + 1, nowMs, specVersion, get, has, iterate };
  const genesisHash = blockHash(0) ?? last;
  const refusal = checkValidity(transaction, { ctx: next, version: version(), genesisHash, blockHash });
  if (refusal !== undefined) return refused(refusal);
  const { signer, nonce, era } = transaction.extrinsic;
  const stored = ctx.get(systemStorage.Account, signer).nonce;
  return {
    tag: 'Ok',
    value: [
      {
        priority: PRIORITY,
        requires: nonce > stored ? [tagOf(signer, nonce - 1)] : [],
        provides: [tagOf(signer, nonce)],
        longevity: era === undefined ? FOREVER : BigInt(era.period),
        propagate: true,
      },
    ],
  };
};

/** Source: sp_transaction_pool::runtime_api, version 3. */
export const validityApi = (access: ValidityAccess, call: AnyType): RuntimeApi => {
  const extra = tuple(...access.extensions.map((extension) => extension.extra));
  return {
    name: 'TaggedTransactionQueue',
    version: 3,
    methods: {
      validate_transaction: apiMethod({
        args: { source, tx: uncheckedExtrinsic(call, extra), blockHash: h256 },
        returns: validity,
        handle: (ctx, { tx, blockHash }) => validate(access, ctx, tx, blockHash),
      }),
    },
  };
};
