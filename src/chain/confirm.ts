import * as Effect from 'effect/Effect';

import type { BlockNumber } from '../domain/ids.ts';
import type { Head } from '../domain/metagraph.ts';
import { type ChainError, SubmitNotIncluded, SubmitRefused } from './errors.ts';
import type { PreparedExtrinsic } from './extrinsics.ts';
import type { Inclusion } from './inclusion.ts';

/** The two reads that waiting for inclusion is made of. */
export type InclusionReads = {
  readonly finalizedHead: () => Effect.Effect<Head, ChainError>;
  readonly findInclusion: (options: {
    readonly prepared: PreparedExtrinsic;
    readonly fromBlock: BlockNumber;
    readonly toBlock: BlockNumber;
  }) => Effect.Effect<Inclusion, ChainError>;
};

/** One small read a second: a finalized block is seen soon after its 12 s, and the endpoint hardly notices. */
export const DEFAULT_POLL_MS = 1_000;

/**
 * Waits until a sent extrinsic is in a finalized block and gives the block's number. Asks for the finalized head every
 * `pollMs` and reads only blocks not read before. Ends at the extrinsic's last block at the latest.
 *
 * Fails with `SubmitRefused` when its dispatch failed, with `SubmitNotIncluded` when its era passed, and with the
 * chain's error when the connection is lost: then ask again on the next connection.
 */
export const awaitInclusion = Effect.fn('chain.awaitInclusion')(function* (
  reads: InclusionReads,
  options: { readonly prepared: PreparedExtrinsic; readonly pollMs: number },
) {
  const { prepared, pollMs } = options;
  let fromBlock = prepared.bornAtBlock;
  while (true) {
    const { block } = yield* reads.finalizedHead();
    const inclusion = yield* reads.findInclusion({ prepared, fromBlock, toBlock: block });
    if (inclusion.found) {
      const { outcome } = inclusion;
      if (outcome.ok) return inclusion.block;
      const { error } = outcome;
      const check = error._tag === 'Refused' ? error.check : error._tag;
      return yield* new SubmitRefused({ check, message: error.message, retry: error.retry });
    }
    if (block >= prepared.expiresAtBlock - 1) {
      const blocks = `blocks ${prepared.bornAtBlock} to ${prepared.expiresAtBlock - 1}`;
      return yield* new SubmitNotIncluded({
        message: `${prepared.hash} is in none of ${blocks}; sign it again`,
      });
    }
    fromBlock = Math.max(fromBlock, block + 1);
    yield* Effect.sleep(pollMs);
  }
});
