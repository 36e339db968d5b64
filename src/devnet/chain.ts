/** The chain: its blocks, the head, finality, and the steps from one block to the next. */
import { type Block, buildBlock, buildGenesis } from './blockBuilder.ts';
import { createReadContext } from './context.ts';
import { fromHex } from './hashing.ts';
import { BLOCK_HASH_COUNT } from './limits.ts';
import type { Context, ReadContext } from './pallet.ts';
import { createPool, type Pool } from './pool.ts';
import type { Runtime } from './runtime.ts';
import { accountOf } from './system.ts';
import { checkValidity, type ValidityContext } from './validity.ts';

/** Blocks whose state can be read: a node that prunes keeps 256, the public ones about 300. */
export const STATE_HISTORY_BLOCKS = 300;
/** Blocks whose headers and extrinsics are kept; more than `BLOCK_HASH_COUNT`, on which eras depend. */
const BLOCK_HISTORY = 20_000;

export type ChainListener = {
  readonly onHead?: (block: Block) => void;
  readonly onFinalized?: (block: Block) => void;
};

export type Chain = {
  readonly runtime: Runtime;
  readonly pool: Pool;
  readonly genesis: Block;
  head(): Block;
  finalizedHead(): Block;
  blockByNumber(number: number): Block | undefined;
  blockByHash(hash: string): Block | undefined;
  /** False where the state was pruned. */
  hasState(block: Block): boolean;
  contextAt(block: Block): ReadContext;
  /** Builds the next block with what the pool holds; `nowMs` is its timestamp. */
  seal(nowMs: number): Block;
  /** Gives a function that stops listening. */
  listen(listener: ChainListener): () => void;
};

export type ChainOptions = {
  readonly runtime: Runtime;
  readonly blockTimeMs: number;
  /** How many blocks finality stays behind the head. */
  readonly finalityLagBlocks: number;
  readonly writeGenesis: (ctx: Context) => void;
  readonly onDefect: (error: unknown) => void;
};

/** The recent blocks, by number and by hash. Block 0 stays. */
const createHistory = (genesis: Block) => {
  const byNumber = new Map<number, Block>([[0, genesis]]);
  const numbers = new Map<string, number>([[genesis.hash, 0]]);
  let head = genesis;
  return {
    head: (): Block => head,
    byNumber: (number: number): Block | undefined => byNumber.get(number),
    byHash: (hash: string): Block | undefined => byNumber.get(numbers.get(hash) ?? -1),
    push: (block: Block): void => {
      head = block;
      byNumber.set(block.number, block);
      numbers.set(block.hash, block.number);
      const old = byNumber.get(block.number - BLOCK_HISTORY);
      if (old === undefined || old.number === 0) return;
      byNumber.delete(old.number);
      numbers.delete(old.hash);
    },
  };
};

export const createChain = (options: ChainOptions): Chain => {
  const { runtime, blockTimeMs, finalityLagBlocks, onDefect } = options;
  const genesis = buildGenesis(runtime, options.writeGenesis);
  const genesisHash = fromHex(genesis.hash) ?? new Uint8Array(32);
  const history = createHistory(genesis);
  const listeners = new Set<ChainListener>();
  let finalized = genesis;

  /** On top of the head only the hashes of the last 2400 blocks are known to the runtime. */
  const validity: Omit<ValidityContext, 'ctx'> = {
    genesisHash,
    blockHash: (number) => {
      const block = history.byNumber(number);
      const isKnown = block !== undefined && number >= history.head().number - BLOCK_HASH_COUNT;
      return isKnown ? fromHex(block.hash) : undefined;
    },
  };
  const headContext = (): ReadContext =>
    createReadContext(runtime.parts, history.head().number, history.head().number + 1);
  const pool = createPool({
    check: (transaction) => checkValidity(transaction, { ...validity, ctx: headContext() }),
    nonceOf: ({ extrinsic }) => accountOf(headContext(), extrinsic.signer).nonce,
  });

  const notify = (run: (listener: ChainListener) => void): void => {
    for (const listener of [...listeners]) {
      try {
        run(listener);
      } catch (error) {
        onDefect(error);
      }
    }
  };
  const finalize = (): void => {
    while (finalized.number < history.head().number - finalityLagBlocks) {
      const next = history.byNumber(finalized.number + 1);
      if (next === undefined) return;
      finalized = next;
      notify((listener) => listener.onFinalized?.(next));
      pool.finalized(next);
    }
  };

  return {
    runtime,
    pool,
    genesis,
    head: history.head,
    finalizedHead: () => finalized,
    blockByNumber: history.byNumber,
    blockByHash: history.byHash,
    hasState: (block) => block.number >= history.head().number - STATE_HISTORY_BLOCKS,
    contextAt: (block) => createReadContext(runtime.parts, block.number),
    seal: (nowMs) => {
      let used: ReturnType<Pool['offer']> = [];
      const offer: Parameters<typeof buildBlock>[1]['offer'] = (apply) => {
        used = pool.offer(apply);
      };
      const parent = history.head();
      const block = buildBlock(runtime, { parent, nowMs, blockTimeMs, validity, offer, onDefect });
      history.push(block);
      runtime.state.prune(block.number - STATE_HISTORY_BLOCKS);
      notify((listener) => listener.onHead?.(block));
      pool.included(used, block);
      finalize();
      return block;
    },
    listen: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
};
