import * as Context from 'effect/Context';
import * as Effect from 'effect/Effect';
import * as Layer from 'effect/Layer';
import * as Schema from 'effect/Schema';
import type * as Scope from 'effect/Scope';

import type { BlockNumber, Netuid } from '../domain/ids.ts';
import type { Head, SubnetSnapshot } from '../domain/metagraph.ts';
import type { WeightVector } from '../domain/weightVector.ts';
import type { Identity } from '../keys/identity.ts';
import { type ChainError, ChainMalformed, type SubmitError } from './errors.ts';
import { type Call, type PreparedExtrinsic, prepareExtrinsic } from './extrinsics.ts';
import { followHeads, headAt } from './heads.ts';
import { findInclusion, type Inclusion } from './inclusion.ts';
import { readSubnet } from './metagraph.ts';
import { decodeWith, readBlockHash, readFinalizedHash } from './reads.ts';
import { openRpc, type Rpc } from './rpc.ts';
import { makeRuntimes, type Runtimes } from './runtimes.ts';
import { type AxonEndpoint, planServe } from './serveAxon.ts';
import { submitPrepared } from './submit.ts';

export type ConnectOptions = {
  /** `ws://` or `wss://`. */
  readonly endpoint: string;
  readonly netuid: Netuid;
  /** Deadline of the TCP, TLS and WebSocket handshake. */
  readonly connectMs: number;
  /** Deadline of each single call. */
  readonly callMs: number;
};

type Signed = {
  readonly identity: Identity;
  /** Finalized head it is built on. */
  readonly head: Head;
  /** Block its lifetime starts at, at or before `head`; `head` when not given. */
  readonly birth?: Head;
  /** Lifetime in blocks, rounded up to a power of two; 128 is usual. */
  readonly periodBlocks: number;
};
type WeightsOptions = Signed & {
  readonly netuid: Netuid;
  readonly vector: WeightVector;
  readonly versionKey: number;
};

/**
 * One connection to one endpoint. It never reconnects by itself: everything fails as unreachable once it is lost, and
 * whoever opened it decides what is next. Each operation reads at the head it is given, and each of its calls has the
 * deadline `callMs`.
 */
export interface ChainConnection {
  readonly endpoint: string;
  readonly genesisHash: string;
  /** Runtime version when the connection was opened. */
  readonly specVersion: number;
  readonly chainName: string;
  /**
   * Finalized heads, every number once and in order, gaps filled (also from `after`, a block known from an earlier
   * connection). Never succeeds; fails when the connection dies or a read passes its deadline.
   */
  readonly followHeads: (
    onHead: (head: Head) => void,
    options?: { readonly after?: BlockNumber },
  ) => Effect.Effect<never, ChainError>;
  /** The newest finalized head of this endpoint. */
  readonly finalizedHead: () => Effect.Effect<Head, ChainError>;
  /** Number of the endpoint's best block: what is sent now can be in the one after it at the earliest. */
  readonly bestBlock: () => Effect.Effect<BlockNumber, ChainError>;
  /** A block by its number; fails where the endpoint does not have it. */
  readonly headAt: (block: BlockNumber) => Effect.Effect<Head, ChainError>;
  /** `specVersion` of the runtime in the state of this block, which decides what bytes signed on it mean. */
  readonly specVersionAt: (head: Head) => Effect.Effect<number, ChainError>;
  /** The whole subnet at exactly this head. */
  readonly readSubnet: (head: Head) => Effect.Effect<SubnetSnapshot, ChainError>;
  /** Signs any call; nothing is sent. */
  readonly prepare: (
    options: Signed & { readonly call: Call },
  ) => Effect.Effect<PreparedExtrinsic, ChainError>;
  /** Signs `set_mechanism_weights(netuid, 0, …)`; nothing is sent. */
  readonly prepareWeights: (options: WeightsOptions) => Effect.Effect<PreparedExtrinsic, ChainError>;
  /** Signs `serve_axon` if the chain's entry differs; null when it already says the same. */
  readonly prepareServe: (
    options: Signed & { readonly endpoint: AxonEndpoint },
  ) => Effect.Effect<PreparedExtrinsic | null, SubmitError>;
  /** Sends prepared bytes once; see `submit.ts` for what each failure means. */
  readonly submitPrepared: (options: {
    readonly prepared: PreparedExtrinsic;
  }) => Effect.Effect<'sent' | 'alreadyKnown', SubmitError>;
  /** Looks for the bytes in a range of blocks and reads their dispatch result. */
  readonly findInclusion: (options: {
    readonly prepared: PreparedExtrinsic;
    readonly fromBlock: BlockNumber;
    readonly toBlock: BlockNumber;
  }) => Effect.Effect<Inclusion, ChainError>;
}

