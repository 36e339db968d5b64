import { assign, sendTo, setup } from 'xstate';

import type { StoreFailure, SubmitFailure } from '../domain/failures.ts';
import type { BlockNumber, EpochIndex } from '../domain/ids.ts';
import { root } from './root.ts';
import { unprovidedTask } from './unprovided.ts';
import {
  type CheckWeights,
  type FindInclusion,
  noExtrinsic,
  nothingDue,
  type PreparedWeights,
  type PrepareWeights,
  retryBlock,
  retryOf,
  type SubmitWeights,
  type WeightsDue,
} from './weightSubmission.ts';

export type WeightSettingEvent =
  | ({ readonly type: 'weights.due' } & WeightsDue)
  | { readonly type: 'block.finalized'; readonly block: BlockNumber }
  | { readonly type: 'epoch.ended'; readonly epoch: EpochIndex };

export type WeightSettingFact =
  | { readonly type: 'weights.confirmed'; readonly epoch: EpochIndex; readonly block: BlockNumber }
  | {
      readonly type: 'weights.refused';
      readonly epoch: EpochIndex;
      readonly failure: SubmitFailure | StoreFailure;
    }
  | { readonly type: 'weights.missed'; readonly epoch: EpochIndex; readonly behind: number };

type Context = {
  readonly due: WeightsDue | null;
  readonly prepared: PreparedWeights | null;
  readonly block: BlockNumber;
  /** First block not yet searched for the extrinsic, and the last one of the search under way. */
  readonly searchFromBlock: BlockNumber;
  readonly searchToBlock: BlockNumber;
  readonly retryAtBlock: BlockNumber | null;
  readonly attempts: number;
  readonly confirmedEpoch: EpochIndex | null;
  readonly confirmedAtBlock: BlockNumber | null;
  readonly missedEpoch: EpochIndex | null;
  /** Epochs in a row without confirmed weights: the alarm that operators page on. */
  readonly behind: number;
  readonly lastFailure: SubmitFailure | StoreFailure | null;
};

const failed = (context: Context, failure: SubmitFailure | StoreFailure) => ({
  lastFailure: failure,
  attempts: context.attempts + 1,
  retryAtBlock: retryBlock(retryOf(failure), context.block),
});

/** Blocks of one search; after a long absence the rest follows with the next heads. */
const maxSearchBlocks = 256;

const expired: SubmitFailure = {
  _tag: 'NotIncluded',
  message: 'the mortal era of the extrinsic passed without inclusion',
  retry: { when: 'nextBlock' },
};

