/** `chain_*`: blocks and heads. */
import type { Block, Header } from '../blockBuilder.ts';
import { digestItem } from '../chainTypes.ts';
import { toHex } from '../hashing.ts';
import { type Method, type Methods, type NodeContext, unsubscribe } from './methods.ts';
import { blockNumber, METHOD_NOT_FOUND, type Params, RpcFailure } from './protocol.ts';

const headerJson = ({ parentHash, number, stateRoot, extrinsicsRoot, digest }: Header): object => ({
  parentHash: toHex(parentHash),
  number: `0x${number.toString(16)}`,
  stateRoot: toHex(stateRoot),
  extrinsicsRoot: toHex(extrinsicsRoot),
  digest: { logs: digest.logs.map((item) => toHex(digestItem.enc(item))) },
});

/** Unknown hashes give null here, as on a real node. */
const findBlock = (node: NodeContext, params: Params): Block | undefined =>
  params[0] === undefined || params[0] === null
    ? node.chain.head()
    : node.chain.blockByHash(String(params[0]).toLowerCase());

const getHeader: Method = (node, params) => {
  const block = findBlock(node, params);
  return block === undefined ? null : headerJson(block.header);
};
const getBlock: Method = (node, params) => {
  const block = findBlock(node, params);
  if (block === undefined) return null;
  const body = { header: headerJson(block.header), extrinsics: block.extrinsics.map(toHex) };
  return { block: body, justifications: null };
};
const getBlockHash: Method = (node, params) => {
  const hashOf = (value: unknown): string | null =>
    node.chain.blockByNumber(blockNumber(value))?.hash ?? null;
  const [wanted] = params;
  if (wanted === undefined || wanted === null) return node.chain.head().hash;
  return Array.isArray(wanted) ? wanted.map(hashOf) : hashOf(wanted);
};

const subscribeHeads: Method = ({ chain }, _params, connection) =>
  connection.subscribe('chain_newHead', (send) => {
    send(headerJson(chain.head().header));
    return chain.listen({ onHead: (block) => send(headerJson(block.header)) });
  });
const subscribeAllHeads: Method = ({ chain }, _params, connection) =>
  connection.subscribe('chain_allHead', (send) => {
    send(headerJson(chain.head().header));
    return chain.listen({ onImport: (block) => send(headerJson(block.header)) });
  });
const subscribeFinalizedHeads: Method = ({ chain }, _params, connection) =>
  connection.subscribe('chain_finalizedHead', (send) => {
    send(headerJson(chain.finalizedHead().header));
    return chain.listen({ onFinalized: (block) => send(headerJson(block.header)) });
  });

/** As in Substrate's manual seal; the parameters (empty, finalize, parent) are ignored. */
const createBlock: Method = ({ seal }) => {
  if (seal === undefined)
    throw new RpcFailure(
      METHOD_NOT_FOUND,
      'Method not found',
      'blocks are made by the clock, not by request',
    );
  return { hash: seal().hash };
};

export const chainMethods: Methods = {
  engine_createBlock: createBlock,
  chain_getHeader: getHeader,
  chain_getBlock: getBlock,
  chain_getBlockHash: getBlockHash,
  chain_getHead: getBlockHash,
  chain_getFinalizedHead: ({ chain }) => chain.finalizedHead().hash,
  chain_getFinalisedHead: ({ chain }) => chain.finalizedHead().hash,
  chain_subscribeNewHeads: subscribeHeads,
  chain_subscribeNewHead: subscribeHeads,
  chain_unsubscribeNewHeads: unsubscribe,
  chain_unsubscribeNewHead: unsubscribe,
  chain_subscribeAllHeads: subscribeAllHeads,
  chain_unsubscribeAllHeads: unsubscribe,
  chain_subscribeFinalizedHeads: subscribeFinalizedHeads,
  chain_unsubscribeFinalizedHeads: unsubscribe,
};
