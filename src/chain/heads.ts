import * as Effect from 'effect/Effect';
import * as Queue from 'effect/Queue';
import * as Schema from 'effect/Schema';

import type { BlockNumber } from '../domain/ids.ts';
import type { Head } from '../domain/metagraph.ts';
import { type ChainError, ChainMalformed } from './errors.ts';
import { decodeWith, readBlockHash } from './reads.ts';
import type { Rpc } from './rpc.ts';

/** A header's number is hex text on the wire. */
const Header = Schema.Struct({ number: Schema.String.check(Schema.isPattern(/^0x[0-9a-fA-F]{1,8}$/)) });
const decodeHeader = decodeWith(Header, 'chain_subscribeFinalizedHeads');

/** Blocks whose state a node without archive still has; older blocks are of no use to a follower. */
export const MAX_FILL_BLOCKS = 300;
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

const headAt = (rpc: Rpc, block: BlockNumber): Effect.Effect<Head, ChainError> =>
  Effect.flatMap(readBlockHash(rpc, block), (blockHash) =>
    blockHash === null
      ? Effect.fail(
          new ChainMalformed({ operation: 'chain_getBlockHash', detail: `no finalized block ${block}` }),
        )
      : Effect.succeed({ block, blockHash }),
  );

/**
 * Delivers finalized heads, every block number once and in order. GRANDPA finalizes several blocks at a time and
 * announces the last one only, so the numbers between are fetched. Memory stays constant: only the newest announced
 * header waits.
 *
 * @param after number of the last block known from an earlier connection; up to `MAX_FILL_BLOCKS` are caught up
 * @returns never succeeds; fails when the connection is lost or one read passes its deadline
 */
export const followHeads = (options: {
  readonly rpc: Rpc;
  readonly onHead: (head: Head) => void;
  readonly after?: BlockNumber;
}): Effect.Effect<never, ChainError> => {
  const { rpc, onHead, after } = options;
  const following = Effect.gen(function* () {
    const announced = yield* Queue.sliding<unknown>(1);
    yield* rpc.subscribe({
      method: 'chain_subscribeFinalizedHeads',
      unsubscribe: 'chain_unsubscribeFinalizedHeads',
      onResult: (header) => {
        Queue.offerUnsafe(announced, header);
      },
    });
    let last: BlockNumber | null = after ?? null;
    while (true) {
      const { number } = yield* decodeHeader(yield* Queue.take(announced));
      const blocks = missingBlocks(last, Number(number));
      for (let start = 0; start < blocks.length; start += FILL_CONCURRENCY) {
        const batch = blocks.slice(start, start + FILL_CONCURRENCY);
        const heads = yield* Effect.forEach(batch, (block) => headAt(rpc, block), {
          concurrency: FILL_CONCURRENCY,
        });
        for (const head of heads) {
          last = head.block;
          onHead(head);
        }
      }
    }
  });
  return Effect.raceFirst(Effect.scoped(following), rpc.lost);
};
