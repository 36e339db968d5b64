import * as Clock from 'effect/Clock';
import * as Effect from 'effect/Effect';
import * as Queue from 'effect/Queue';

import type { BlockNumber } from '../domain/ids.ts';
import type { Head } from '../domain/metagraph.ts';
import { type ChainError, ChainMalformed } from './errors.ts';
import { HeaderNumber, hashesToldBy } from './headers.ts';
import { decodeWith, readBlockHash } from './reads.ts';
import type { Rpc } from './rpc.ts';

const operation = 'chain_subscribeFinalizedHeads';
const decodeHeader = decodeWith(HeaderNumber, operation);

/** Blocks whose state a node without archive still has; older blocks are of no use to a follower. */
export const MAX_FILL_BLOCKS = 300;
/** More than a day of blocks at once, on a connection that follows the chain: no honest node announces that. */
export const MAX_JUMP_BLOCKS = 10_000;
/** No chain of this kind makes blocks faster for long; the fastest development chains take ten times as long. */
const FASTEST_BLOCK_MS = 10;
/** Hash reads in flight while a gap is filled. */
const FILL_CONCURRENCY = 8;

/**
 * The block numbers to deliver when `latest` is announced and `last` was delivered before (null: nothing yet): all of
 * them in order, but no further back than `MAX_FILL_BLOCKS`. Empty for a number that was already delivered.
 */
export const missingBlocks = (last: BlockNumber | null, latest: BlockNumber): readonly BlockNumber[] => {
  const first = last === null ? latest : Math.max(last + 1, latest - MAX_FILL_BLOCKS + 1);
  return Array.from({ length: Math.max(0, latest - first + 1) }, (_, index) => first + index);
};

/**
 * Where a session begins, given its first announced block and the last one known from an earlier connection: after the
 * known block when that lies a plausible way back, otherwise at what this endpoint has. What an earlier endpoint said
 * never silences this one: that one may have lied, or this one may lag.
 */
export const startOfSession = (after: BlockNumber | null, first: BlockNumber): BlockNumber | null =>
  after !== null && after < first && first - after <= MAX_JUMP_BLOCKS ? after : null;

/**
 * Whether a session may go on by so many blocks at `nowMs`: at most `MAX_JUMP_BLOCKS` at once, and no faster for long
 * than any chain makes them, so that a flood of heads ends the session and not the process.
 */
export const blockAllowance = (beganMs: number): ((blocks: number, nowMs: number) => boolean) => {
  let left = MAX_JUMP_BLOCKS;
  let countedMs = beganMs;
  return (blocks, nowMs) => {
    left = Math.min(MAX_JUMP_BLOCKS, left + Math.max(0, nowMs - countedMs) / FASTEST_BLOCK_MS);
    countedMs = nowMs;
    if (blocks > left) return false;
    left -= Math.max(0, blocks);
    return true;
  };
};

const nanosPerMs = 1e6;
const monotonicMs = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / nanosPerMs);

/** The block of this number as the node has it; fails where it has none. */
export const headAt = (rpc: Rpc, block: BlockNumber): Effect.Effect<Head, ChainError> =>
  Effect.flatMap(readBlockHash(rpc, block), (blockHash) =>
    blockHash === null
      ? Effect.fail(new ChainMalformed({ operation: 'chain_getBlockHash', detail: `no block ${block}` }))
      : Effect.succeed({ block, blockHash }),
  );

const implausible = (last: BlockNumber, latest: BlockNumber): ChainMalformed =>
  new ChainMalformed({
    operation,
    detail: `block ${latest} was announced right after block ${last}: the endpoint is not to be believed`,
  });

/**
 * Heads of block numbers, for one session. A header tells its own hash and its parent's, so in step with the chain a
 * block costs no call. Whether this endpoint's headers hash to what it calls its blocks is looked at once; where they
 * do not, because headers have come to look otherwise, each hash is asked for.
 */
const headsOf = (rpc: Rpc) => {
  let isTold: boolean | null = null;
  return Effect.fnUntraced(function* (
    blocks: readonly BlockNumber[],
    announced: unknown,
    latest: BlockNumber,
  ) {
    const told = hashesToldBy(announced);
    const heads = yield* Effect.forEach(
      blocks,
      (block) => {
        const blockHash = isTold === true ? told.get(block) : undefined;
        return blockHash === undefined ? headAt(rpc, block) : Effect.succeed({ block, blockHash });
      },
      { concurrency: FILL_CONCURRENCY },
    );
    const newest = heads.at(-1);
    if (isTold === null && newest?.block === latest) isTold = told.get(latest) === newest.blockHash;
    return heads;
  });
};

/**
 * Delivers finalized heads, every block number once and in order within the session. GRANDPA finalizes several blocks
 * at a time and announces the last one only, so the numbers between are fetched. Memory stays constant: only the
 * newest announced header waits.
 *
 * @param after number of the last block known from an earlier connection; up to `MAX_FILL_BLOCKS` are caught up. An
 *   endpoint that is behind it delivers what it has.
 * @returns never succeeds; fails when the connection is lost, one read passes its deadline, or numbers go ahead
 *   faster than `blockAllowance`
 */
export const followHeads = (options: {
  readonly rpc: Rpc;
  readonly onHead: (head: Head) => void;
  readonly after?: BlockNumber;
}): Effect.Effect<never, ChainError> => {
  const { rpc, onHead, after } = options;
  const following = Effect.gen(function* () {
    const announced = yield* Queue.sliding<unknown>(1);
    const readHeads = headsOf(rpc);
    const isAllowed = blockAllowance(yield* monotonicMs);
    yield* rpc.subscribe({
      method: operation,
      unsubscribe: 'chain_unsubscribeFinalizedHeads',
      onResult: (header) => {
        Queue.offerUnsafe(announced, header);
      },
    });
    let last: BlockNumber | null = null;
    while (true) {
      const header = yield* Queue.take(announced);
      const latest = Number((yield* decodeHeader(header)).number);
      const nowMs = yield* monotonicMs;
      if (last !== null && !isAllowed(latest - last, nowMs)) return yield* implausible(last, latest);
      const blocks = missingBlocks(last ?? startOfSession(after ?? null, latest), latest);
      for (let start = 0; start < blocks.length; start += FILL_CONCURRENCY) {
        const heads = yield* readHeads(blocks.slice(start, start + FILL_CONCURRENCY), header, latest);
        for (const head of heads) {
          last = head.block;
          onHead(head);
        }
      }
    }
  });
  return Effect.raceFirst(Effect.scoped(following), rpc.lost);
};
