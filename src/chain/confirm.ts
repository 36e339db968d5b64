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
/**
 * JSON-RPC 2.0: no JSON, no request, no such method, wrong parameters. The node did not look at the bytes. Any other
 * code may come from a gateway that passed them on.
 */
const NEVER_READ: ReadonlySet<number> = new Set([-32_700, -32_600, -32_601, -32_602]);

type Pending = {
  readonly connection: ChainConnection;
  readonly prepared: PreparedExtrinsic;
  /** Wall-clock time without a finalized block after which the wait ends; two minutes when not given. */
  readonly silenceMs?: number;
  /** Told each finalized block that is searched, for those who watch. */
  readonly onBlock?: (block: BlockNumber) => void;
};

const unconfirmed = ({ prepared }: Pending, detail: string): SubmitUnconfirmed =>
  new SubmitUnconfirmed({
    message: `sent as ${prepared.hash}, valid up to block ${prepared.expiresAtBlock - 1}, but ${detail}: look at the chain before sending anything again`,
  });

/** Whether the error says what became of the bytes; every other one leaves them possibly on their way into a block. */
const isVerdict = (error: SubmitError): boolean =>
  error._tag === 'SubmitRefused' ||
  error._tag === 'SubmitNotIncluded' ||
  (error._tag === 'RpcRefused' && NEVER_READ.has(error.code));

/** The block with the bytes among those up to `head` that were not searched yet; else the next one to search. */
const searchUpTo = Effect.fnUntraced(function* (pending: Pending, from: BlockNumber, head: Head) {
  const { connection, prepared } = pending;
  let next = from;
  while (next <= head.block && next < prepared.expiresAtBlock) {
    const toBlock = Math.min(head.block, next + MAX_SCAN_BLOCKS - 1);
    const inclusion = yield* connection.findInclusion({ prepared, fromBlock: next, toBlock });
    if (inclusion.found) return { next, inclusion };
    next = toBlock + 1;
  }
  return { next, inclusion: null };
});

/** Scans every finalized block of the extrinsic's lifetime as it comes; a block that cannot be read is tried again. */
const searchBlocks = Effect.fnUntraced(function* (pending: Pending, heads: Queue.Dequeue<Head>) {
  const { prepared, silenceMs = SILENCE_MS } = pending;
  let next: BlockNumber = prepared.bornAtBlock;
  while (true) {
    const head = yield* Effect.timeoutOrElse(Queue.take(heads), {
      duration: silenceMs,
      orElse: () => Effect.fail(unconfirmed(pending, `no block was finalized for ${silenceMs} ms`)),
    });
    pending.onBlock?.(head.block);
    const searched = yield* Effect.result(searchUpTo(pending, next, head));
    const isOver = head.block >= prepared.expiresAtBlock;
    if (searched._tag === 'Failure') {
      const { failure } = searched;
      if (isOver || failure._tag === 'ChainUnreachable') return yield* unconfirmed(pending, failure.message);
      continue;
    }
    const { inclusion } = searched.success;
    if (inclusion !== null) {
      yield* orRefused(inclusion.outcome);
      return { block: inclusion.block, blockHash: inclusion.blockHash } satisfies Head;
    }
    next = searched.success.next;
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
 *   lifetime passed, with the node's error where it did not take the bytes at all, and as unconfirmed whenever the
 *   bytes may have been passed on and their outcome is not known
 */
export const submitAndConfirm = Effect.fn('chain.submitAndConfirm')(function* (pending: Pending) {
  const { connection, prepared } = pending;
  // Without a verdict the bytes may be in the pool or in a block, and only the blocks tell.
  yield* connection
    .submitPrepared({ prepared })
    .pipe(Effect.catch((error) => (isVerdict(error) ? Effect.fail(error) : Effect.void)));
  const heads = yield* Queue.sliding<Head>(1);
  const following = connection.followHeads((head) => {
    Queue.offerUnsafe(heads, head);
  });
  const lost = Effect.mapError(following, (error) => unconfirmed(pending, error.message));
  return yield* Effect.raceFirst(searchBlocks(pending, heads), lost);
});
