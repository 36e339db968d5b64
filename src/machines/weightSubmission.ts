import type { PromiseActorLogic } from 'xstate';

import type { ChainFailure, Retry, StoreFailure, SubmitFailure } from '../domain/failures.ts';
import type { BlockNumber, EpochIndex } from '../domain/ids.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { CommittedWeights } from '../domain/reveals.ts';
import type { RevealPlan } from '../domain/submissionFacts.ts';
import type { WeightVector } from '../domain/weightVector.ts';

/** One vector for one epoch. `lastEpochBlock` and `endsAtBlock` bound the window in which it may land. */
export type WeightsDue = {
  readonly epoch: EpochIndex;
  readonly vector: WeightVector;
  readonly lastEpochBlock: BlockNumber;
  readonly endsAtBlock: BlockNumber;
};

/** A signed extrinsic that is durable before it is sent, so that a successor sends the same bytes. */
export type PreparedWeights = {
  readonly hex: string;
  readonly hash: string;
  readonly nonce: number;
  readonly account: string;
  readonly bornAtBlock: BlockNumber;
  readonly expiresAtBlock: BlockNumber;
};

/** What is locked in a timelocked commit, and when the chain opens it. */
export type SealedWeights = { readonly plan: RevealPlan; readonly vector: WeightVector };

export type ReadyWeights = {
  readonly prepared: PreparedWeights;
  /** null for plain weights, which are in force once included. */
  readonly sealed: SealedWeights | null;
};

/** How weights of an epoch stand on chain already. */
export type Standing = {
  /** null when they do not. */
  readonly setAtBlock: BlockNumber | null;
  /** Where it was a commit whose plaintext this process has. */
  readonly committed: CommittedWeights | null;
  /** They stand, and no bytes that this validator signed for the epoch explain it. */
  readonly isForeign: boolean;
};

export type Inclusion =
  | {
      readonly found: true;
      readonly block: BlockNumber;
      readonly blockHash: string;
      readonly outcome: Outcome<null, SubmitFailure>;
    }
  /** Where another extrinsic of the hotkey used its nonce, it can never be included. */
  | { readonly found: false; readonly isNonceUsed: boolean };

/** Asks the chain whether this epoch's weights stand already, and whether they would be accepted. */
export type CheckWeights = PromiseActorLogic<Outcome<Standing, SubmitFailure | StoreFailure>, WeightsDue>;
export type PrepareWeights = PromiseActorLogic<
  Outcome<ReadyWeights, SubmitFailure | StoreFailure>,
  WeightsDue
>;
export type SubmitWeights = PromiseActorLogic<
  Outcome<'sent' | 'alreadyKnown', SubmitFailure>,
  { readonly prepared: PreparedWeights }
>;
export type FindInclusion = PromiseActorLogic<
  Outcome<Inclusion, ChainFailure>,
  { readonly prepared: PreparedWeights; readonly fromBlock: BlockNumber; readonly toBlock: BlockNumber }
>;

export type WeightSettingEvent =
  | ({ readonly type: 'weights.due' } & WeightsDue)
  | { readonly type: 'block.finalized'; readonly block: BlockNumber }
  /** The chain is in this epoch. The first one ever seen is the first one to answer for. */
  | {
      readonly type: 'epoch.began';
      readonly epoch: EpochIndex;
      /** The hotkey got its uid in this epoch, perhaps again: there was nobody to answer for the ones before. */
      readonly isFirstOfUid: boolean;
    }
  /** This epoch is over, and with it all before. */
  | { readonly type: 'epoch.ended'; readonly epoch: EpochIndex }
  /** This epoch should be over, and the chain cannot be read. */
  | { readonly type: 'epoch.overdue'; readonly epoch: EpochIndex }
  /** A connection was opened, perhaps to another endpoint: what the last one said of heads counts no more. */
  | { readonly type: 'chain.opened' };

export type WeightSettingFact =
  | { readonly type: 'weights.confirmed'; readonly epoch: EpochIndex; readonly block: BlockNumber }
  /** Weights stand that another program set with this hotkey: those of this validator are not sent beside them. */
  | { readonly type: 'weights.foreign'; readonly epoch: EpochIndex; readonly block: BlockNumber }
  /** A commit stands: the epoch has its weights, which come into force when the chain opens it. */
  | {
      readonly type: 'weights.committed';
      readonly epoch: EpochIndex;
      readonly block: BlockNumber;
      readonly commitHash: string;
      readonly revealRound: number;
      /** First block of the epoch in which the chain opens it, as far as today's schedule tells. */
      readonly revealsFromBlock: BlockNumber;
    }
  /** The same with the plaintext, for the machine that verifies the reveal. Never logged. */
  | ({ readonly type: 'commit.stood' } & CommittedWeights)
  | {
      readonly type: 'weights.refused';
      readonly epoch: EpochIndex;
      readonly failure: SubmitFailure | StoreFailure;
    }
  | { readonly type: 'weights.missed'; readonly epoch: EpochIndex; readonly behind: number }
  | { readonly type: 'weights.overdue'; readonly epoch: EpochIndex; readonly behind: number };

/** Stands in where an input needs a value that its state always has. */
export const nothingDue: WeightsDue = {
  epoch: 0,
  vector: { uids: [], values: [] },
  lastEpochBlock: 0,
  endsAtBlock: 0,
};

export const noExtrinsic: PreparedWeights = {
  hex: '',
  hash: '',
  nonce: 0,
  account: '',
  bornAtBlock: 0,
  expiresAtBlock: 0,
};

/** Store failures and unreachable endpoints are worth the next block; `never` needs somebody to act. */
export const retryBlock = (retry: Retry | undefined, block: BlockNumber): BlockNumber | null => {
  if (retry === undefined) return block + 1;
  if (retry.when === 'never') return null;
  return retry.when === 'atBlock' ? Math.max(retry.block, block + 1) : block + 1;
};

/** Two failures of one kind are no news: the pause before the next try grows. */
export const kindOf = (failure: SubmitFailure | StoreFailure): string =>
  failure._tag === 'Refused' ? failure.check : failure._tag;

const longestPauseBlocks = 16;
/** However long the pause, one more try is made so many blocks before the end: enough to be included. */
const lastTryBlocks = 8;

/**
 * Block of the next try, null for none within this epoch. A block that the chain named is kept; without one, the pause
 * doubles each time the same failure repeats: 1, 2, 4, 8, 16 blocks.
 *
 * @param repeats how often the same failure came before, in a row
 */
export const nextTryBlock = (given: {
  readonly failure: SubmitFailure | StoreFailure;
  readonly block: BlockNumber;
  readonly repeats: number;
  readonly endsAtBlock: BlockNumber;
}): BlockNumber | null => {
  const { failure, block, repeats, endsAtBlock } = given;
  const retry: Retry = 'retry' in failure ? failure.retry : { when: 'nextBlock' };
  if (retry.when === 'never') return null;
  // Nothing is sent, only looked for: each final block may be the one that holds it.
  if (failure._tag === 'Unconfirmed') return block + 1;
  const paused = block + Math.min(longestPauseBlocks, 2 ** Math.min(repeats, 8));
  const lastTry = endsAtBlock - lastTryBlocks;
  const next = block < lastTry ? Math.min(paused, lastTry) : paused;
  return retry.when === 'atBlock' ? Math.max(retry.block, next) : next;
};

/** Blocks between two sendings of the same bytes: a pool that holds them answers that it knows them. */
const resendEveryBlocks = 4;

export const resendBlock = (sentAtBlock: BlockNumber): BlockNumber => sentAtBlock + resendEveryBlocks;
