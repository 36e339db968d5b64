/** Submitting transactions: decoding, the pool, and the errors of both as sc_rpc_api::author::error words them. */
import type { ExtrinsicRefusal } from '../faults.ts';
import type { SubmitOutcome, Watcher } from '../pool.ts';
import { decodeTransaction, INVALID_REASONS, type Refusal, type Transaction } from '../validity.ts';
import type { NodeContext } from './methods.ts';
import { RpcFailure } from './protocol.ts';

const BAD_FORMAT = 1001;
const INVALID_TRANSACTION = 1010;
const UNKNOWN_VALIDITY = 1011;
const TEMPORARILY_BANNED = 1012;
const ALREADY_IMPORTED = 1013;
const TOO_LOW_PRIORITY = 1014;
const IMMEDIATELY_DROPPED = 1016;
/** Refusals that another block may lift. */
export const RETRIABLE_CODES: ReadonlySet<number> = new Set([
  TEMPORARILY_BANNED,
  TOO_LOW_PRIORITY,
  IMMEDIATELY_DROPPED,
]);
/** `Normal` priority of subtensor; the same for everyone. */
const PRIORITY = 1;

const decode = ({ chain }: NodeContext, encoded: Uint8Array): Transaction => {
  let transaction: Transaction | undefined;
  try {
    transaction = decodeTransaction(encoded, chain.runtime.calls);
  } catch (error) {
    throw new RpcFailure(BAD_FORMAT, `Extrinsic has invalid format: ${(error as Error).message}`);
  }
  if (transaction === undefined)
    throw new RpcFailure(UNKNOWN_VALIDITY, 'Unknown Transaction Validity', 'NoUnsignedValidator');
  return transaction;
};

const refusalFailure = (refusal: Refusal): RpcFailure =>
  new RpcFailure(
    INVALID_TRANSACTION,
    'Invalid Transaction',
    'custom' in refusal ? `Custom error: ${refusal.custom}` : INVALID_REASONS[refusal.reason],
  );
type PoolRefusal = 'temporarilyBanned' | 'alreadyImported' | 'tooLowPriority' | 'poolFull';
const poolFailure = (kind: PoolRefusal, { hash }: Transaction): RpcFailure => {
  switch (kind) {
    case 'temporarilyBanned':
      return new RpcFailure(TEMPORARILY_BANNED, 'Transaction is temporarily banned');
    case 'alreadyImported':
      return new RpcFailure(ALREADY_IMPORTED, 'Transaction Already Imported', hash);
    case 'tooLowPriority':
      return new RpcFailure(
        TOO_LOW_PRIORITY,
        `Priority is too low: (${PRIORITY} vs ${PRIORITY})`,
        'The transaction has too low priority to replace another transaction already in the pool.',
      );
    case 'poolFull':
      return new RpcFailure(
        IMMEDIATELY_DROPPED,
        'Immediately Dropped',
        "The transaction couldn't enter the pool because of the limit",
      );
  }
};

/** A fault's refusal as the node would word it. */
const faultFailure = (refusal: ExtrinsicRefusal, transaction: Transaction): RpcFailure => {
  switch (refusal.kind) {
    case 'custom':
      return refusalFailure({ custom: refusal.code });
    case 'invalid':
      return refusalFailure({ reason: refusal.reason });
    case 'error':
      return new RpcFailure(refusal.error.code, refusal.error.message, refusal.error.data);
    default:
      return poolFailure(refusal.kind, transaction);
  }
};

/**
 * Puts an encoded extrinsic into the pool and gives it.
 *
 * @throws RpcFailure with the code that `author_submitExtrinsic` answers
 */
export const submitExtrinsic = (node: NodeContext, encoded: Uint8Array, watcher?: Watcher): Transaction => {
  const transaction = decode(node, encoded);
  const fault = node.faults.onExtrinsic(transaction);
  if (fault !== undefined) throw faultFailure(fault, transaction);
  const outcome: SubmitOutcome = node.chain.pool.submit(transaction, watcher);
  if (outcome.kind === 'refused') throw refusalFailure(outcome.refusal);
  if (outcome.kind !== 'accepted') throw poolFailure(outcome.kind, transaction);
  return transaction;
};
