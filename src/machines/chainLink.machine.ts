import {
  assign,
  type CallbackActorLogic,
  cancel,
  type EventObject,
  enqueueActions,
  type PromiseActorLogic,
  raise,
  sendTo,
  setup,
} from 'xstate';

import { maskEndpoint } from '../domain/endpoint.ts';
import type { ChainFailure } from '../domain/failures.ts';
import type { BlockNumber } from '../domain/ids.ts';
import type { Head, SubnetSnapshot } from '../domain/metagraph.ts';
import type { Outcome } from '../domain/outcome.ts';
import { backoffMs, delays } from './delays.ts';
import { type Departure, type EndpointFact, endpointWatchMachine } from './endpointWatch.machine.ts';
import { root } from './root.ts';
import { unprovidedLink, unprovidedTask } from './unprovided.ts';

export type ChainSession = CallbackActorLogic<EventObject, { readonly endpoint: string }>;
export type ReadSubnet = PromiseActorLogic<Outcome<SubnetSnapshot, ChainFailure>, { readonly head: Head }>;

export type ChainLinkInput = {
  /** Ordered endpoint list, at least one; the next one is tried after each loss, the first is preferred. */
  readonly endpoints: readonly string[];
  readonly headPatienceMs: number;
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

type Context = {
  readonly endpoints: readonly string[];
  readonly headPatienceMs: number;
  readonly endpointCheckMs: number;
  readonly readEveryBlocks: number;
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
  /** What was last reported of reads that fail; null while they succeed. */
  readonly unreadable: { readonly tag: ChainFailure['_tag']; readonly block: BlockNumber } | null;
};

/** A metagraph that stays unreadable for the same reason is reported every so many blocks: ten minutes on finney. */
const unreadableEveryBlocks = 50;

const silence: ChainFailure = {
  _tag: 'Unreachable',
  message: 'no finalized block for longer than the head patience',
  retry: { when: 'reconnected' },
};

/** Endpoints by the index a departure names, fit to be shown. */
const shown = (context: Context, index: number): string => maskEndpoint(context.endpoints[index] ?? '');

/** Why another endpoint is opened. */
const departureFact = (context: Context, left: Departure): ChainFact => {
  const names = { endpoint: shown(context, context.endpoint), other: shown(context, left.endpoint) };
  return left.reason === 'preferred'
    ? { type: 'chain.preferred', ...names }
    : { type: 'chain.lagging', ...names, block: left.block, otherBlock: left.otherBlock };
};

export const chainLinkMachine = setup({
  types: {
    context: {} as Context,
    events: {} as ChainLinkEvent,
    input: {} as ChainLinkInput,
  },
  actors: {
    chainSession: unprovidedLink('chainSession') as ChainSession,
    readSubnet: unprovidedTask('readSubnet') as ReadSubnet,
    endpointWatch: endpointWatchMachine,
  },
  guards: {
    isNewlyUnreadable: ({ context }, params: { readonly tag: ChainFailure['_tag'] | null }) => {
      const { head, unreadable } = context;
      if (params.tag === null) return false;
      if (unreadable === null || unreadable.tag !== params.tag) return true;
      return Math.abs((head?.block ?? 0) - unreadable.block) >= unreadableEveryBlocks;
    },
    isReadDue: ({ context }) => context.head !== null && context.head.block >= context.readAtBlock,
  },
  delays: {
    connectPatience: delays.connectPatienceMs,
    headPatience: ({ context }) => context.headPatienceMs,
    stalePatience: delays.stalePatienceMs,
    switchPause: delays.switchPauseMs,
    reconnectDelay: ({ context }) =>
      backoffMs({
        attempt: context.attempt - 1,
        baseMs: delays.reconnectBaseMs,
        maxMs: delays.reconnectMaxMs,
        jitter: context.jitter,
      }),
  },
  actions: {
    recordHead: assign(({ event }) =>
      event.type === 'head.finalized' ? { head: event.head, lastFailure: null } : {},
    ),
    tellWatch: sendTo('endpointWatch', ({ event }) => event),
    // A lagging endpoint shows an older runtime: that is no downgrade of the chain.
    recordVersion: enqueueActions(({ enqueue, context }, params: { readonly specVersion: number }) => {
      const { specVersion: from, head } = context;
      const { specVersion: to } = params;
      if (from !== null && to <= from) return;
      enqueue.assign({ specVersion: to });
      if (from !== null) enqueue.sendTo(root, { type: 'chain.upgraded', from, to, block: head?.block ?? 0 });
    }),
    depart: enqueueActions(({ enqueue, context }, left: Departure) => {
      enqueue.sendTo(root, departureFact(context, left));
      enqueue.assign({ endpoint: left.endpoint });
    }),
    reportHead: sendTo(root, ({ event }) =>
      event.type === 'head.finalized' ? { type: 'chain.block', head: event.head } : event,
    ),
    awaitSteady: raise({ type: 'chain.steady' }, { id: 'steady', delay: delays.steadyUptimeMs }),
    forgetSteady: cancel('steady'),
    recordUnread: assign(({ context }, params: { readonly failure: ChainFailure | null }) => ({
      lastFailure: params.failure,
      readAtBlock: (context.head?.block ?? 0) + 1,
    })),
    reportUnreadable: sendTo(root, ({ context }) => ({
      type: 'chain.unreadable',
      failure: context.lastFailure ?? silence,
      block: context.head?.block ?? 0,
    })),
    recordSilence: assign({ lastFailure: silence }),
    reportLoss: sendTo(root, ({ context }) => ({
      type: 'chain.lost',
      failure: context.lastFailure ?? silence,
    })),
  },
}).createMachine({
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
                assign({ genesisHash: ({ event }) => event.genesisHash, readAtBlock: 0 }),
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
