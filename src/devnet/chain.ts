/** The chain: its blocks, the head, finality, and the steps from one block to the next. */
import { type ChainListener, createAnnouncer, type Route } from './announcer.ts';
import { type Block, buildBlock, buildGenesis } from './blockBuilder.ts';
import { createReadContext } from './context.ts';
import { fromHex } from './hashing.ts';
import { createHistory } from './history.ts';
import type { BlockChange } from './journal.ts';
import { BLOCK_HASH_COUNT } from './limits.ts';
import type { Context, ReadContext } from './pallet.ts';
import { createPool, type Pool, type PoolEntry, type RetractedTransactions } from './pool.ts';
import type { RuntimeProfile } from './profiles.ts';
import type { Runtime } from './runtime.ts';
import { codeOf, createRuntimeTimeline } from './runtimeTimeline.ts';
import type { StateView } from './state.ts';
import type { ChainSnapshot } from './storedChain.ts';
import { accountOf } from './system.ts';
import { checkValidity, type ValidityContext } from './validity.ts';

/** Blocks whose state can be read: a node that prunes keeps 256, the public ones about 300. */
export const STATE_HISTORY_BLOCKS = 300;
/** Blocks whose headers and extrinsics are kept; more than `BLOCK_HASH_COUNT`, on which eras depend. */
const BLOCK_HISTORY = 20_000;

/** Blocks in a snapshot: those that eras reach back to, and some more. */
const SNAPSHOT_BLOCKS = BLOCK_HASH_COUNT + 100;

export type ReorgOptions = {
  /** How many of the newest blocks are replaced; none of them may be final. */
  readonly depth: number;
  /** How many blocks replace them; one more than `depth` when not given, as the longer chain wins. */
  readonly length?: number;
  /**
   * What becomes of the transactions in the replaced blocks: they go into the new ones (default), wait in the pool
   * for a later block, or are lost.
   */
  readonly transactions?: 'include' | 'wait' | 'drop';
};

export type Chain = {
  /** In the state of the head. */
  readonly runtime: Runtime;
  readonly pool: Pool;
  readonly genesis: Block;
  head(): Block;
  finalizedHead(): Block;
  blockByNumber(number: number): Block | undefined;
  /** Finds blocks that a reorganisation replaced too, until their height is final. */
  blockByHash(hash: string): Block | undefined;
  /** In the state after a block: the one that executes the block after it. */
  runtimeAt(block: Block): Runtime;
  /** False where the state was pruned. */
  hasState(block: Block): boolean;
  /** Reads the state of a block at the block's number. */
  stateAt(block: Block): StateView;
  contextAt(block: Block): ReadContext;
  /** Keys that a block of the best chain wrote; undefined for older ones than have a state. */
  writtenIn(block: Block): readonly string[] | undefined;
  /** Builds the next block with what the pool holds; `nowMs` is its timestamp. */
  seal(nowMs: number): Block;
  /**
   * Replaces the newest blocks by others. `nextMs` gives the timestamp of a block after the given one. Throws
   * RangeError when that would touch final blocks.
   */
  reorganize(options: ReorgOptions, nextMs: (parent: Block) => number): Block;
  /** Has block `atBlock` set the code of another runtime; the block after it is the first that it executes. */
  scheduleUpgrade(profile: RuntimeProfile, atBlock: number): void;
  /** Keeps finality where it is, until told otherwise. */
  stallFinality(isStalled: boolean): void;
  /** Keeps announcements of blocks back, until told otherwise; then they come in their order. */
  freezeHeads(isFrozen: boolean): void;
  /** What goes on from here after a restart. The state's part is only good until the next block. */
  snapshot(): ChainSnapshot;
  /** Gives a function that stops listening. */
  listen(listener: ChainListener): () => void;
};