const decodeName = decodeWith(Schema.String.check(Schema.isMaxLength(200)), 'system_chain');
const decodeHeader = decodeWith(
  Schema.Struct({ number: Schema.String.check(Schema.isPattern(/^0x[0-9a-fA-F]{1,8}$/)) }),
  'chain_getHeader',
);

const readFinalizedHead = Effect.fnUntraced(function* (rpc: Rpc) {
  const blockHash = yield* readFinalizedHash(rpc);
  const { number } = yield* decodeHeader(yield* rpc.call('chain_getHeader', [blockHash]));
  return { block: Number(number), blockHash } satisfies Head;
});

const readBestBlock = Effect.fnUntraced(function* (rpc: Rpc) {
  const { number } = yield* decodeHeader(yield* rpc.call('chain_getHeader', []));
  return Number(number) satisfies BlockNumber;
});

const weightsCall = ({ netuid, vector, versionKey }: WeightsOptions): Call => ({
  pallet: 'SubtensorModule',
  name: 'set_mechanism_weights',
  args: [netuid, 0, vector.uids, vector.values, versionKey],
});

/** Operations that sign something. */
const signingOperations = (
  netuid: Netuid,
  genesisHash: string,
  { rpc, runtimes }: { readonly rpc: Rpc; readonly runtimes: Runtimes },
) => {
  const prepare: ChainConnection['prepare'] = (options) =>
    Effect.flatMap(runtimes.at(options.head.blockHash), (runtime) =>
      prepareExtrinsic({ rpc, runtime, genesisHash, ...options }),
    );
  const prepareServe: ChainConnection['prepareServe'] = Effect.fnUntraced(function* (options) {
    const runtime = yield* runtimes.at(options.head.blockHash);
    const call = yield* planServe({ rpc, runtime, netuid, ...options });
    return call === null ? null : yield* prepare({ ...options, call });
  });
  const prepareWeights: ChainConnection['prepareWeights'] = (options) =>
    prepare({ ...options, call: weightsCall(options) });
  return { prepare, prepareServe, prepareWeights };
};

/** Operations that send something, and what finding it takes. */
const sendingOperations = ({ rpc, runtimes }: { readonly rpc: Rpc; readonly runtimes: Runtimes }) => {
  const finalizedHead: ChainConnection['finalizedHead'] = () => readFinalizedHead(rpc);
  const send: ChainConnection['submitPrepared'] = ({ prepared }) => submitPrepared({ rpc, prepared });
  const find: ChainConnection['findInclusion'] = (search) => findInclusion({ rpc, runtimes, ...search });
  return { finalizedHead, submitPrepared: send, findInclusion: find };
};

const connect = Effect.fn('chain.connect')(function* (options: ConnectOptions) {
  const { endpoint, netuid, connectMs, callMs } = options;
  const rpc = yield* openRpc({ endpoint, connectMs, callMs });
  const runtimes = makeRuntimes(rpc);
  const [genesisHash, name, head] = yield* Effect.all(
    [readBlockHash(rpc, 0), rpc.call('system_chain', []), readFinalizedHead(rpc)],
    { concurrency: 3 },
  );
  if (genesisHash === null)
    return yield* new ChainMalformed({ operation: 'connect', detail: 'no genesis block' });
  const chainName = yield* decodeName(name);
  const { version } = yield* runtimes.at(head.blockHash);
  return {
    endpoint,
    genesisHash,
    specVersion: version.specVersion,
    chainName,
    bestBlock: () => readBestBlock(rpc),
    headAt: (block) => headAt(rpc, block),
    specVersionAt: (at) => Effect.map(runtimes.at(at.blockHash), (runtime) => runtime.version.specVersion),
    followHeads: (onHead, following) => followHeads({ rpc, onHead, ...following }),
    readSubnet: (at) =>
      Effect.flatMap(runtimes.at(at.blockHash), (runtime) => readSubnet({ rpc, runtime, netuid, head: at })),
    ...signingOperations(netuid, genesisHash, { rpc, runtimes }),
    ...sendingOperations({ rpc, runtimes }),
  } satisfies ChainConnection as ChainConnection;
});

/** Opens connections to subtensor nodes. */
export class Chain extends Context.Service<
  Chain,
  {
    /** Connects and loads the runtime's metadata. The scope's end closes the connection and destroys its socket. */
    readonly connect: (options: ConnectOptions) => Effect.Effect<ChainConnection, ChainError, Scope.Scope>;
  }
>()('chain/Chain') {
  static readonly layer = Layer.succeed(Chain, { connect });
}
