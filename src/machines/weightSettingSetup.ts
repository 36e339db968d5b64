import { assign, enqueueActions, sendTo, setup } from 'xstate';

import type { StoreFailure, SubmitFailure } from '../domain/failures.ts';
import type { BlockNumber } from '../domain/ids.ts';
import type { CommittedWeights } from '../domain/reveals.ts';
import { root } from './root.ts';
import { unprovidedTask } from './unprovided.ts';
import { type Accounts, isUnaccounted, missedThrough } from './weightAccounts.ts';
import {
  type CheckWeights,
  type FindInclusion,
  kindOf,
  nextTryBlock,
  nothingDue,
  type PreparedWeights,
  type PrepareWeights,
  resendBlock,
  type SealedWeights,
  type SubmitWeights,
  type WeightSettingEvent,
  type WeightsDue,
} from './weightSubmission.ts';

export type WeightSettingContext = Accounts & {
  readonly due: WeightsDue | null;
  readonly prepared: PreparedWeights | null;
  /** What the prepared bytes have locked in, where they are a commit. */
  readonly sealed: SealedWeights | null;
  /** The commit that stands for the epoch confirmed last, where it has one. */
  readonly committed: CommittedWeights | null;
  /** Last finalized block of this connection; 0 before its first one. Never a maximum: an endpoint may have lied. */
  readonly block: BlockNumber;
  /** First block not yet searched for the extrinsic, and the last one of the search under way. */
  readonly searchFromBlock: BlockNumber;
  readonly searchToBlock: BlockNumber;
  readonly retryAtBlock: BlockNumber | null;
  /** The same bytes are sent again at this block, should they not be found by then. */
  readonly resendAtBlock: BlockNumber;
  readonly attempts: number;
  /** How often the last failure came in a row before. */
  readonly repeats: number;
  readonly confirmedAtBlock: BlockNumber | null;
  readonly lastFailure: SubmitFailure | StoreFailure | null;
};

/** Weights that are not on their way any more. */
export const nothingPrepared = { prepared: null, sealed: null } as const;

/** What a failed attempt leaves: the reason, and the block of the next one. */
export const failed = (context: WeightSettingContext, failure: SubmitFailure | StoreFailure) => {
  const { lastFailure, block, due } = context;
  const isSame = lastFailure !== null && kindOf(lastFailure) === kindOf(failure);
  const repeats = isSame ? context.repeats + 1 : 0;
  const { endsAtBlock } = due ?? nothingDue;
  return {
    lastFailure: failure,
    attempts: context.attempts + 1,
    repeats,
    retryAtBlock: nextTryBlock({ failure, block, repeats, endsAtBlock }),
  };
};

/** What the accounts say once the weights in hand, or a commit of them, are found in a block. */
export const stood = (
  context: WeightSettingContext,
  block: BlockNumber | null,
  committed: CommittedWeights | null,
) => ({
  ...nothingPrepared,
  confirmedEpoch: context.due?.epoch ?? context.confirmedEpoch,
  confirmedAtBlock: block,
  committed,
  behind: 0,
  due: null,
  lastFailure: null,
  repeats: 0,
});

/** The commit of the weights in hand, found in a block; null where they are plain. */
export const commitAt = (
  { due, sealed }: WeightSettingContext,
  block: BlockNumber,
): CommittedWeights | null =>
  due === null || sealed === null ? null : { epoch: due.epoch, committedAtBlock: block, ...sealed };

/** Blocks of one search; after a long absence the rest follows with the next heads. */
export const maxSearchBlocks = 256;

const eraPassed = 'the mortal era of the extrinsic passed without inclusion';

/** What is said when the bytes died, with what was last heard of them: the cause, where there was one. */
export const expired = ({ lastFailure }: Pick<WeightSettingContext, 'lastFailure'>): SubmitFailure => ({
  _tag: 'NotIncluded',
  message:
    lastFailure === null || lastFailure._tag === 'NotIncluded'
      ? eraPassed
      : `${eraPassed}; last failure: ${lastFailure.message}`,
  retry: { when: 'nextBlock' },
});

export const overtaken: SubmitFailure = {
  _tag: 'NotIncluded',
  message:
    'another program with this hotkey was faster and used the nonce; the weights are signed anew unless they stand',
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
    isFirstEpoch: ({ context, event }) =>
      event.type === 'epoch.began' &&
      (context.sinceEpoch === null || (event.isFirstOfUid && event.epoch > context.sinceEpoch)),
    isNewlyOverdue: ({ context, event }) =>
      event.type === 'epoch.overdue' &&
      isUnaccounted(context, event.epoch) &&
      (context.overdueEpoch === null || event.epoch > context.overdueEpoch),
    hasEnded: ({ context, event }) =>
      event.type === 'epoch.ended' && context.due !== null && event.epoch >= context.due.epoch,
    isDead: ({ context }) => context.block >= (context.prepared?.expiresAtBlock ?? 0),
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
            ...nothingPrepared,
            attempts: 0,
            repeats: 0,
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
      failure: context.lastFailure ?? expired(context),
    })),
    reportStanding: enqueueActions(({ enqueue, context }) => {
      const epoch = context.confirmedEpoch ?? 0;
      const block = context.confirmedAtBlock ?? 0;
      const { committed } = context;
      if (committed === null) return enqueue.sendTo(root, { type: 'weights.confirmed', epoch, block });
      const { commitHash, revealRound, revealsFromBlock } = committed.plan;
      enqueue.sendTo(root, {
        type: 'weights.committed',
        epoch,
        block,
        commitHash,
        revealRound,
        revealsFromBlock,
      });
      enqueue.sendTo(root, { type: 'commit.stood', ...committed });
    }),
    reportForeign: enqueueActions(({ enqueue, context }, standing: { readonly isForeign: boolean }) => {
      if (!standing.isForeign) return;
      const { confirmedEpoch, confirmedAtBlock } = context;
      const fields = { epoch: confirmedEpoch ?? 0, block: confirmedAtBlock ?? 0 };
      enqueue.sendTo(root, { type: 'weights.foreign', ...fields });
    }),
    recordSent: assign(({ context }) => ({ resendAtBlock: resendBlock(context.block) })),
    recordMissed: assign(({ context, event }) => ({
      ...missedThrough(
        context,
        Math.max(context.due?.epoch ?? 0, event.type === 'epoch.ended' ? event.epoch : 0),
      ),
      ...nothingPrepared,
      due: null,
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
