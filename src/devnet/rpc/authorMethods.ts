/** `author_*`: the transaction pool. */
import { toHex } from '../hashing.ts';
import type { TransactionStatus } from '../pool.ts';
import { type Method, type Methods, unsubscribe } from './methods.ts';
import { hexParam } from './protocol.ts';
import { submitExtrinsic } from './submission.ts';

const submit: Method = (node, params) => submitExtrinsic(node, hexParam(params, 0)).hash;
const submitAndWatch: Method = (node, params, connection) => {
  const { pool } = node.chain;
  const early: TransactionStatus[] = [];
  let forward = (status: TransactionStatus): void => {
    early.push(status);
  };
  const watcher = (status: TransactionStatus): void => forward(status);
  submitExtrinsic(node, hexParam(params, 0), watcher);
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
