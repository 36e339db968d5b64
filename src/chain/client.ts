import * as Context from 'effect/Context';
import * as Effect from 'effect/Effect';
import * as Layer from 'effect/Layer';
import * as Schema from 'effect/Schema';
import type * as Scope from 'effect/Scope';

import type { BlockNumber, Hotkey, Netuid, Uid } from '../domain/ids.ts';
import type { Head, SubnetSnapshot } from '../domain/metagraph.ts';
import type { RevealPlan, SubmissionFacts } from '../domain/submissionFacts.ts';
import type { WeightVector } from '../domain/weightVector.ts';
import type { Identity } from '../keys/identity.ts';
import { type Commitment, commitmentCall, readCommitment } from './commitments.ts';
import { type ChainError, ChainMalformed, orRefused, type SubmitError } from './errors.ts';
import { type Call, type PreparedExtrinsic, prepareExtrinsic } from './extrinsics.ts';
import { followHeads, headAt } from './heads.ts';
import { type Pace, readPace } from './height.ts';
import { findInclusion, type Inclusion } from './inclusion.ts';
import { readSubnet, type SubnetSource } from './metagraph.ts';
import { readNonce } from './nonce.ts';
import { decodeWith, readBlockHash, readFinalizedHash } from './reads.ts';
import {
  preflightRegistration,
  type RegistrationRequest,
  type RegistrationTerms,
  readFee,
  readRegistration,
  registrationCall,
} from './registration.ts';
import { openRpc, type Rpc } from './rpc.ts';
import { makeRuntimes, type Runtimes } from './runtimes.ts';
import { type AxonEndpoint, planServe, planWithdraw } from './serveAxon.ts';
import { readSubmissionFacts } from './submissionFacts.ts';
import { submitPrepared } from './submit.ts';
import { planWeights, readWeights } from './weightCalls.ts';

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
  /** The next one by the pool's view when not given. Of two extrinsics with one nonce only one gets in. */
  readonly nonce?: number;
};
type WeightsOptions = Signed & {
  /** Facts of this hotkey, as fresh as can be: they decide the call and the reveal round. */
  readonly facts: SubmissionFacts;
  readonly vector: WeightVector;
  readonly versionKey: number;
};
export type PreparedWeights = {
  readonly prepared: PreparedExtrinsic;
  /** null for plain weights, which are in force once included. */
  readonly reveal: RevealPlan | null;
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
  /** The chain's own time at this head, and how fast the blocks before it came. */
  readonly paceAt: (head: Head) => Effect.Effect<Pace, ChainError>;
  /** `specVersion` of the runtime in the state of this block, which decides what bytes signed on it mean. */
  readonly specVersionAt: (head: Head) => Effect.Effect<number, ChainError>;
  /** The nonce that the next extrinsic of an account bears after this head, whatever waits in pools. */
  readonly nonceAt: (options: {
    readonly head: Head;
    readonly account: string;
  }) => Effect.Effect<number, ChainError>;
  /** The whole subnet at exactly this head. */
  readonly readSubnet: (head: Head) => Effect.Effect<SubnetSnapshot, ChainError>;
  /** Everything of one block that decides whether weights of this hotkey are accepted, and its waiting commits. */
  readonly readSubmissionFacts: (options: {
    readonly head: Head;
    readonly hotkey: Hotkey;
  }) => Effect.Effect<SubmissionFacts, ChainError>;
  /** The weights of a uid that are in force at this head, as the chain scaled them; empty where there are none. */
  readonly readWeights: (options: {
    readonly head: Head;
    readonly uid: Uid;
  }) => Effect.Effect<WeightVector, ChainError>;
  /** Price, rules and means of registering a hotkey with a coldkey at this head. */
  readonly readRegistration: (options: {
    readonly head: Head;
    readonly hotkey: Hotkey;
    readonly coldkey: string;
  }) => Effect.Effect<RegistrationTerms, ChainError>;
  /** What a hotkey committed to on this subnet; null when nothing. */
  readonly readCommitment: (options: {
    readonly head: Head;
    readonly hotkey: Hotkey;
  }) => Effect.Effect<Commitment | null, ChainError>;
  /** Signs any call; nothing is sent. */
  readonly prepare: (
    options: Signed & { readonly call: Call },
  ) => Effect.Effect<PreparedExtrinsic, ChainError>;
  /**
   * Signs what brings these weights on chain, by the subnet's rules: plain weights, or a timelocked commit of them.
   * Nothing is sent. Each commit is locked anew: keep the bytes to send them again.
   */
  readonly prepareWeights: (options: WeightsOptions) => Effect.Effect<PreparedWeights, ChainError>;
  /** Signs `serve_axon` if the chain's entry differs; null when it already says the same. */
  readonly prepareServe: (
    options: Signed & { readonly endpoint: AxonEndpoint },
  ) => Effect.Effect<PreparedExtrinsic | null, SubmitError>;
  /** Signs what takes the endpoint of the hotkey off the chain; null when none is there. */
  readonly prepareWithdraw: (options: Signed) => Effect.Effect<PreparedExtrinsic | null, SubmitError>;
  /** Signs the registration of `hotkey` by the coldkey that signs, at `maxPriceRao` or less, if it would be accepted. */
  readonly prepareRegistration: (
    options: Signed & { readonly hotkey: Hotkey; readonly maxPriceRao: bigint },
  ) => Effect.Effect<
    { readonly prepared: PreparedExtrinsic; readonly terms: RegistrationTerms },
    SubmitError
  >;
  /** Signs a commitment to at most 128 bytes. */
  readonly prepareCommitment: (
    options: Signed & { readonly data: Uint8Array },
  ) => Effect.Effect<PreparedExtrinsic, SubmitError>;
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

/** Signing what keeps a neuron on the network: its registration, endpoint and commitment. */
const upkeepOperations = (
  netuid: Netuid,
  edge: { readonly rpc: Rpc; readonly runtimes: Runtimes; readonly prepare: ChainConnection['prepare'] },
) => {
  const { rpc, runtimes, prepare } = edge;
  const sourceOf = ({ head, identity }: Signed) =>
    Effect.map(runtimes.at(head.blockHash), (runtime) => ({
      rpc,
      runtime,
      netuid,
      head,
      hotkey: identity.hotkey,
    }));
  const prepareServe: ChainConnection['prepareServe'] = Effect.fnUntraced(function* (options) {
    const source = yield* sourceOf(options);
    const call = yield* planServe({ ...source, endpoint: options.endpoint });
    return call === null ? null : yield* prepare({ ...options, call });
  });
  const prepareWithdraw: ChainConnection['prepareWithdraw'] = Effect.fnUntraced(function* (options) {
    const call = yield* planWithdraw(yield* sourceOf(options));
    return call === null ? null : yield* prepare({ ...options, call });
  });
  const prepareRegistration: ChainConnection['prepareRegistration'] = Effect.fnUntraced(function* (options) {
    const { hotkey, maxPriceRao } = options;
    const request: RegistrationRequest = { hotkey, maxPriceRao, coldkey: options.identity.hotkey };
    const source = yield* sourceOf(options);
    const terms = yield* readRegistration(source, request);
    yield* orRefused(preflightRegistration(terms, request));
    const call = registrationCall(source.runtime, netuid, request);
    const prepared = yield* prepare({ ...options, call });
    const feeRao = yield* readFee(source, prepared);
    yield* orRefused(preflightRegistration(terms, { ...request, feeRao }));
    return { prepared, terms };
  });
  const prepareCommitment: ChainConnection['prepareCommitment'] = (options) =>
    Effect.flatMap(orRefused(commitmentCall(netuid, options.data)), (call) => prepare({ ...options, call }));
  return { prepareServe, prepareWithdraw, prepareRegistration, prepareCommitment };
};

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
  const prepareWeights: ChainConnection['prepareWeights'] = Effect.fnUntraced(function* (options) {
    const runtime = yield* runtimes.at(options.head.blockHash);
    const { publicKey } = options.identity;
    const { call, reveal } = yield* planWeights(runtime, { ...options, publicKey });
    return { prepared: yield* prepare({ ...options, call }), reveal };
  });
  return { prepare, prepareWeights, ...upkeepOperations(netuid, { rpc, runtimes, prepare }) };
};

