/** `chainHead_v1_*` and `chainSpec_v1_*`: the JSON-RPC interface that replaces the older methods. */
import type { Block } from '../blockBuilder.ts';
import { header } from '../chainTypes.ts';
import { toHex } from '../hashing.ts';
import { SS58_PREFIX } from '../system.ts';
import { type Follow, startFollow } from './chainHeadFollow.ts';
import { readQueries, type StorageQuery, storagePages, UNSUPPORTED } from './chainHeadStorage.ts';
import type { Connection, Method, Methods, NodeContext } from './methods.ts';
import { hexParam, INVALID_PARAMS, type Params, RpcFailure, textParam } from './protocol.ts';
import { callRuntime } from './runtimeCall.ts';

/** sc_rpc_spec_v2::chain_head::error::rpc_spec_v2 */
const REACHED_LIMITS = new RpcFailure(-32_800, 'Maximum number of chainHead_follow has been reached');
const INVALID_BLOCK = new RpcFailure(-32_801, 'Invalid block hash');
const INVALID_RUNTIME_CALL = new RpcFailure(
  -32_802,
  'The `chainHead_follow` subscription was started with `withRuntime` set to `false`',
);
const INVALID_CONTINUE = new RpcFailure(
  -32_803,
  'Wait for continue event was not generated for the subscription',
);
const DUPLICATE_HASHES = new RpcFailure(-32_804, 'Received duplicate hashes for the chainHead_unpin method');
/** Subscriptions of one connection. */
const MAX_FOLLOWS = 4;
const LIMIT_REACHED = { result: 'limitReached' } as const;

/** A subscription's state comes when its first event is sent, after the answer that names it. */
type Follows = Map<string, Follow | undefined>;
const FOLLOWS = Symbol('chainHead follows');
const followsOf = (connection: Connection): Follows => connection.attachment(FOLLOWS, () => new Map());
const followOf = (params: Params, connection: Connection): Follow | undefined =>
  followsOf(connection).get(textParam(params, 0));

const follow: Method = ({ chain }, params, connection) => {
  const [withRuntime] = params;
  if (typeof withRuntime !== 'boolean')
    throw new RpcFailure(INVALID_PARAMS, 'Invalid params', 'expected withRuntime as true or false');
  const follows = followsOf(connection);
  if (follows.size >= MAX_FOLLOWS) throw REACHED_LIMITS;
  const id = connection.subscribe('chainHead_v1_followEvent', (send) => {
    const started = startFollow({ chain, withRuntime, send, onStop: () => follows.delete(id) });
    if (follows.has(id)) follows.set(id, started.follow);
    return () => {
      follows.delete(id);
      started.stop();
    };
  });
  follows.set(id, undefined);
  return id;
};
const unfollow: Method = (_node, params, connection) => {
  connection.unsubscribe(textParam(params, 0));
  return null;
};

const blockOf = (followed: Follow, params: Params): Block => {
  const block = followed.pinned(textParam(params, 1).toLowerCase());
  if (block === undefined) throw INVALID_BLOCK;
  return block;
};
const getHeader: Method = (_node, params, connection) => {
  const followed = followOf(params, connection);
  return followed === undefined ? null : toHex(header.enc(blockOf(followed, params).header));
};

/** Starts an operation whose outcome is sent after the answer, unless it was stopped meanwhile. */
const start = (
  connection: Connection,
  followed: Follow,
  cost: number,
  run: (operationId: string) => void,
): { readonly result: 'started'; readonly operationId: string } => {
  const operationId = followed.startOperation(cost);
  connection.defer(() => {
    if (followed.operation(operationId) !== undefined) run(operationId);
  });
  return { result: 'started', operationId };
};
const finish = (followed: Follow, operationId: string, event: object): void => {
  followed.endOperation(operationId);
  followed.send({ ...event, operationId });
};

const body: Method = (_node, params, connection) => {
  const followed = followOf(params, connection);
  if (followed === undefined) return LIMIT_REACHED;
  const block = blockOf(followed, params);
  if (followed.room() < 1) return LIMIT_REACHED;
  return start(connection, followed, 1, (id) =>
    finish(followed, id, { event: 'operationBodyDone', value: block.extrinsics.map(toHex) }),
  );
};

