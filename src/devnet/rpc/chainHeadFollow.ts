/**
 * One `chainHead_v1_follow` subscription: what it reported, what is pinned, which operations run.
 * Source: the JSON-RPC interface specification, and polkadot-sdk's sc_rpc_spec_v2::chain_head for its limits.
 */
import type { Block } from '../blockBuilder.ts';
import type { Chain } from '../chain.ts';
import { toHex } from '../hashing.ts';
import type { Runtime } from '../runtime.ts';

/** Pinned blocks at most; a client that unpins nothing is told to stop. */
const MAX_PINNED_BLOCKS = 512;
/** Operations at once; each storage item counts as one. The specification asks for 16 at least. */
const MAX_OPERATIONS = 16;
/** Final blocks reported at the start. */
const MAX_FIRST_FINALIZED = 16;

/** An operation that goes on with `resume` when the client asks to continue. */
export type Operation = { readonly cost: number; resume: (() => void) | undefined };

export type Follow = {
  readonly withRuntime: boolean;
  /** A pinned block; undefined for one that was never reported, or unpinned. */
  pinned(hash: string): Block | undefined;
  unpin(hashes: readonly string[]): void;
  /** Operations that may still be started. */
  room(): number;
  startOperation(cost: number): string;
  operation(id: string): Operation | undefined;
  endOperation(id: string): void;
  /** Sends an event; not after the subscription ended. */
  send(event: object): void;
};

/** A runtime's version as the new methods write it: APIs as an object. */
const runtimeEvent = ({ version }: Runtime): object => {
  const { specName, implName, authoringVersion, specVersion, implVersion, transactionVersion } = version;
  const apis = Object.fromEntries(version.apis.map(([id, apiVersion]) => [toHex(id), apiVersion]));
  const numbers = { authoringVersion, specVersion, implVersion, transactionVersion };
  const spec = { specName, implName, ...numbers, apis, stateVersion: version.systemVersion };
  return { type: 'valid', spec };
};

/** The newest final blocks, oldest first. */
const firstFinalized = (chain: Chain): readonly Block[] => {
  const last = chain.finalizedHead();
  const from = Math.max(0, last.number - MAX_FIRST_FINALIZED + 1);
  return Array.from({ length: last.number - from + 1 }, (_, offset) =>
    chain.blockByNumber(from + offset),
  ).filter((block) => block !== undefined);
};
const openBlocks = (chain: Chain): readonly Block[] => {
  const from = chain.finalizedHead().number + 1;
  return Array.from({ length: chain.head().number - from + 1 }, (_, offset) =>
    chain.blockByNumber(from + offset),
  ).filter((block) => block !== undefined);
};

export type FollowOptions = {
  readonly chain: Chain;
  readonly withRuntime: boolean;
  readonly send: (event: object) => void;
  /** Told when the subscription ended by itself. */
  readonly onStop: () => void;
};

/** Starts to report; gives the subscription and a function that ends it. */
export const startFollow = (options: FollowOptions): { readonly follow: Follow; stop(): void } => {
  const { chain, withRuntime } = options;
  const pins = new Map<string, Block>();
  /** Reported blocks that are neither final nor pruned. */
  const open = new Set<string>();
  const operations = new Map<string, Operation>();
  let operationCount = 0;
  let isOpen = true;
  let stopListening = (): void => undefined;

  const end = (): void => {
    isOpen = false;
    stopListening();
    pins.clear();
    operations.clear();
  };
  const send = (event: object): void => {
    if (isOpen) options.send(event);
  };
  const stop = (): void => {
    send({ event: 'stop' });
    end();
    options.onStop();
  };
  const pin = (block: Block): void => {
    pins.set(block.hash, block);
    if (pins.size > MAX_PINNED_BLOCKS) stop();
  };
  const reportNew = (block: Block): void => {
    if (!isOpen) return;
    const parentBlockHash = toHex(block.header.parentHash);
    const parent = chain.blockByHash(parentBlockHash);
    const runtime = chain.runtimeAt(block);
    const isNew = parent === undefined || chain.runtimeAt(parent) !== runtime;
    const shown = withRuntime ? { newRuntime: isNew ? runtimeEvent(runtime) : null } : {};
    open.add(block.hash);
    send({ event: 'newBlock', blockHash: block.hash, parentBlockHash, ...shown });
    pin(block);
  };
  const reportBest = ({ hash }: Block): void => send({ event: 'bestBlockChanged', bestBlockHash: hash });
  const reportFinalized = ({ hash }: Block, pruned: readonly Block[]): void => {
    const prunedBlockHashes = pruned.map((block) => block.hash).filter((known) => open.delete(known));
    open.delete(hash);
    send({ event: 'finalized', finalizedBlockHashes: [hash], prunedBlockHashes });
  };

  const finalized = firstFinalized(chain);
  send({
    event: 'initialized',
    finalizedBlockHashes: finalized.map(({ hash }) => hash),
    ...(withRuntime && { finalizedBlockRuntime: runtimeEvent(chain.runtimeAt(chain.finalizedHead())) }),
  });
  for (const block of finalized) pin(block);
  for (const block of openBlocks(chain)) reportNew(block);
  reportBest(chain.head());
  if (isOpen)
    stopListening = chain.listen({ onImport: reportNew, onHead: reportBest, onFinalized: reportFinalized });

  const follow: Follow = {
    withRuntime,
    pinned: (hash) => pins.get(hash),
    unpin: (hashes) => {
      for (const hash of hashes) pins.delete(hash);
    },
    room: () => MAX_OPERATIONS - [...operations.values()].reduce((sum, { cost }) => sum + cost, 0),
    startOperation: (cost) => {
      operationCount += 1;
      const id = String(operationCount);
      operations.set(id, { cost, resume: undefined });
      return id;
    },
    operation: (id) => operations.get(id),
    endOperation: (id) => {
      operations.delete(id);
    },
    send,
  };
  return { follow, stop: end };
};
