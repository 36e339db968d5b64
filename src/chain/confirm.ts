import * as Effect from 'effect/Effect';
import * as Queue from 'effect/Queue';

import type { BlockNumber } from '../domain/ids.ts';
import type { Head } from '../domain/metagraph.ts';
import type { ChainConnection } from './client.ts';
import { orRefused, type SubmitError, SubmitNotIncluded, SubmitUnconfirmed } from './errors.ts';
import type { PreparedExtrinsic } from './extrinsics.ts';
import { MAX_SCAN_BLOCKS } from './inclusion.ts';

/** A chain that finalizes nothing for so long stands still; its blocks take 12 s. */
const SILENCE_MS = 120_000;

type Pending = {
  readonly connection: ChainConnection;
  readonly prepared: PreparedExtrinsic;
  /** Wall-clock time without a finalized block after which the wait ends; two minutes when not given. */
  readonly silenceMs?: number;
};

const unconfirmed = (detail: string): SubmitUnconfirmed =>
  new SubmitUnconfirmed({ message: `sent, but ${detail}: look at the chain before sending anything again` });

/** Scans every finalized block of the extrinsic's lifetime as it comes. */
const searchBlocks = Effect.fnUntraced(function* (pending: Pending, heads: Queue.Dequeue<Head>) {
  const { connection, prepared, silenceMs = SILENCE_MS } = pending;
  let next: BlockNumber = prepared.bornAtBlock;
  while (true) {
    const head = yield* Effect.timeoutOrElse(Queue.take(heads), {
      duration: silenceMs,
      orElse: () => Effect.fail(unconfirmed(`no block was finalized for ${silenceMs} ms`)),
    });
    while (next <= head.block && next < prepared.expiresAtBlock) {
      const toBlock = Math.min(head.block, next + MAX_SCAN_BLOCKS - 1);
      const inclusion = yield* connection.findInclusion({ prepared, fromBlock: next, toBlock });
      if (inclusion.found) {
        yield* orRefused(inclusion.outcome);
        return { block: inclusion.block, blockHash: inclusion.blockHash } satisfies Head;
      }
      next = toBlock + 1;
    }
    if (next >= prepared.expiresAtBlock) {
      const message = `not in any block up to ${prepared.expiresAtBlock - 1}, its last: sign it again`;
      return yield* new SubmitNotIncluded({ message });
    }
  }
});

/**
 * Sends prepared bytes once and waits until a finalized block contains them, for commands that a person runs; the
 * daemons drive the same steps with their machines, across connections and crashes.
 *
 * @returns the block; fails as refused with the failing check of the pool or of the dispatch, as not included when the
 *   lifetime passed, and as unconfirmed when the connection or the chain failed after sending
 */
export const submitAndConfirm = Effect.fn('chain.submitAndConfirm')(function* (pending: Pending) {
  const { connection, prepared } = pending;
  // Unconfirmed: the bytes may be in the pool or in a block, and only the blocks tell.
  yield* connection
    .submitPrepared({ prepared })
    .pipe(Effect.catchTag('SubmitUnconfirmed', () => Effect.void));
  const heads = yield* Queue.sliding<Head>(1);
  const following = connection.followHeads((head) => {
    Queue.offerUnsafe(heads, head);
  });
  return yield* Effect.raceFirst(searchBlocks(pending, heads), following).pipe(
    Effect.mapError((error: SubmitError) =>
      error._tag === 'ChainUnreachable' ? unconfirmed(error.message) : error,
    ),
  );
});