/** Operations that read the state of one block. */
const readingOperations = (
  netuid: Netuid,
  { rpc, runtimes }: { readonly rpc: Rpc; readonly runtimes: Runtimes },
) => {
  const sourceAt = (head: Head): Effect.Effect<SubnetSource, ChainError> =>
    Effect.map(runtimes.at(head.blockHash), (runtime) => ({ rpc, runtime, netuid, head }));
  const subnetAt: ChainConnection['readSubnet'] = (head) => Effect.flatMap(sourceAt(head), readSubnet);
  const factsAt: ChainConnection['readSubmissionFacts'] = ({ head, hotkey }) =>
    Effect.flatMap(sourceAt(head), (source) => readSubmissionFacts(source, hotkey));
  const weightsAt: ChainConnection['readWeights'] = ({ head, uid }) =>
    Effect.flatMap(sourceAt(head), (source) => readWeights(source, uid));
  const registrationAt: ChainConnection['readRegistration'] = ({ head, ...keys }) =>
    Effect.flatMap(sourceAt(head), (source) => readRegistration(source, keys));
  const commitmentAt: ChainConnection['readCommitment'] = ({ head, hotkey }) =>
    Effect.flatMap(sourceAt(head), (source) => readCommitment(source, hotkey));
  const nonceAt: ChainConnection['nonceAt'] = ({ head, account }) =>
    readNonce({ rpc, runtimes, account, blockHash: head.blockHash });
  return {
    nonceAt,
    readSubnet: subnetAt,
    readSubmissionFacts: factsAt,
    readWeights: weightsAt,
    readRegistration: registrationAt,
    readCommitment: commitmentAt,
  };
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
    paceAt: (at) => readPace(rpc, at),
    specVersionAt: (at) => Effect.map(runtimes.at(at.blockHash), (runtime) => runtime.version.specVersion),
    followHeads: (onHead, following) => followHeads({ rpc, onHead, ...following }),
    ...readingOperations(netuid, { rpc, runtimes }),
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