export const weightSettingMachine = setup({
  types: { context: {} as Context, events: {} as WeightSettingEvent },
  actors: {
    checkWeights: unprovidedTask('checkWeights') as CheckWeights,
    prepareWeights: unprovidedTask('prepareWeights') as PrepareWeights,
    submitWeights: unprovidedTask('submitWeights') as SubmitWeights,
    findInclusion: unprovidedTask('findInclusion') as FindInclusion,
  },
  guards: {
    isNewEpoch: ({ context, event }) =>
      event.type === 'weights.due' &&
      (context.confirmedEpoch === null || event.epoch > context.confirmedEpoch) &&
      (context.missedEpoch === null || event.epoch > context.missedEpoch),
    isUnaccounted: ({ context, event }) =>
      event.type === 'epoch.ended' &&
      (context.confirmedEpoch === null || event.epoch > context.confirmedEpoch) &&
      (context.missedEpoch === null || event.epoch > context.missedEpoch),
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
  },
  actions: {
    recordBlock: assign(({ context, event }) =>
      event.type === 'block.finalized' ? { block: Math.max(context.block, event.block) } : {},
    ),
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
    recordMissed: assign(({ context }) => ({
      behind: context.behind + 1,
      missedEpoch: context.due?.epoch ?? context.missedEpoch,
      due: null,
      prepared: null,
    })),
    reportMissed: sendTo(root, ({ context }) => ({
      type: 'weights.missed',
      epoch: context.missedEpoch ?? 0,
      behind: context.behind,
    })),
  },
}).createMachine({
  id: 'weightSetting',
  context: {
    due: null,
    prepared: null,
    block: 0,
    searchFromBlock: 0,
    searchToBlock: 0,
    retryAtBlock: null,
    attempts: 0,
    confirmedEpoch: null,
    confirmedAtBlock: null,
    missedEpoch: null,
    behind: 0,
    lastFailure: null,
  },
  initial: 'waiting',
  on: {
    'block.finalized': { actions: 'recordBlock' },
  },
  states: {
    waiting: {
      description: 'Nothing is due. The epoch machine says when there is.',
      on: {
        'weights.due': { guard: 'isNewEpoch', target: 'setting', actions: 'recordDue' },
        'epoch.ended': {
          guard: 'isUnaccounted',
          description: 'An epoch went by without a vector: nobody was scored in it.',
          actions: [
            assign(({ context, event }) => ({ behind: context.behind + 1, missedEpoch: event.epoch })),
            'reportMissed',
          ],
        },
      },
    },
    setting: {
      description: 'Weights of one epoch are on their way. The end of that epoch ends the attempt.',
      initial: 'checking',
      on: {
        'weights.due': {
          guard: ({ context, event }) => event.epoch > (context.due?.epoch ?? -1),
          target: '#weightSetting.setting.checking',
          reenter: true,
          actions: ['recordMissed', 'reportMissed', 'recordDue'],
          description: 'Only a later epoch interrupts, which makes this one missed; the same one is in hand.',
        },
        'epoch.ended': {
          guard: 'hasEnded',
          target: 'waiting',
          actions: ['recordMissed', 'reportMissed'],
        },
      },
      states: {
        checking: {
          description: 'The chain is asked first: a predecessor may have set these weights before it died.',
          invoke: {
            id: 'checkWeights',
            src: 'checkWeights',
            input: ({ context }) => context.due ?? nothingDue,
            onDone: [
              {
                guard: ({ event }) => event.output.ok && event.output.value.setAtBlock !== null,
                target: '#weightSetting.waiting',
                actions: [
                  assign(({ context, event }) => ({
                    confirmedEpoch: context.due?.epoch ?? context.confirmedEpoch,
                    confirmedAtBlock: event.output.ok ? event.output.value.setAtBlock : null,
                    behind: 0,
                    due: null,
                    lastFailure: null,
                  })),
                  'reportConfirmed',
                ],
              },
              {
                guard: ({ context, event }) =>
                  event.output.ok && context.block >= (context.due?.endsAtBlock ?? 0),
                description:
                  'A restart or an outage outlasted the epoch: its weights would count for the next.',
                target: '#weightSetting.waiting',
                actions: ['recordMissed', 'reportMissed'],
              },
              { guard: ({ event }) => event.output.ok, target: 'preparing' },
              {
                target: 'backingOff',
                actions: assign(({ context, event }) =>
                  event.output.ok ? {} : failed(context, event.output.error),
                ),
              },
            ],
          },
        },
        preparing: {
          description:
            'The extrinsic is signed and made durable, or the one of a predecessor is taken up again.',
          invoke: {
            id: 'prepareWeights',
            src: 'prepareWeights',
            input: ({ context }) => context.due ?? nothingDue,
            onDone: [
              {
                guard: ({ event }) => event.output.ok,
                target: 'submitting',
                actions: assign(({ event }) =>
                  event.output.ok
                    ? { prepared: event.output.value, searchFromBlock: event.output.value.bornAtBlock }
                    : {},
                ),
              },
              {
                target: 'backingOff',
                actions: assign(({ context, event }) =>
                  event.output.ok ? {} : failed(context, event.output.error),
                ),
              },
            ],
          },
        },
        submitting: {
          description: 'The bytes are handed to the transaction pool.',
          invoke: {
            id: 'submitWeights',
            src: 'submitWeights',
            input: ({ context }) => ({ prepared: context.prepared ?? noExtrinsic }),
            onDone: [
              { guard: ({ event }) => event.output.ok, target: 'confirming' },
              {
                guard: ({ event }) => !event.output.ok && event.output.error._tag !== 'Refused',
                description: 'Nobody knows whether it arrived: look for it before anything else is sent.',
                target: 'confirming',
                actions: assign(({ event }) => (event.output.ok ? {} : { lastFailure: event.output.error })),
              },
              {
                target: 'backingOff',
                actions: assign(({ context, event }) =>
                  event.output.ok ? {} : { ...failed(context, event.output.error), prepared: null },
                ),
              },
            ],
          },
        },
        confirming: {
          description: 'Finalized blocks are searched for the extrinsic, never a subscription awaited.',
          initial: 'awaitingBlock',
          on: {
            'epoch.ended': {
              description: 'The extrinsic dies with the epoch: the search through its last block decides.',
            },
          },
          states: {
            awaitingBlock: {
              description: 'All finalized blocks so far have been searched.',
              always: [
                {
                  guard: 'isExpired',
                  target: '#weightSetting.setting.backingOff',
                  actions: assign(({ context }) => ({ ...failed(context, expired), prepared: null })),
                },
                { guard: 'hasUnsearchedBlocks', target: 'looking' },
              ],
            },
            looking: {
              description: 'One read of the blocks since the last search.',
              entry: assign(({ context }) => ({
                searchToBlock: Math.min(context.block, context.searchFromBlock + maxSearchBlocks - 1),
              })),
              invoke: {
                id: 'findInclusion',
                src: 'findInclusion',
                input: ({ context }) => ({
                  prepared: context.prepared ?? noExtrinsic,
                  fromBlock: context.searchFromBlock,
                  toBlock: context.searchToBlock,
                }),
                onDone: [
                  {
                    guard: ({ event }) =>
                      event.output.ok && event.output.value.found && event.output.value.outcome.ok,
                    target: '#weightSetting.waiting',
                    actions: [
                      assign(({ context, event }) => ({
                        confirmedEpoch: context.due?.epoch ?? context.confirmedEpoch,
                        confirmedAtBlock:
                          event.output.ok && event.output.value.found ? event.output.value.block : null,
                        behind: 0,
                        due: null,
                        prepared: null,
                        lastFailure: null,
                      })),
                      'reportConfirmed',
                    ],
                  },
                  {
                    guard: ({ event }) => event.output.ok && event.output.value.found,
                    target: '#weightSetting.setting.backingOff',
                    actions: assign(({ context, event }) =>
                      event.output.ok && event.output.value.found && !event.output.value.outcome.ok
                        ? { ...failed(context, event.output.value.outcome.error), prepared: null }
                        : {},
                    ),
                  },
                  {
                    guard: ({ event }) => event.output.ok,
                    target: 'pausing',
                    actions: assign(({ context }) => ({ searchFromBlock: context.searchToBlock + 1 })),
                  },
                  {
                    target: 'pausing',
                    description: 'The same blocks are searched again when the next one arrives.',
                    actions: assign(({ event }) =>
                      event.output.ok ? {} : { lastFailure: event.output.error },
                    ),
                  },
                ],
              },
            },
            pausing: {
              description: 'Not there yet: the next finalized block is awaited.',
              on: {
                'block.finalized': { target: 'awaitingBlock', actions: 'recordBlock' },
              },
            },
          },
        },
        backingOff: {
          description: 'Refused or failed. The chain said at which block another try is worth it.',
          entry: 'reportRefused',
          always: [
            {
              guard: 'isTooLate',
              target: '#weightSetting.waiting',
              actions: ['recordMissed', 'reportMissed'],
            },
            { guard: 'isGivenUp', target: 'givenUp' },
          ],
          on: {
            'block.finalized': [
              { guard: 'canRetry', target: 'checking', actions: 'recordBlock' },
              { actions: 'recordBlock' },
            ],
          },
        },
        givenUp: {
          description:
            'No retry can help within this epoch; an operator has to act. The next epoch starts anew.',
        },
      },
    },
  },
  options: { maxIterations: 100 },
});
