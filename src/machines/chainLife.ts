import type { CallbackActorLogic, EventObject, PromiseActorLogic } from 'xstate';

import type { ChainFailure } from '../domain/failures.ts';
import type { BlockNumber } from '../domain/ids.ts';
import type { Head, SubnetSnapshot } from '../domain/metagraph.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { EndpointFact } from './endpointWatch.machine.ts';

export type ChainSession = CallbackActorLogic<EventObject, { readonly endpoint: string }>;
export type ReadSubnet = PromiseActorLogic<Outcome<SubnetSnapshot, ChainFailure>, { readonly head: Head }>;

export type ChainLinkInput = {
  /** Ordered endpoint list, at least one; the next one is tried after each loss, the first is preferred. */
  readonly endpoints: readonly string[];
  readonly headPatienceMs: number;
  /** From dialling to the first head's metadata; `delays.connectPatienceMs` when not given or shorter. */
  readonly connectPatienceMs?: number;
  /** How often another endpoint is asked how far it is. */
  readonly endpointCheckMs: number;
  /** The metagraph is read at least this often, and whenever an epoch is due. */
  readonly readEveryBlocks: number;
};

export type ChainLinkEvent =
  | { readonly type: 'chain.opened'; readonly genesisHash: string; readonly specVersion: number }
  | { readonly type: 'head.finalized'; readonly head: Head }
  | { readonly type: 'chain.closed'; readonly failure: ChainFailure; readonly jitter: number }
  | { readonly type: 'subnet.read' }
  /** The endpoint has been in step for `steadyUptimeMs`. */
  | { readonly type: 'chain.steady' };

/** What the root learns. */
export type ChainFact =
  | EndpointFact
  | { readonly type: 'chain.opened'; readonly genesisHash: string }
  | { readonly type: 'chain.block'; readonly head: Head }
  | { readonly type: 'chain.subnet'; readonly subnet: SubnetSnapshot }
  | { readonly type: 'chain.unreadable'; readonly failure: ChainFailure; readonly block: BlockNumber }
  | { readonly type: 'chain.lost'; readonly failure: ChainFailure }
  /** The endpoint in use is behind another one, to which the link goes now. */
  | {
      readonly type: 'chain.lagging';
      readonly endpoint: string;
      readonly other: string;
      readonly block: BlockNumber;
      readonly otherBlock: BlockNumber;
    }
  /** An endpoint that stands earlier in the list is well again, and is gone back to. */
  | { readonly type: 'chain.preferred'; readonly endpoint: string; readonly other: string }
  /** The chain runs a newer runtime than when it was last looked at. */
  | {
      readonly type: 'chain.upgraded';
      readonly from: number;
      readonly to: number;
      readonly block: BlockNumber;
    };

export type ChainLinkContext = ChainLinkInput & {
  /** Index into `endpoints`. */
  readonly endpoint: number;
  /** Losses since an endpoint was last in step for `steadyUptimeMs`: one that flaps is opened ever more rarely. */
  readonly attempt: number;
  readonly jitter: number;
  readonly genesisHash: string | null;
  /** Newest runtime version seen; null before the first connection. */
  readonly specVersion: number | null;
  readonly head: Head | null;
  /** The subnet is read again at this block; 0 asks for it at the next head. */
  readonly readAtBlock: number;
  readonly lastFailure: ChainFailure | null;
  /** Reads of the metagraph that failed since the last one that did not, on the endpoint in use. */
  readonly failedReads: number;
  /** Endpoints left because the metagraph could not be read there, since it was read last. */
  readonly desertions: number;
  /** What was last reported of reads that fail; null while they succeed. */
  readonly unreadable: { readonly tag: ChainFailure['_tag']; readonly block: BlockNumber } | null;
};
