import { assign, sendTo } from 'xstate';

import { chainLinkSetup } from './chainLinkSetup.ts';
import { root } from './root.ts';

export const chainLinkMachine = chainLinkSetup.createMachine({
  id: 'chainLink',
  context: ({ input }) => ({
    ...input,
    endpoint: 0,
    attempt: 0,
    jitter: 0,
    genesisHash: null,
    specVersion: null,
    head: null,
    readAtBlock: 0,
    lastFailure: null,
    failedReads: 0,
    desertions: 0,
    unreadable: null,
  }),
  initial: 'linked',
  states: {
    linked: {
      description: 'One endpoint is in use: being opened, followed, or silent but not yet given up.',
      invoke: [
        {
          id: 'session',
          src: 'chainSession',
          input: ({ context }) => ({ endpoint: context.endpoints[context.endpoint] ?? '' }),
        },
        {
          id: 'endpointWatch',
          src: 'endpointWatch',
          input: ({ context }) => ({
            endpoints: context.endpoints,
            endpoint: context.endpoint,
            endpointCheckMs: context.endpointCheckMs,
          }),
          onDone: {
            target: 'switching',
            actions: { type: 'depart', params: ({ event }) => event.output },
          },
        },
      ],
      initial: 'connecting',
      on: {
        'chain.closed': {
          target: 'reconnecting',
          actions: assign(({ event }) => ({ lastFailure: event.failure, jitter: event.jitter })),
        },
        'chain.steady': {
          description: 'Only now is the next loss the first one again.',
          actions: assign({ attempt: 0 }),
        },
        'subnet.read': {
          description: 'Somebody needs a fresh metagraph: read it at the next head.',
          actions: assign({ readAtBlock: 0 }),
        },
      },
      states: {
        connecting: {
          description: 'The socket is being opened and the metadata read.',
          after: { connectPatience: { target: '#chainLink.reconnecting', actions: 'recordSilence' } },
          on: {
            'chain.opened': {
              target: 'synced',
              actions: [
                'awaitSteady',
                {
                  type: 'recordVersion',
                  params: ({ event }) => ({ specVersion: event.specVersion }),
                },
                assign({ genesisHash: ({ event }) => event.genesisHash, readAtBlock: 0, failedReads: 0 }),
                sendTo(root, ({ event }) => ({ type: 'chain.opened', genesisHash: event.genesisHash })),
              ],
            },
          },
        },
        synced: {
          description: 'Finalized heads arrive. Each head restarts the watchdog.',
          after: { headPatience: { target: 'stale', actions: 'recordSilence' } },
          initial: 'following',
          states: {
            following: {
              description: 'Waits for the next head at which a metagraph is due.',
              always: { guard: 'isReadDue', target: 'reading' },
              on: {
                'head.finalized': {
                  target: '#chainLink.linked.synced',
                  actions: ['recordHead', 'reportHead', 'tellWatch'],
                },
              },
            },
            reading: {
              description: 'The metagraph is read at one block hash; heads go on arriving meanwhile.',
              invoke: {
                id: 'readSubnet',
                src: 'readSubnet',
                input: ({ context }) => ({ head: context.head ?? { block: 0, blockHash: '' } }),
                onDone: [
                  {
                    guard: ({ event }) => event.output.ok,
                    target: 'following',
                    actions: [
                      assign(({ context, event }) =>
                        event.output.ok
                          ? {
                              readAtBlock: Math.min(
                                event.output.value.block + context.readEveryBlocks,
                                Math.max(event.output.value.nextEpochBlock, event.output.value.block + 1),
                              ),
                              lastFailure: null,
                              failedReads: 0,
                              desertions: 0,
                              unreadable: null,
                            }
                          : {},
                      ),
                      {
                        type: 'recordVersion',
                        params: ({ event }) => ({
                          specVersion: event.output.ok ? event.output.value.specVersion : 0,
                        }),
                      },
                      sendTo(root, ({ event }) =>
                        event.output.ok
                          ? { type: 'chain.subnet', subnet: event.output.value }
                          : { type: 'chain.lost', failure: event.output.error },
                      ),
                    ],
                  },
                  {
                    guard: 'isUseless',
                    description: 'It delivers heads and nothing else: another endpoint may do better.',
                    target: '#chainLink.reconnecting',
                    actions: {
                      type: 'desert',
                      params: ({ event }) => ({ failure: event.output.ok ? null : event.output.error }),
                    },
                  },
                  {
                    guard: {
                      type: 'isNewlyUnreadable',
                      params: ({ event }) => ({ tag: event.output.ok ? null : event.output.error._tag }),
                    },
                    description: 'Weights depend on the metagraph: once for each reason, and now and then.',
                    target: 'following',
                    actions: [
                      {
                        type: 'recordUnread',
                        params: ({ event }) => ({ failure: event.output.ok ? null : event.output.error }),
                      },
                      assign(({ context, event }) => ({
                        unreadable: event.output.ok
                          ? null
                          : { tag: event.output.error._tag, block: context.head?.block ?? 0 },
                      })),
                      'reportUnreadable',
                    ],
                  },
                  {
                    description:
                      'Tried again at the next head; a dead link ends by `chain.closed` or the watchdog.',
                    target: 'following',
                    actions: {
                      type: 'recordUnread',
                      params: ({ event }) => ({ failure: event.output.ok ? null : event.output.error }),
                    },
                  },
                ],
              },
              on: {
                'head.finalized': {
                  description: 'Only recorded: the watchdog is the deadline of the read as well.',
                  actions: ['recordHead', 'reportHead', 'tellWatch'],
                },
              },
            },
          },
        },
        stale: {
          description: 'The endpoint is open but silent. Weights due now wait; nothing is dropped.',
          entry: ['forgetSteady', 'reportLoss'],
          after: { stalePatience: '#chainLink.reconnecting' },
          on: {
            'head.finalized': {
              target: 'synced',
              actions: ['awaitSteady', 'recordHead', 'reportHead', 'tellWatch'],
            },
          },
        },
      },
    },
    switching: {
      description: 'Another endpoint is better: this one is behind it, or was only the stand-in for it.',
      entry: 'forgetSteady',
      after: { switchPause: 'linked' },
    },
    reconnecting: {
      description: 'The next endpoint of the list is opened after a growing, jittered pause.',
      entry: [
        'forgetSteady',
        'reportLoss',
        assign(({ context }) => ({
          endpoint: (context.endpoint + 1) % Math.max(1, context.endpoints.length),
          attempt: context.attempt + 1,
        })),
      ],
      after: { reconnectDelay: 'linked' },
    },
  },
  options: { maxIterations: 100 },
});
