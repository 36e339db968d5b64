import { assign, sendTo, setup } from 'xstate';

import type { StoreFailure, SubmitFailure } from '../domain/failures.ts';
import type { BlockNumber } from '../domain/ids.ts';
import { root } from './root.ts';
import { unprovidedTask } from './unprovided.ts';
import { type Accounts, isUnaccounted, missedThrough } from './weightAccounts.ts';
import {
  type CheckWeights,
  type FindInclusion,
  type PreparedWeights,
  type PrepareWeights,
  resendBlock,
  retryBlock,
  retryOf,
  type SubmitWeights,
  type WeightSettingEvent,
  type WeightsDue,
} from './weightSubmission.ts';

export type WeightSettingContext = Accounts & {
  readonly due: WeightsDue | null;
  readonly prepared: PreparedWeights | null;
  /** Last finalized block of this connection; 0 before its first one. Never a maximum: an endpoint may have lied. */
  readonly block: BlockNumber;
  /** First block not yet searched for the extrinsic, and the last one of the search under way. */
  readonly searchFromBlock: BlockNumber;
  readonly searchToBlock: BlockNumber;
  readonly retryAtBlock: BlockNumber | null;
  /** The same bytes are sent again at this block, should they not be found by then. */
  readonly resendAtBlock: BlockNumber;
  readonly attempts: number;
  readonly confirmedAtBlock: BlockNumber | null;
  readonly lastFailure: SubmitFailure | StoreFailure | null;
};

/** What a failed attempt leaves: the reason, and the block of the next one. */
export const failed = (context: WeightSettingContext, failure: SubmitFailure | StoreFailure) => ({
  lastFailure: failure,
  attempts: context.attempts + 1,
  retryAtBlock: retryBlock(retryOf(failure), context.block),
});

/** Blocks of one search; after a long absence the rest follows with the next heads. */
export const maxSearchBlocks = 256;

export const expired: SubmitFailure = {
  _tag: 'NotIncluded',
  message: 'the mortal era of the extrinsic passed without inclusion',
  retry: { when: 'nextBlock' },
};

/** Vocabulary of the weight-setting machine: its context, guards and actions. Its chart is in `weightSetting.machine.ts`. */
export const weightSettingSetup = setup({
  types: { context: {} as WeightSettingContext, events: {} as WeightSettingEvent },
  actors: {
    checkWeights: unprovidedTask('checkWeights') as CheckWeights,
    prepareWeights: unprovidedTask('prepareWeights') as PrepareWeights,
    submitWeights: unprovidedTask('submitWeights') as SubmitWeights,
    findInclusion: unprovidedTask('findInclusion') as FindInclusion,
  },
  guards: {
    isUnaccounted: ({ context, event }) => 'epoch' in event && isUnaccounted(context, event.epoch),
    isFirstEpoch: ({ context }) => context.sinceEpoch === null,
    isNewlyOverdue: ({ context, event }) =>
      event.type === 'epoch.overdue' &&
      isUnaccounted(context, event.epoch) &&
      (context.overdueEpoch === null || event.epoch > context.overdueEpoch),
    hasEnded: ({ context, event }) =>
      event.type === 'epoch.ended' && context.due !== null && event.epoch >= context.due.epoch,
    isExpired: ({ context }) =>
      context.prepared !== null && context.searchFromBlock > context.prepared.expiresAtBlock,
    isTooLate: ({ context }) => context.block >= (context.due?.endsAtBlock ?? 0),
    isGivenUp: ({ context }) => context.retryAtBlock === null,
    canRetry: ({ context, event }) =>
      event.type === 'block.finalized' &&
      context.retryAtBlock !== null &&
      event.block >= context.retryAtBlock &&
      event.block < (context.due?.endsAtBlock ?? 0),
    hasUnsearchedBlocks: ({ context }) => context.block >= context.searchFromBlock,
    isResendDue: ({ context }) =>
      context.block >= context.resendAtBlock && context.block + 1 < (context.prepared?.expiresAtBlock ?? 0),
  },
  actions: {
    recordBlock: assign(({ event }) => (event.type === 'block.finalized' ? { block: event.block } : {})),
    forgetBlock: assign({ block: 0 }),
    recordDue: assign(({ event }) =>
      event.type === 'weights.due'
        ? {
            due: {
              epoch: event.epoch,
              vector: event.vector,
              lastEpochBlock: event.lastEpochBlock,
              endsAtBlock: event.endsAtBlock,
            },
            prepared: null,
            attempts: 0,
            retryAtBlock: null,
            lastFailure: null,
          }
        : {},
    ),
    searchAnew: assign(({ context }) => ({ searchFromBlock: context.prepared?.bornAtBlock ?? 0 })),
    recordSearched: assign(({ context }) => ({ searchFromBlock: context.searchToBlock + 1 })),
    reportRefused: sendTo(root, ({ context }) => ({
      type: 'weights.refused',
      epoch: context.due?.epoch ?? 0,
      failure: context.lastFailure ?? expired,
    })),
    reportConfirmed: sendTo(root, ({ context }) => ({
      type: 'weights.confirmed',
      epoch: context.confirmedEpoch ?? 0,
      block: context.confirmedAtBlock ?? 0,
    })),
    recordSent: assign(({ context }) => ({ resendAtBlock: resendBlock(context.block) })),
    recordMissed: assign(({ context, event }) => ({
      ...missedThrough(
        context,
        Math.max(context.due?.epoch ?? 0, event.type === 'epoch.ended' ? event.epoch : 0),
      ),
      due: null,
      prepared: null,
    })),
    reportOverdue: sendTo(root, ({ context }) => ({
      type: 'weights.overdue',
      epoch: context.overdueEpoch ?? 0,
      behind: missedThrough(context, context.overdueEpoch ?? 0).behind,
    })),
    reportMissed: sendTo(root, ({ context }) => ({
      type: 'weights.missed',
      epoch: context.missedEpoch ?? 0,
      behind: context.behind,
    })),
  },
});
