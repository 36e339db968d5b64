/** `transaction_v1_*` and `transactionWatch_v1_*`: submitting by the newer JSON-RPC interface. */

import { fromHex } from '../hashing.ts';
import type { TransactionStatus, Watcher } from '../pool.ts';
import type { Connection, Method, Methods, NodeContext } from './methods.ts';
import { hexParam, INVALID_PARAMS, RpcFailure, textParam } from './protocol.ts';
import { RETRIABLE_CODES, submitExtrinsic } from './submission.ts';

/** Of one connection. Source: sc_rpc_spec_v2::transaction. */
const MAX_BROADCASTS = 16;
const BROADCASTS = Symbol('transaction broadcasts');
type Broadcasts = { readonly stops: Map<string, () => void>; count: number };
const broadcastsOf = (connection: Connection): Broadcasts =>
  connection.attachment(BROADCASTS, () => ({ stops: new Map(), count: 0 }));

/** Submits until the pool takes the transaction or refuses it for good; what was dropped is submitted again. */
const keepSubmitting = (node: NodeContext, encoded: Uint8Array): (() => void) => {
  const { chain } = node;
  let isWanted = true;
  const watcher: Watcher = (status) => {
    if (status === 'dropped') isWanted = true;
  };
  const attempt = (): void => {
    if (!isWanted) return;
    isWanted = false;
    try {
      submitExtrinsic(node, encoded, watcher);
    } catch (error) {
      if (!(error instanceof RpcFailure)) throw error;
      isWanted = RETRIABLE_CODES.has(error.error.code);
    }
  };
  attempt();
  const stopListening = chain.listen({ onHead: attempt });
  return () => {
    stopListening();
    chain.pool.unwatch(watcher);
  };
};

/** Says nothing of the transaction's fate: clients look for it in the blocks. Null when too many are broadcast. */
const broadcast: Method = (node, params, connection) => {
  const encoded = hexParam(params, 0);
  const broadcasts = broadcastsOf(connection);
  if (broadcasts.stops.size >= MAX_BROADCASTS) return null;
  broadcasts.count += 1;
  const id = `broadcast-${broadcasts.count}`;
  const stop = keepSubmitting(node, encoded);
  const release = connection.onClose(stop);
  broadcasts.stops.set(id, () => {
    release();
    stop();
  });
  return id;
};
const stopBroadcast: Method = (_node, params, connection) => {
  const { stops } = broadcastsOf(connection);
  const id = textParam(params, 0);
  const stop = stops.get(id);
  if (stop === undefined) throw new RpcFailure(INVALID_PARAMS, 'Invalid operation id');
  stops.delete(id);
  stop();
  return null;
};

/** Where a transaction stands in a block. */
const placeOf = ({ chain }: NodeContext, encoded: Uint8Array, hash: string): object => ({
  hash,
  index: chain
    .blockByHash(hash)
    ?.extrinsics.findIndex((extrinsic) => Buffer.compare(extrinsic, encoded) === 0),
});
const watchEvent = (node: NodeContext, encoded: Uint8Array, status: TransactionStatus): object => {
  if (status === 'future' || status === 'ready') return { event: 'validated' };
  if (status === 'invalid') return { event: 'invalid', error: 'Transaction is invalid' };
  if (status === 'dropped') return { event: 'dropped', error: 'Transaction dropped from the pool' };
  if ('inBlock' in status)
    return { event: 'bestChainBlockIncluded', block: placeOf(node, encoded, status.inBlock) };
  if ('retracted' in status) return { event: 'bestChainBlockIncluded', block: null };
  return { event: 'finalized', block: placeOf(node, encoded, status.finalized) };
};
/** Refusals are events here, not errors of the call. */
const submitAndWatch: Method = (node, params, connection) => {
  const encoded = fromHex(textParam(params, 0));
  if (encoded === undefined) throw new RpcFailure(INVALID_PARAMS, 'Invalid params', 'expected hex with 0x');
  return connection.subscribe('transactionWatch_v1_watchEvent', (send) => {
    let shown: unknown;
    const watcher: Watcher = (status) => {
      const event = watchEvent(node, encoded, status);
      const isRepeated = 'event' in event && event.event === 'validated' && shown !== undefined;
      shown = event;
      if (!isRepeated) send(event);
    };
    try {
      submitExtrinsic(node, encoded, watcher);
    } catch (error) {
      if (!(error instanceof RpcFailure)) throw error;
      const { message, data } = error.error;
      send({ event: 'invalid', error: data === undefined ? message : `${message}: ${data}` });
    }
    return () => node.chain.pool.unwatch(watcher);
  });
};
const unwatch: Method = (_node, params, connection) => {
  connection.unsubscribe(textParam(params, 0));
  return null;
};

export const transactionMethods: Methods = {
  transaction_v1_broadcast: broadcast,
  transaction_v1_stop: stopBroadcast,
  transactionWatch_v1_submitAndWatch: submitAndWatch,
  transactionWatch_v1_unwatch: unwatch,
};