export type ChainOptions = {
  readonly runtime: Runtime;
  /** The runtime of another profile, over the same state. */
  readonly makeRuntime: (profile: RuntimeProfile) => Runtime;
  readonly blockTimeMs: number;
  /** Unix ms from which manual blocks count. */
  readonly startMs: number;
  /** How many blocks finality stays behind the head. */
  readonly finalityLagBlocks: number;
  /** Keeps the states and blocks of all times. */
  readonly isArchive: boolean;
  readonly writeGenesis: (ctx: Context) => void;
  /** A chain to go on with instead of block 0; of the same genesis. */
  readonly restore?: ChainSnapshot;
  /** Told of each block before anybody else is; when it throws, that is a defect and the chain goes on. */
  readonly keep?: (change: BlockChange) => void;
  readonly onDefect: (error: unknown) => void;
};

type Built = { readonly block: Block; readonly used: readonly PoolEntry[] };

export const createChain = (options: ChainOptions): Chain => {
  const { blockTimeMs, finalityLagBlocks, isArchive, onDefect } = options;
  const { state } = options.runtime;
  const genesis = buildGenesis(options.runtime, {
    timestampMs: options.startMs,
    code: codeOf(options.runtime.profile),
    write: options.writeGenesis,
  });
  const genesisHash = fromHex(genesis.hash) ?? new Uint8Array(32);
  const history = createHistory(genesis, isArchive ? Number.POSITIVE_INFINITY : BLOCK_HISTORY);
  const timeline = createRuntimeTimeline(options.runtime, options.makeRuntime);
  const announcer = createAnnouncer(onDefect);
  /** States of the blocks that were retired. */
  const forks = new WeakMap<Block, StateView>();
  let finalized = genesis;
  let isFinalityStalled = false;

  if (options.restore !== undefined) {
    const { blocks, runtimes, upgrades, finalizedNumber } = options.restore;
    state.load(options.restore.state);
    timeline.restore(runtimes, upgrades);
    for (const block of blocks) history.push(block);
    finalized = history.byNumber(finalizedNumber) ?? genesis;
  }

  const runtimeAt = ({ number }: Block): Runtime => timeline.at(number);
  const stateAt = (block: Block): StateView => forks.get(block) ?? state;
  /** On top of the head only the hashes of the last 2400 blocks are known to the runtime. */
  const validity = (): Omit<ValidityContext, 'ctx'> => ({
    version: runtimeAt(history.head()).version,
    genesisHash,
    blockHash: (number) => {
      const block = history.byNumber(number);
      const isKnown = block !== undefined && number >= history.head().number - BLOCK_HASH_COUNT;
      return isKnown ? fromHex(block.hash) : undefined;
    },
  });
  const headContext = (): ReadContext => {
    const { number } = history.head();
    return createReadContext(timeline.at(number).parts, number, number + 1);
  };
  const pool = createPool({
    check: (transaction) => checkValidity(transaction, { ...validity(), ctx: headContext() }),
    nonceOf: ({ extrinsic }) => accountOf(headContext(), extrinsic.signer).nonce,
  });

  /** The block is as good as final once it is kept, so that finality never goes back over a restart. */
  const keep = (block: Block): void => {
    const { number } = block;
    const final = isFinalityStalled
      ? finalized.number
      : Math.max(finalized.number, number - finalityLagBlocks);
    try {
      options.keep?.({
        block,
        written: (state.writtenIn(number) ?? []).map((key) => [key, state.get(key, number)]),
        finalizedNumber: final,
        runtimes: timeline.changes(),
        upgrades: timeline.upgrades(),
      });
    } catch (error) {
      onDefect(error);
    }
  };
  const finalize = (): void => {
    while (!isFinalityStalled && finalized.number < history.head().number - finalityLagBlocks) {
      const next = history.byNumber(finalized.number + 1);
      if (next === undefined) return;
      finalized = next;
      const pruned = history.pruneRetired(next.number);
      announcer.announce((listener) => listener.onFinalized?.(next, pruned));
      pool.finalized(next);
    }
  };
  /** Builds on the head, with what the pool holds or with nothing. */
  const extend = (nowMs: number, hasTransactions: boolean): Built => {
    const parent = history.head();
    const number = parent.number + 1;
    let used: readonly PoolEntry[] = [];
    const offer: Parameters<typeof buildBlock>[1]['offer'] = (apply) => {
      if (hasTransactions) used = pool.offer(apply);
    };
    const upgrade = timeline.upgradeIn(number);
    const input = { parent, nowMs, blockTimeMs, validity: validity(), upgrade, offer, onDefect };
    const block = buildBlock(timeline.at(parent.number), input);
    history.push(block);
    timeline.built(number);
    keep(block);
    if (!isArchive) state.prune(number - STATE_HISTORY_BLOCKS);
    announcer.announce((listener) => listener.onImport?.(block));
    return { block, used };
  };
  const settle = (built: readonly Built[], retracted: readonly Block[]): Block => {
    const head = history.head();
    const route: Route = { retracted, enacted: built.map(({ block }) => block) };
    announcer.announce((listener) => listener.onHead?.(head, route));
    for (const { block, used } of built) pool.included(used, block);
    finalize();
    return head;
  };
  const assertReplaceable = (depth: number, length: number): void => {
    const open = Math.min(STATE_HISTORY_BLOCKS, history.head().number - finalized.number);
    if (Number.isInteger(depth) && depth >= 1 && depth <= open && Number.isInteger(length) && length >= depth)
      return;
    throw new RangeError(
      `cannot replace ${depth} blocks by ${length}: ${open} blocks are not final, and at least as many must follow; ` +
        'a larger finality lag leaves more blocks open',
    );
  };

  return {
    get runtime() {
      return runtimeAt(history.head());
    },
    pool,
    genesis,
    head: history.head,
    finalizedHead: () => finalized,
    blockByNumber: history.byNumber,
    blockByHash: history.byHash,
    runtimeAt,
    hasState: (block) =>
      forks.has(block) || isArchive || block.number >= history.head().number - STATE_HISTORY_BLOCKS,
    stateAt,
    contextAt: (block) =>
      createReadContext({ ...runtimeAt(block).parts, state: stateAt(block) }, block.number),
    writtenIn: ({ number }) => state.writtenIn(number),
    seal: (nowMs) => settle([extend(nowMs, true)], []),
    reorganize: ({ depth, length = depth + 1, transactions = 'include' }, nextMs) => {
      assertReplaceable(depth, length);
      const base = history.head().number - depth;
      const replaced = history.retire(base);
      const fork = state.rollback(base);
      for (const block of replaced) forks.set(block, fork);
      timeline.rollback(base);
      const fate: RetractedTransactions = transactions === 'drop' ? 'drop' : 'return';
      for (const block of replaced) pool.retracted(block, fate);
      const built = Array.from({ length }, (_, index) => {
        const old = replaced[index];
        // Other times make other blocks
        const nowMs = old === undefined ? nextMs(history.head()) : old.timestampMs + 1;
        return extend(nowMs, transactions === 'include');
      });
      return settle(built, replaced);
    },
    scheduleUpgrade: (profile, atBlock) => {
      if (!Number.isInteger(atBlock) || atBlock <= history.head().number)
        throw new RangeError(
          `an upgrade in block ${atBlock} is too late: the head is block ${history.head().number}`,
        );
      timeline.schedule(profile, atBlock);
    },
    stallFinality: (isStalled) => {
      isFinalityStalled = isStalled;
      finalize();
    },
    snapshot: () => ({
      genesisHash: genesis.hash,
      blocks: isArchive ? history.blocks() : history.blocks().slice(-SNAPSHOT_BLOCKS),
      finalizedNumber: finalized.number,
      runtimes: timeline.changes(),
      upgrades: timeline.upgrades(),
      state: state.dump(),
    }),
    freezeHeads: announcer.setFrozen,
    listen: announcer.listen,
  };
};
