import { and, assign } from 'xstate';

import { noAccounts } from './weightAccounts.ts';
import {
  commitAt,
  expired,
  failed,
  maxSearchBlocks,
  nothingPrepared,
  overtaken,
  stood,
  weightSettingSetup,
} from './weightSettingSetup.ts';
import { noExtrinsic, nothingDue } from './weightSubmission.ts';

export const weightSettingMachine = weightSettingSetup.createMachine({
  id: 'weightSetting',
  context: {
    ...noAccounts,
    due: null,
    ...nothingPrepared,
    committed: null,
    block: 0,
    searchFromBlock: 0,
    searchToBlock: 0,
    retryAtBlock: null,
    resendAtBlock: 0,
    attempts: 0,
    repeats: 0,
    confirmedAtBlock: null,
    lastFailure: null,
  },
  initial: 'waiting',
  on: {
    'block.finalized': { actions: 'recordBlock' },
    'chain.opened': { actions: 'forgetBlock' },
    'epoch.began': {
      guard: 'isFirstEpoch',
      description: 'Nothing is owed for the epochs before.',
      actions: assign({ sinceEpoch: ({ event }) => event.epoch }),
    },
    'epoch.overdue': {
      guard: 'isNewlyOverdue',
      description: 'Whether its weights stand, only the chain can say; the operator hears of it now.',
      actions: [assign({ overdueEpoch: ({ event }) => event.epoch }), 'reportOverdue'],
    },
  },
  states: {
    waiting: {
      description: 'Nothing is due. The epoch machine says when there is.',
      on: {
        'weights.due': { guard: 'isUnaccounted', target: 'setting', actions: 'recordDue' },
        'epoch.ended': {
          guard: 'isUnaccounted',
          description: 'Epochs went by without a vector: nobody was scored, or this process was down.',
          actions: ['recordMissed', 'reportMissed'],
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
                  assign(({ context, event }) =>
                    event.output.ok
                      ? stood(context, event.output.value.setAtBlock, event.output.value.committed)
                      : {},
                  ),
                  'reportStanding',
                  {
                    type: 'reportForeign',
                    params: ({ event }) => ({ isForeign: event.output.ok && event.output.value.isForeign }),
                  },
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
                    ? { ...event.output.value, searchFromBlock: event.output.value.prepared.bornAtBlock }
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
              { guard: ({ event }) => event.output.ok, target: 'confirming', actions: 'recordSent' },
              {
                guard: ({ event }) =>
                  !event.output.ok &&
                  event.output.error._tag !== 'Refused' &&
                  event.output.error._tag !== 'Unsupported',
                description:
                  'Nobody knows whether it arrived: look for it, and send it again if it is not there.',
                target: 'confirming',
                actions: assign(({ context, event }) =>
                  event.output.ok
                    ? {}
                    : { lastFailure: event.output.error, resendAtBlock: context.block + 1 },
                ),
              },
              {
                target: 'backingOff',
                actions: assign(({ context, event }) =>
                  event.output.ok ? {} : { ...failed(context, event.output.error), ...nothingPrepared },
                ),
              },
            ],
          },
        },
        confirming: {
          description: 'Finalized blocks are searched for the extrinsic, never a subscription awaited.',
          initial: 'awaitingBlock',
          on: {
            'chain.opened': {
              description: 'The pool of another node, or of the same one restarted, does not have it.',
              target: '.resending',
              actions: ['forgetBlock', 'searchAnew'],
            },
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
                  actions: assign(({ context }) => ({
                    ...failed(context, expired(context)),
                    ...nothingPrepared,
                  })),
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
                      assign(({ context, event }) => {
                        if (!event.output.ok || !event.output.value.found) return {};
                        const { block } = event.output.value;
                        return stood(context, block, commitAt(context, block));
                      }),
                      'reportStanding',
                    ],
                  },
                  {
                    guard: ({ event }) => event.output.ok && event.output.value.found,
                    target: '#weightSetting.setting.backingOff',
                    actions: assign(({ context, event }) =>
                      event.output.ok && event.output.value.found && !event.output.value.outcome.ok
                        ? { ...failed(context, event.output.value.outcome.error), ...nothingPrepared }
                        : {},
                    ),
                  },
                  {
                    guard: ({ event }) =>
                      event.output.ok && !event.output.value.found && event.output.value.isNonceUsed,
                    description:
                      'Another program with this hotkey was faster: these bytes can never be included.',
                    target: '#weightSetting.setting.backingOff',
                    actions: assign(({ context }) => ({ ...failed(context, overtaken), ...nothingPrepared })),
                  },
                  {
                    guard: ({ event }) => event.output.ok,
                    target: 'pausing',
                    actions: 'recordSearched',
                  },
                  {
                    guard: and([
                      'isDead',
                      ({ event }) => !event.output.ok && event.output.error._tag === 'UnknownBlock',
                    ]),
                    description:
                      'Its state is gone after a long absence: LastUpdate says whether weights stand.',
                    target: '#weightSetting.setting.checking',
                    actions: assign(nothingPrepared),
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
            resending: {
              description: 'The same bytes again: a pool drops what it holds when its node restarts.',
              invoke: {
                id: 'resendWeights',
                src: 'submitWeights',
                input: ({ context }) => ({ prepared: context.prepared ?? noExtrinsic }),
                onDone: [
                  {
                    guard: ({ event }) => !event.output.ok && event.output.error._tag === 'Refused',
                    description:
                      'They are of no use any more, but may stand already: the chain is asked first.',
                    target: '#weightSetting.setting.checking',
                    actions: assign(({ event }) =>
                      event.output.ok ? {} : { lastFailure: event.output.error, ...nothingPrepared },
                    ),
                  },
                  {
                    guard: ({ event }) => !event.output.ok && event.output.error._tag === 'Unreachable',
                    target: 'pausing',
                    actions: assign(({ context }) => ({ resendAtBlock: context.block + 1 })),
                  },
                  { target: 'pausing', actions: 'recordSent' },
                ],
              },
            },
            pausing: {
              description: 'Not there yet: the next finalized block is awaited.',
              always: { guard: 'isResendDue', target: 'resending' },
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
            'chain.opened': {
              description:
                'Another endpoint may answer otherwise, and counts blocks from what it has itself.',
              target: 'checking',
              actions: 'forgetBlock',
            },
            'block.finalized': [
              { guard: 'canRetry', target: 'checking', actions: 'recordBlock' },
              { actions: 'recordBlock' },
            ],
          },
        },
        givenUp: {
          description:
            'No retry can help within this epoch; an operator has to act. The next epoch starts anew.',
          on: {
            'chain.opened': {
              description: 'What one endpoint lacks, another one may have.',
              target: 'checking',
              actions: 'forgetBlock',
            },
          },
        },
      },
    },
  },
  options: { maxIterations: 100 },
});
