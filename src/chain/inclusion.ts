import * as Effect from 'effect/Effect';
import * as Schema from 'effect/Schema';

import type { SubmitFailure } from '../domain/failures.ts';
import type { BlockNumber } from '../domain/ids.ts';
import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import { retryOfCheck, withAdvice } from './checks.ts';
import { ChainMalformed } from './errors.ts';
import type { PreparedExtrinsic } from './extrinsics.ts';
import { readNonce } from './nonce.ts';
import { decodeWith, readBlockHash } from './reads.ts';
import type { Rpc } from './rpc.ts';
import type { BlockEvent } from './runtime.ts';
import type { Runtimes } from './runtimes.ts';

/** Whether, where and how an extrinsic was included. */
export type Inclusion =
  | {
      readonly found: true;
      readonly block: BlockNumber;
      readonly blockHash: string;
      readonly outcome: Outcome<void, SubmitFailure>;
    }
  | {
      readonly found: false;
      /** Its nonce went to another extrinsic of the account by the last block searched: it can never be included. */
      readonly isNonceUsed: boolean;
    };

/** One scan reads every block's body, so it is bounded; longer ranges are scanned in parts. */
export const MAX_SCAN_BLOCKS = 512;

const Hex = Schema.String.check(Schema.isPattern(/^0x[0-9a-fA-F]*$/));
const Block = Schema.Struct({
  block: Schema.Struct({
    header: Schema.Struct({ parentHash: Hex }),
    extrinsics: Schema.Array(Hex),
  }),
});
const decodeBlock = decodeWith(Block, 'chain_getBlock');

/** Result of the extrinsic at `index` according to the block's events; null when they do not tell. */
export const dispatchOutcome = (
  events: readonly BlockEvent[],
  index: number,
): Outcome<void, SubmitFailure> | null => {
  const own = events.filter((event) => event.extrinsicIndex === index && event.pallet === 'system');
  if (own.some((event) => event.name === 'ExtrinsicSuccess')) return succeed(undefined);
  const failed = own.find((event) => event.name === 'ExtrinsicFailed');
  if (failed === undefined) return null;
  const check = failed.dispatchError ?? 'Unknown';
  const message = withAdvice(check, `included, but its dispatch failed with ${check}`);
  return fail({ _tag: 'Refused', check, message, retry: retryOfCheck(check) });
};

type Source = { readonly rpc: Rpc; readonly runtimes: Runtimes };

const outcomeIn = Effect.fnUntraced(function* (
  { rpc, runtimes }: Source,
  blockHash: string,
  parentHash: string,
  index: number,
) {
  // A block runs with the code in its parent's state, so its events are written in that runtime's types.
  const runtime = yield* runtimes.at(parentHash);
  const key = yield* runtime.storageKey('System', 'Events', []);
  const stored = yield* rpc.call('state_getStorage', [key, blockHash]);
  const events = yield* runtime.decodeEvents(typeof stored === 'string' ? stored : null);
  const outcome = dispatchOutcome(events, index);
  if (outcome !== null) return outcome;
  return yield* new ChainMalformed({
    operation: 'read events',
    detail: `none for extrinsic ${index} of ${blockHash}`,
  });
});

const searchBlock = Effect.fnUntraced(function* (
  source: Source,
  prepared: PreparedExtrinsic,
  block: BlockNumber,
) {
  const blockHash = yield* readBlockHash(source.rpc, block);
  // A node that lags behind the one followed before: the block counts as searched only once it was read.
  if (blockHash === null) {
    return yield* new ChainMalformed({ operation: 'search', detail: `the node has no block ${block} yet` });
  }
  const body = yield* decodeBlock(yield* source.rpc.call('chain_getBlock', [blockHash]));
  const index = body.block.extrinsics.findIndex((hex) => hex.toLowerCase() === prepared.hex);
  if (index < 0) return null;
  const outcome = yield* outcomeIn(source, blockHash, body.block.header.parentHash, index);
  return { found: true as const, block, blockHash, outcome };
});

/**
 * Whether a block without the extrinsic counts its nonce as used all the same. Where that block's state is gone nobody
 * knows: a later block says it as well.
 */
const isNonceUsedAt = Effect.fnUntraced(function* (
  source: Source,
  { account, nonce }: PreparedExtrinsic,
  block: BlockNumber,
) {
  const blockHash = yield* readBlockHash(source.rpc, block);
  if (blockHash === null) return false;
  const next = yield* Effect.result(readNonce({ ...source, account, blockHash }));
  return next._tag === 'Success' && next.success > nonce;
});

/**
 * Looks for the extrinsic's exact bytes in the blocks `fromBlock` to `toBlock` (both included, at most
 * `MAX_SCAN_BLOCKS`, clipped to the extrinsic's own lifetime) and reads what its dispatch gave. Driven from outside
 * with finalized heads: no subscription can die unnoticed between sending and inclusion. `isNonceUsed` holds where the
 * blocks before `fromBlock` were searched as well.
 */
export const findInclusion = Effect.fn('chain.findInclusion')(function* (
  options: Source & {
    readonly prepared: PreparedExtrinsic;
    readonly fromBlock: BlockNumber;
    readonly toBlock: BlockNumber;
  },
) {
  const { prepared, ...source } = options;
  const first = Math.max(options.fromBlock, prepared.bornAtBlock);
  const last = Math.min(options.toBlock, prepared.expiresAtBlock - 1, first + MAX_SCAN_BLOCKS - 1);
  for (let block = first; block <= last; block += 1) {
    const inclusion = yield* searchBlock(source, prepared, block);
    if (inclusion !== null) return inclusion satisfies Inclusion;
  }
  // A search that does not reach the end of its range has more to come.
  const isNonceUsed =
    last >= first && last === options.toBlock && (yield* isNonceUsedAt(source, prepared, last));
  return { found: false as const, isNonceUsed } satisfies Inclusion;
});