const runCall = (node: NodeContext, block: Block, name: string, input: Uint8Array): object => {
  if (!node.chain.hasState(block)) return { event: 'operationInaccessible' };
  try {
    return { event: 'operationCallDone', output: toHex(callRuntime(node.chain, block, name, input)) };
  } catch (error) {
    return { event: 'operationError', error: (error as Error).message };
  }
};
const call: Method = (node, params, connection) => {
  const followed = followOf(params, connection);
  if (followed === undefined) return LIMIT_REACHED;
  const block = blockOf(followed, params);
  const name = textParam(params, 2);
  const input = hexParam(params, 3);
  if (!followed.withRuntime) throw INVALID_RUNTIME_CALL;
  if (followed.room() < 1) return LIMIT_REACHED;
  return start(connection, followed, 1, (id) => finish(followed, id, runCall(node, block, name, input)));
};

const runStorage = (
  { chain }: NodeContext,
  followed: Follow,
  block: Block,
  queries: readonly StorageQuery[],
): ((operationId: string) => void) => {
  if (!chain.hasState(block)) return (id) => finish(followed, id, { event: 'operationInaccessible' });
  if (queries.some(({ type }) => type === 'closestDescendantMerkleValue'))
    return (id) => finish(followed, id, { event: 'operationError', error: UNSUPPORTED });
  const pages = storagePages(chain.stateAt(block), block.number, queries);
  let next = pages.next();
  const sendPage = (operationId: string): void => {
    if (next.done !== true) {
      followed.send({ event: 'operationStorageItems', operationId, items: next.value });
      next = pages.next();
    }
    const operation = followed.operation(operationId);
    if (next.done === true || operation === undefined) {
      finish(followed, operationId, { event: 'operationStorageDone' });
      return;
    }
    operation.resume = () => sendPage(operationId);
    followed.send({ event: 'operationWaitingForContinue', operationId });
  };
  return sendPage;
};
const storage: Method = (node, params, connection) => {
  const followed = followOf(params, connection);
  if (followed === undefined) return LIMIT_REACHED;
  const block = blockOf(followed, params);
  const asked = readQueries(params[2]);
  const hasChild = params[3] !== undefined && params[3] !== null;
  const room = followed.room();
  if (room < 1) return LIMIT_REACHED;
  // There are no child tries, so nothing is in them
  const queries = hasChild ? [] : asked.slice(0, room);
  const discardedItems = hasChild ? 0 : asked.length - queries.length;
  const cost = Math.max(1, queries.length);
  return {
    ...start(connection, followed, cost, runStorage(node, followed, block, queries)),
    discardedItems,
  };
};

const proceed: Method = (_node, params, connection) => {
  const id = textParam(params, 1);
  const operation = followOf(params, connection)?.operation(id);
  if (operation === undefined) return null;
  const { resume } = operation;
  if (resume === undefined) throw INVALID_CONTINUE;
  operation.resume = undefined;
  connection.defer(resume);
  return null;
};
const stopOperation: Method = (_node, params, connection) => {
  const id = textParam(params, 1);
  followOf(params, connection)?.endOperation(id);
  return null;
};
const unpin: Method = (_node, params, connection) => {
  const followed = followOf(params, connection);
  const wanted: readonly unknown[] = Array.isArray(params[1]) ? params[1] : [params[1]];
  const hashes = wanted.map((_, index) => textParam(wanted, index).toLowerCase());
  if (followed === undefined) return null;
  if (new Set(hashes).size !== hashes.length) throw DUPLICATE_HASHES;
  if (hashes.some((hash) => followed.pinned(hash) === undefined)) throw INVALID_BLOCK;
  followed.unpin(hashes);
  return null;
};

export const chainHeadMethods: Methods = {
  chainHead_v1_follow: follow,
  chainHead_v1_unfollow: unfollow,
  chainHead_v1_header: getHeader,
  chainHead_v1_body: body,
  chainHead_v1_call: call,
  chainHead_v1_storage: storage,
  chainHead_v1_continue: proceed,
  chainHead_v1_stopOperation: stopOperation,
  chainHead_v1_unpin: unpin,
  chainSpec_v1_chainName: ({ chainName }) => chainName,
  chainSpec_v1_genesisHash: ({ chain }) => chain.genesis.hash,
  chainSpec_v1_properties: () => ({ ss58Format: SS58_PREFIX, tokenDecimals: 9, tokenSymbol: 'TAO' }),
};
