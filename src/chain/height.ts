import * as Effect from 'effect/Effect';
import * as Schema from 'effect/Schema';

import type { BlockNumber } from '../domain/ids.ts';
import type { Head } from '../domain/metagraph.ts';
import { type ChainError, ChainMalformed } from './errors.ts';
import { decodeHeader, hashOf } from './headers.ts';
import { headAt } from './heads.ts';
import { decodeWith, readBlockHash, readFinalizedHash } from './reads.ts';
import { openRpc, type Rpc, type RpcOptions } from './rpc.ts';

/** What an endpoint that is not in use says of the chain. */
export type EndpointHeight = {
  readonly genesisHash: string;
  readonly head: Head;
  /** `Timestamp.Now` at `head`, Unix ms. */
  readonly timestampMs: number;
  /** Hash it has for the block that was asked about; null when it has none. */
  readonly hashAsked: string | null;
};

/** How the chain's clock stands at a block, and how fast its last blocks came. */
export type Pace = {
  /** `Timestamp.Now`, Unix ms. */
  readonly timestampMs: number;
  /** Mean over up to `PACE_BLOCKS` blocks; 0 near genesis. */
  readonly blockMs: number;
};

/** twox128("Timestamp") ++ twox128("Now"): read without metadata, because a plain u64 has no other form. */
const TIMESTAMP_NOW = '0xf0c365c3cf59d671eb72da0e7a4113c49f1f0515f462cdcf84e0f1d6045dfcbb';
/** Far within what a node without archive keeps. */
const PACE_BLOCKS = 50;

const decodeNow = decodeWith(Schema.String.check(Schema.isPattern(/^0x[0-9a-fA-F]{16}$/)), 'Timestamp.Now');

/** The newest finalized block, whose header is shown to belong to its hash. */
const readProvenHead = Effect.fnUntraced(function* (rpc: Rpc) {
  const blockHash = yield* readFinalizedHash(rpc);
  const header = yield* decodeHeader(yield* rpc.call('chain_getHeader', [blockHash]));
  if (hashOf(header) !== blockHash.toLowerCase()) {
    return yield* new ChainMalformed({
      operation: 'chain_getHeader',
      detail: `the header for ${blockHash} has another hash`,
    });
  }
  return { block: Number(header.number), blockHash } satisfies Head;
});

const readTimestampMs = Effect.fnUntraced(function* (rpc: Rpc, blockHash: string) {
  const stored = yield* decodeNow(yield* rpc.call('state_getStorage', [TIMESTAMP_NOW, blockHash]));
  return Number(Buffer.from(stored.slice(2), 'hex').readBigUInt64LE());
});

/** The chain's own time at a head of this connection, and the pace of the blocks before it. */
export const readPace = Effect.fn('chain.readPace')(function* (rpc: Rpc, head: Head) {
  const timestampMs = yield* readTimestampMs(rpc, head.blockHash);
  // Block 0 has no timestamp.
  const span = Math.min(PACE_BLOCKS, head.block - 1);
  if (span < 1) return { timestampMs, blockMs: 0 } satisfies Pace;
  const before = yield* headAt(rpc, head.block - span);
  const beforeMs = yield* readTimestampMs(rpc, before.blockHash);
  return { timestampMs, blockMs: Math.max(0, timestampMs - beforeMs) / span } satisfies Pace;
});

/**
 * Asks one endpoint how far it is, on a connection of its own that is closed before this ends, however it ends. No
 * metadata is read. Each call has its deadline, so the whole takes at most `connectMs` and three times `callMs`.
 *
 * @param asked number of the block whose hash shows that both follow the same chain
 */
export const readHeight = (
  options: RpcOptions & { readonly asked: BlockNumber },
): Effect.Effect<EndpointHeight, ChainError> =>
  Effect.scoped(
    Effect.gen(function* () {
      const { asked, ...endpoint } = options;
      const rpc = yield* openRpc(endpoint);
      const [genesisHash, head, hashAsked] = yield* Effect.all(
        [readBlockHash(rpc, 0), readProvenHead(rpc), readBlockHash(rpc, asked)],
        { concurrency: 3 },
      );
      if (genesisHash === null)
        return yield* new ChainMalformed({ operation: 'chain_getBlockHash', detail: 'no genesis block' });
      const timestampMs = yield* readTimestampMs(rpc, head.blockHash);
      return { genesisHash, head, timestampMs, hashAsked };
    }),
  ).pipe(Effect.withSpan('chain.readHeight'));
