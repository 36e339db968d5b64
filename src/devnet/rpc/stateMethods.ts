/** `state_*`: storage, metadata, runtime APIs. */
import type { Route } from '../announcer.ts';
import type { Block } from '../blockBuilder.ts';
import type { Chain } from '../chain.ts';
import { blake2b256, toHex } from '../hashing.ts';
import { runtimeVersionJson } from '../version.ts';
import { type Method, type Methods, type NodeContext, stateBlockParam, unsubscribe } from './methods.ts';
import {
  CLIENT_ERROR,
  countParam,
  hexParam,
  INVALID_COUNT,
  INVALID_PARAMS,
  keysParam,
  keyText,
  optionalTextParam,
  type Params,
  RpcFailure,
  textParam,
} from './protocol.ts';
import { callRuntime } from './runtimeCall.ts';

/** sc_rpc::state: most keys that one page holds. */
const MAX_PAGE_KEYS = 1000;
/** Keys that one query or subscription may name. */
const MAX_QUERY_KEYS = 10_000;

const rawValue = ({ chain }: NodeContext, key: string, block: Block): Uint8Array | undefined =>
  chain.stateAt(block).get(key, block.number);
const hexValue = (chain: Chain, key: string, block: Block): string | null => {
  const value = chain.stateAt(block).get(key, block.number);
  return value === undefined ? null : toHex(value);
};

const getStorage: Method = (node, params) =>
  hexValue(node.chain, keyText(params[0]), stateBlockParam(node, params, 1));
const getStorageHash: Method = (node, params) => {
  const value = rawValue(node, keyText(params[0]), stateBlockParam(node, params, 1));
  return value === undefined ? null : toHex(blake2b256(value));
};
const getStorageSize: Method = (node, params) =>
  rawValue(node, keyText(params[0]), stateBlockParam(node, params, 1))?.length ?? null;

const boundedKeys = (params: Params): readonly string[] => {
  const keys = keysParam(params, 0);
  if (keys.length > MAX_QUERY_KEYS)
    throw new RpcFailure(INVALID_PARAMS, 'Invalid params', `at most ${MAX_QUERY_KEYS} storage keys`);
  return keys;
};
const changesOf = (chain: Chain, keys: readonly string[], block: Block): object => ({
  block: block.hash,
  changes: keys.map((key) => [key, hexValue(chain, key, block)]),
});
const queryStorageAt: Method = (node, params) => [
  changesOf(node.chain, boundedKeys(params), stateBlockParam(node, params, 1)),
];

const keysUnder = (node: NodeContext, prefix: string, block: Block): readonly string[] =>
  node.chain.stateAt(block).keys(prefix, block.number);
const getKeys: Method = (node, params) =>
  keysUnder(node, keyText(params[0]), stateBlockParam(node, params, 1));
const getKeysPaged: Method = (node, params) => {
  const prefix = keyText(params[0] ?? '0x');
  const count = countParam(params, 1);
  if (count > MAX_PAGE_KEYS)
    throw new RpcFailure(
      INVALID_COUNT,
      `count exceeds maximum value. value: ${count}, max: ${MAX_PAGE_KEYS}`,
    );
  const start = optionalTextParam(params, 2)?.toLowerCase() ?? '';
  const keys = keysUnder(node, prefix, stateBlockParam(node, params, 3));
  const first = keys.findIndex((key) => key > start);
  return first < 0 ? [] : keys.slice(first, first + count);
};

/** Tells the values at once, then those that a block changed. */
const subscribeStorage: Method = ({ chain }, params, connection) => {
  const keys = boundedKeys(params);
  return connection.subscribe('state_storage', (send) => {
    const shown = new Map(keys.map((key) => [key, hexValue(chain, key, chain.head())]));
    send(changesOf(chain, keys, chain.head()));
    const onHead = (block: Block, { retracted, enacted }: Route): void => {
      const isPlain = retracted.length === 0 && enacted.every((each) => chain.writtenIn(each) !== undefined);
      // What blocks wrote decides which keys to look at; after a fork it may be any
      const written = isPlain ? new Set(enacted.flatMap((each) => chain.writtenIn(each) ?? [])) : undefined;
      const changed = keys.filter(
        (key) => written?.has(key) !== false && hexValue(chain, key, block) !== shown.get(key),
      );
      if (changed.length === 0) return;
      for (const key of changed) shown.set(key, hexValue(chain, key, block));
      send(changesOf(chain, changed, block));
    };
    return chain.listen({ onHead });
  });
};

const callApi: Method = (node, params) => {
  const name = textParam(params, 0);
  const block = stateBlockParam(node, params, 2);
  const input = hexParam(params, 1);
  try {
    return toHex(callRuntime(node.chain, block, name, input));
  } catch (error) {
    throw new RpcFailure(CLIENT_ERROR, `Client error: ${(error as Error).message}`);
  }
};

const getRuntimeVersion: Method = (node, params) => {
  const block = stateBlockParam(node, params, 0);
  return runtimeVersionJson(node.chain.runtimeAt(block).version);
};
const getMetadata: Method = (node, params) => {
  const block = stateBlockParam(node, params, 0, 'api');
  return toHex(node.chain.runtimeAt(block).metadata(14));
};
/** Tells the head's version at once, then each time that a new head's is another. */
const subscribeRuntimeVersion: Method = ({ chain }, _params, connection) =>
  connection.subscribe('state_runtimeVersion', (send) => {
    let shown = chain.runtime;
    send(runtimeVersionJson(shown.version));
    const onHead = (block: Block): void => {
      const runtime = chain.runtimeAt(block);
      if (runtime === shown) return;
      shown = runtime;
      send(runtimeVersionJson(runtime.version));
    };
    return chain.listen({ onHead });
  });

export const stateMethods: Methods = {
  state_getStorage: getStorage,
  state_getStorageAt: getStorage,
  state_getStorageHash: getStorageHash,
  state_getStorageHashAt: getStorageHash,
  state_getStorageSize: getStorageSize,
  state_getStorageSizeAt: getStorageSize,
  state_queryStorageAt: queryStorageAt,
  state_getKeys: getKeys,
  state_getKeysPaged: getKeysPaged,
  state_getKeysPagedAt: getKeysPaged,
  state_subscribeStorage: subscribeStorage,
  state_unsubscribeStorage: unsubscribe,
  state_call: callApi,
  state_callAt: callApi,
  state_getMetadata: getMetadata,
  state_getRuntimeVersion: getRuntimeVersion,
  chain_getRuntimeVersion: getRuntimeVersion,
  state_subscribeRuntimeVersion: subscribeRuntimeVersion,
  state_unsubscribeRuntimeVersion: unsubscribe,
  chain_subscribeRuntimeVersion: subscribeRuntimeVersion,
  chain_unsubscribeRuntimeVersion: unsubscribe,
};
