/** Whether a transaction may enter the pool or a block: signature, mortality, nonce, fee, the pallet's own check. */
import { sr25519Verify } from '@polkadot/util-crypto';
import { decodeExtrinsic, eraBirth, type SignedExtrinsic, signingPayload } from './extrinsic.ts';
import { blake2b256, toHex } from './hashing.ts';
import type { ReadContext } from './pallet.ts';
import type { CallDecoder, DecodedCall } from './runtimeTypes.ts';
import { bytes, decodeAll } from './scale.ts';
import { accountOf } from './system.ts';
import { canPay, totalFee } from './transactionPayment.ts';
import type { RuntimeVersion } from './version.ts';

/** `sp_runtime::InvalidTransaction`, with the words that the node's RPC uses. */
export const INVALID_REASONS = {
  Call: 'Transaction call is not expected',
  Payment: 'Inability to pay some fees (e.g. account balance too low)',
  Future: 'Transaction will be valid in the future',
  Stale: 'Transaction is outdated',
  BadProof: 'Transaction has a bad signature',
  AncientBirthBlock: 'Transaction has an ancient birth block',
  BadSigner: 'Invalid signing address',
} as const;
export type InvalidReason = keyof typeof INVALID_REASONS;
export type Refusal = { readonly reason: InvalidReason } | { readonly custom: number };

export type Transaction = {
  /** blake2-256 of the encoded extrinsic, hex */
  readonly hash: string;
  /** With length prefix. */
  readonly encoded: Uint8Array;
  readonly extrinsic: SignedExtrinsic;
  readonly call: DecodedCall;
  /** Hex of the signer's account. */
  readonly account: string;
  /** Hash of the birth block and the spec version for which the signature was found good. */
  verifiedFor: string | undefined;
};

/** Decodes what a client submits. Throws RangeError; gives undefined for an unsigned extrinsic. */
export const decodeTransaction = (encoded: Uint8Array, calls: CallDecoder): Transaction | undefined => {
  const extrinsic = decodeExtrinsic(decodeAll(bytes, encoded));
  const call = calls.dec(extrinsic.callBytes);
  if (extrinsic.kind === 'bare') return undefined;
  const hash = toHex(blake2b256(encoded));
  return { hash, encoded, extrinsic, call, account: toHex(extrinsic.signer), verifiedFor: undefined };
};

export type ValidityContext = {
  readonly ctx: ReadContext;
  /** The runtime's, which signatures cover. */
  readonly version: Pick<RuntimeVersion, 'specVersion' | 'transactionVersion'>;
  readonly genesisHash: Uint8Array;
  /** Hash of a block not more than 2400 blocks old. */
  readonly blockHash: (number: number) => Uint8Array | undefined;
};

const verify = (payload: Uint8Array, { signature, signer }: SignedExtrinsic): boolean => {
  try {
    return sr25519Verify(payload, signature, signer);
  } catch {
    return false; // not a point of the curve
  }
};

/** Seen from another era, the birth block is another one and the signature no longer fits: that is how eras end. */
const checkSignature = (
  transaction: Transaction,
  { ctx, version, genesisHash, blockHash }: ValidityContext,
): Refusal | undefined => {
  const { extrinsic } = transaction;
  const birth = eraBirth(extrinsic.era, ctx.block);
  const birthHash = extrinsic.era === undefined ? genesisHash : blockHash(birth);
  if (birthHash === undefined) return { reason: 'AncientBirthBlock' };
  const basis = `${toHex(birthHash)} ${version.specVersion}`;
  if (transaction.verifiedFor === basis) return undefined;
  // The runtime was built without a metadata hash, so that signers who ask for the check cannot be served
  if (extrinsic.isMetadataHashChecked) return { reason: 'Call' };
  const payload = signingPayload(extrinsic, {
    specVersion: version.specVersion,
    transactionVersion: version.transactionVersion,
    genesisHash,
    birthHash,
  });
  if (!verify(payload, extrinsic)) return { reason: 'BadProof' };
  transaction.verifiedFor = basis;
  return undefined;
};

/** CheckNonce of subtensor: accounts without providers may send calls that do not pay. */
const checkNonce = ({ extrinsic, call }: Transaction, ctx: ReadContext): Refusal | undefined => {
  const info = accountOf(ctx, extrinsic.signer);
  if (call.declaration.pays && info.providers === 0 && info.sufficients === 0) return { reason: 'Payment' };
  return extrinsic.nonce < info.nonce ? { reason: 'Stale' } : undefined;
};

const checkPayment = ({ extrinsic, call, encoded }: Transaction, ctx: ReadContext): Refusal | undefined =>
  canPay(ctx, extrinsic.signer, totalFee(call.declaration, encoded.length) + extrinsic.tip)
    ? undefined
    : { reason: 'Payment' };

/** In the order of the runtime: the signature, then the extensions. Undefined for a valid transaction. */
export const checkValidity = (transaction: Transaction, context: ValidityContext): Refusal | undefined => {
  const { extrinsic, call } = transaction;
  const { ctx } = context;
  if (extrinsic.signer.every((byte) => byte === 0)) return { reason: 'BadSigner' };
  return (
    checkSignature(transaction, context) ??
    checkNonce(transaction, ctx) ??
    checkPayment(transaction, ctx) ??
    call.declaration.checkInPool?.(ctx, call.args, extrinsic.signer)
  );
};
