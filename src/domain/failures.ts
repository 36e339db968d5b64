import type { BlockNumber } from './ids.ts';

/** When the same request can be worth trying again. */
export type Retry =
  | { readonly when: 'atBlock'; readonly block: BlockNumber }
  | { readonly when: 'nextBlock' }
  | { readonly when: 'reconnected' }
  | { readonly when: 'never' };

/**
 * What a machine may learn of a failed exchange with the chain. Plain data, because it may be persisted.
 *
 * - `Unreachable`: connection refused, closed, or a call that passed its deadline.
 * - `Unsupported`: the runtime lacks something this client needs; an upgrade of either side is due.
 * - `UnknownBlock`: this node does not have the block (yet), or not its state any more.
 * - `Malformed`: the answer does not decode; never trusted, never fatal to the rest.
 */
export type ChainFailure = {
  readonly _tag: 'Unreachable' | 'Unsupported' | 'UnknownBlock' | 'Malformed';
  readonly message: string;
  readonly retry: Retry;
};

/**
 * Why weights or an axon were not accepted.
 *
 * - `Refused`: pre-flight or the chain names a failing check (`check`, e.g. `SettingWeightsTooFast`).
 * - `NotIncluded`: the extrinsic's mortal era passed without inclusion; it can never be included any more.
 * - `Unconfirmed`: sent, outcome unknown (the link died); ask the chain before sending anything again.
 */
export type SubmitFailure =
  | ChainFailure
  | {
      readonly _tag: 'Refused';
      readonly check: string;
      readonly message: string;
      readonly retry: Retry;
    }
  | { readonly _tag: 'NotIncluded' | 'Unconfirmed'; readonly message: string; readonly retry: Retry };

/** Why a link to a peer ended or never came to be. */
export type LinkFailure = {
  readonly _tag:
    | 'Unreachable'
    | 'HandshakeFailed'
    | 'Refused'
    | 'Silent'
    | 'ProtocolViolation'
    | 'Overflow'
    | 'ClosedByPeer'
    | 'ClosedHere'
    | 'Lost'
    /** Code of this process threw on behalf of the link. */
    | 'Defect';
  readonly message: string;
};

/** The store cannot do what was asked. `StoreFenced`: another process writes in our place. */
export type StoreFailure = {
  readonly _tag: 'StoreUnavailable' | 'StoreCorrupt' | 'StoreFull' | 'StoreFenced';
  readonly message: string;
};
