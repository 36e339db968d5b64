/** What every RPC method gets, and how it is declared. */
import type { Block } from '../blockBuilder.ts';
import type { Chain, ReorgOptions } from '../chain.ts';
import type { Faults } from '../faults.ts';
import { CLIENT_ERROR, type Params, RpcFailure, textParam } from './protocol.ts';

/** The client's side of one connection. */
export type Connection = {
  /**
   * Opens a subscription; `start` gets a function that sends a notification and gives one that ends it.
   * The first notifications are sent after the answer that carries the subscription's name.
   */
  subscribe(notification: string, start: (send: (result: unknown) => void) => () => void): string;
  /** False when the connection has no such subscription. */
  unsubscribe(subscription: string): boolean;
  /** Runs something after the request's answer was sent. */
  defer(run: () => void): void;
  /** Runs something when the connection ends; gives a function that forgets it. */
  onClose(run: () => void): () => void;
  /** What a module keeps for this connection, made at the first request for it. */
  attachment<A>(key: symbol, make: () => A): A;
};

/** Switches of the whole node that tests use over RPC from other processes. */
export type NodeControl = {
  dropConnections(options: { readonly forMs: number }): Promise<void>;
  freezeHeads(isFrozen: boolean): void;
  stallFinality(isStalled: boolean): void;
  reset(): void;
  reorganize(options: ReorgOptions): Block;
  upgradeRuntime(options: { readonly specVersion: number; readonly atBlock: number }): void;
};

export type NodeContext = {
  readonly chain: Chain;
  readonly chainName: string;
  /** Makes a block on request; absent where blocks come by themselves. */
  readonly seal: (() => Block) | undefined;
  readonly faults: Faults;
  /** What clients may do to the node; absent unless it was started for tests of faults. */
  readonly control: NodeControl | undefined;
};
export type Method = (node: NodeContext, params: Params, connection: Connection) => unknown;
export type Methods = { readonly [name: string]: Method };

/** The block of an optional hash parameter; the head without one. Throws for unknown hashes. */
export const blockParam = ({ chain }: NodeContext, params: Params, index: number): Block => {
  const value = params[index];
  if (value === undefined || value === null) return chain.head();
  const hash = textParam(params, index).toLowerCase();
  const block = chain.blockByHash(hash);
  if (block === undefined)
    throw new RpcFailure(
      CLIENT_ERROR,
      `Client error: UnknownBlock: Header was not found in the database: ${hash}`,
    );
  return block;
};

/** sp_blockchain words a missing state so where storage is read, sp_api so where the runtime is called for. */
const DISCARDED = {
  storage: 'Client error: UnknownBlock: State already discarded for ',
  api: 'Client error: Api called for an unknown Block: State already discarded for ',
} as const;

/** As `blockParam`, with a state that is still there. */
export const stateBlockParam = (
  node: NodeContext,
  params: Params,
  index: number,
  wording: keyof typeof DISCARDED = 'storage',
): Block => {
  const block = blockParam(node, params, index);
  if (!node.chain.hasState(block)) throw new RpcFailure(CLIENT_ERROR, `${DISCARDED[wording]}${block.hash}`);
  return block;
};

export const unsubscribe: Method = (_node, params, connection) =>
  connection.unsubscribe(textParam(params, 0));
