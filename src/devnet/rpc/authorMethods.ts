/** `author_*`: the transaction pool. Error codes and words are those of sc_rpc_api::author::error. */
import { toHex } from '../hashing.ts';
import type { SubmitOutcome, TransactionStatus } from '../pool.ts';
import { decodeTransaction, INVALID_REASONS, type Refusal, type Transaction } from '../validity.ts';
import { type Method, type Methods, type NodeContext, unsubscribe } from './methods.ts';
import { hexParam, type Params, RpcFailure } from './protocol.ts';

const BAD_FORMAT = 1001;
const INVALID_TRANSACTION = 1010;
const UNKNOWN_VALIDITY = 1011;
const ALREADY_IMPORTED = 1013;
const TOO_LOW_PRIORITY = 1014;
const IMMEDIATELY_DROPPED = 1016;
/** `Normal` priority of subtensor; the same for everyone. */
const PRIORITY = 1;

const decode = ({ chain }: NodeContext, params: Params): Transaction => {
  const encoded = hexParam(params, 0);
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
const assertAccepted = (outcome: SubmitOutcome, { hash }: Transaction): void => {
  switch (outcome.kind) {
    case 'accepted':
      return;
    case 'refused':
      throw refusalFailure(outcome.refusal);
    case 'alreadyImported':
      throw new RpcFailure(ALREADY_IMPORTED, 'Transaction Already Imported', hash);
    case 'tooLowPriority':
      throw new RpcFailure(
        TOO_LOW_PRIORITY,
        `Priority is too low: (${PRIORITY} vs ${PRIORITY})`,
        'The transaction has too low priority to replace another transaction already in the pool.',
      );
    case 'poolFull':
      throw new RpcFailure(
        IMMEDIATELY_DROPPED,
        'Immediately Dropped',
        "The transaction couldn't enter the pool because of the limit",
      );
  }
};

const submit: Method = (node, params) => {
  const transaction = decode(node, params);
  assertAccepted(node.chain.pool.submit(transaction), transaction);
  return transaction.hash;
};
const submitAndWatch: Method = (node, params, connection) => {
  const transaction = decode(node, params);
  const { pool } = node.chain;
  const early: TransactionStatus[] = [];
  let forward = (status: TransactionStatus): void => {
    early.push(status);
  };
  const watcher = (status: TransactionStatus): void => forward(status);
  assertAccepted(pool.submit(transaction, watcher), transaction);
  return connection.subscribe('author_extrinsicUpdate', (send) => {
    forward = send;
    for (const status of early) send(status);
    return () => pool.unwatch(watcher);
  });
};

export const authorMethods: Methods = {
  author_submitExtrinsic: submit,
  author_submitAndWatchExtrinsic: submitAndWatch,
  author_unwatchExtrinsic: unsubscribe,
  author_pendingExtrinsics: ({ chain }) => chain.pool.pending().map(toHex),
};
