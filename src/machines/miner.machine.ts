import {
  assign,
  type CallbackActorLogic,
  type EventObject,
  enqueueActions,
  type PromiseActorLogic,
  sendTo,
  setup,
  stopChild,
} from 'xstate';

import type { LinkFailure, SubmitFailure } from '../domain/failures.ts';
import type { BlockNumber, Hotkey, Uid } from '../domain/ids.ts';
import type { SubnetSnapshot } from '../domain/metagraph.ts';
import type { Outcome } from '../domain/outcome.ts';
import { type ChainFact, type ChainLinkInput, chainLinkMachine } from './chainLink.machine.ts';
import { delays } from './delays.ts';
import {
  type InferencePoolFact,
  type InferencePoolInput,
  inferencePoolMachine,
} from './inferencePool.machine.ts';
import type { ChildEnded } from './root.ts';
import { unprovidedLink, unprovidedTask } from './unprovided.ts';
import { type ValidatorSessionFact, validatorSessionMachine } from './validatorSession.machine.ts';
import { retryBlock } from './weightSubmission.ts';

/** Accepts TCP connections and holds each until its session takes it. */
export type Listener = CallbackActorLogic<EventObject, { readonly genesisHash: string }>;

/** Succeeds once the chain shows our axon; sends it where it differs. Asked again at each block until then. */
export type AnnounceAxon = PromiseActorLogic<
  Outcome<{ readonly block: BlockNumber }, SubmitFailure>,
  { readonly boundPort: number }
>;

export type MinerInput = {
  readonly hotkey: Hotkey;
  readonly chainLink: ChainLinkInput;
  readonly inferencePool: InferencePoolInput;
  readonly drainGraceMs: number;
};

export type MinerEvent =
  | ChainFact
  | InferencePoolFact
  | ValidatorSessionFact
  | ChildEnded
  | { readonly type: 'listener.bound'; readonly port: number }
  | { readonly type: 'listener.closed'; readonly failure: LinkFailure }
  | { readonly type: 'peer.arrived'; readonly arrival: string }
  | { readonly type: 'system.drain'; readonly reason: string };

export type MinerOutput = { readonly exit: 'drained' | 'failed'; readonly reason: string };

type Context = MinerInput & {
  readonly genesisHash: string | null;
  readonly uid: Uid | null;
  readonly subnet: SubnetSnapshot | null;
  readonly block: BlockNumber;
  readonly boundPort: number;
  /** Live sessions by arrival id; null until the validator has proven its hotkey. */
  readonly sessions: Readonly<Record<string, Hotkey | null>>;
  readonly announceAtBlock: BlockNumber | null;
  readonly lastFailure: SubmitFailure | LinkFailure | null;
  readonly exit: MinerOutput['exit'];
  readonly reason: string;
};

/** A metagraph has at most 256 neurons, so no more validators than that can be served at once. */
const maxSessions = 256;

const sessionId = (arrival: string) => `session/${arrival}`;

const machine = setup({
  types: {
    context: {} as Context,
    events: {} as MinerEvent,
    input: {} as MinerInput,
    output: {} as MinerOutput,
  },
  actors: {
    chainLink: chainLinkMachine,
    inferencePool: inferencePoolMachine,
    validatorSession: validatorSessionMachine,
    listener: unprovidedLink('listener') as Listener,
    announceAxon: unprovidedTask('announceAxon') as AnnounceAxon,
  },
  guards: {
    isRegistered: ({ context, event }) =>
      event.type === 'chain.subnet' && event.subnet.neurons.some(({ hotkey }) => hotkey === context.hotkey),
    hasRoom: ({ context }) => Object.keys(context.sessions).length < maxSessions,
    canAnnounce: ({ context, event }) =>
      event.type === 'chain.block' &&
      context.announceAtBlock !== null &&
      event.head.block >= context.announceAtBlock,
    hasNoSessions: ({ context }) => Object.keys(context.sessions).length === 0,
  },
  delays: {
    drainGrace: ({ context }) => context.drainGraceMs,
    retryPause: delays.retryPauseMs,
  },
  actions: {
    recordSubnet: assign(({ context, event }) =>
      event.type === 'chain.subnet'
        ? {
            subnet: event.subnet,
            block: Math.max(context.block, event.subnet.block),
            uid: event.subnet.neurons.find(({ hotkey }) => hotkey === context.hotkey)?.uid ?? null,
          }
        : {},
    ),
    recordBlock: assign(({ event }) => (event.type === 'chain.block' ? { block: event.head.block } : {})),
    acceptPeer: enqueueActions(({ enqueue, event, context }) => {
      if (event.type !== 'peer.arrived') return;
      enqueue.spawnChild('validatorSession', {
        id: sessionId(event.arrival),
        input: { arrival: event.arrival, drainGraceMs: context.drainGraceMs },
      });
      enqueue.assign({ sessions: { ...context.sessions, [event.arrival]: null } });
    }),
    recordArrival: assign(({ context, event }) =>
      event.type === 'validator.arrived' && Object.hasOwn(context.sessions, event.arrival)
        ? { sessions: { ...context.sessions, [event.arrival]: event.hotkey } }
        : {},
    ),
    forgetSession: assign(({ context, event }) =>
      event.type === 'validator.left'
        ? {
            sessions: Object.fromEntries(
              Object.entries(context.sessions).filter(([arrival]) => arrival !== event.arrival),
            ),
          }
        : {},
    ),
    closeSessions: enqueueActions(({ enqueue, context, event }) => {
      const reason = event.type === 'system.drain' ? event.reason : 'not registered';
      for (const arrival of Object.keys(context.sessions)) {
        enqueue.sendTo(sessionId(arrival), { type: 'session.close', reason });
      }
    }),
    recordReason: assign(({ event }) => (event.type === 'system.drain' ? { reason: event.reason } : {})),
    recordDefect: assign(({ event }) => {
      if (event.type === 'inference.failed') return { exit: 'failed' as const, reason: event.reason };
      return {
        exit: 'failed' as const,
        reason: 'error' in event ? `${event.type}: ${String(event.error)}` : event.type,
      };
    }),
  },
});

export const minerMachine = machine.createMachine({
  id: 'miner',
  context: ({ input }) => ({
    ...input,
    genesisHash: null,
    uid: null,
    subnet: null,
    block: 0,
    boundPort: 0,
    sessions: {},
    announceAtBlock: null,
    lastFailure: null,
    exit: 'drained',
    reason: '',
  }),
  initial: 'alive',
  output: ({ context }) => ({ exit: context.exit, reason: context.reason }),
  states: {
    alive: {
      description: 'Chain link and inference pool live as long as the miner does, draining included.',
      invoke: [
        {
          id: 'chainLink',
          systemId: 'chainLink',
          src: 'chainLink',
          input: ({ context }) => context.chainLink,
          onError: { target: 'failed', actions: 'recordDefect' },
        },
        {
          id: 'inferencePool',
          systemId: 'inferencePool',
          src: 'inferencePool',
          input: ({ context }) => context.inferencePool,
          onDone: {
            description: 'Stopped after a drain; a failure is reported as `inference.failed` before.',
          },
          onError: { target: 'failed', actions: 'recordDefect' },
        },
      ],
      initial: 'warming',
      on: {
        'chain.opened': { actions: assign(({ event }) => ({ genesisHash: event.genesisHash })) },
        'chain.block': { actions: 'recordBlock' },
        'chain.subnet': { actions: 'recordSubnet' },
        'chain.lost': {
          description: 'The chain link reconnects by itself; validators are served meanwhile.',
        },
        'inference.failed': { target: 'failed', actions: 'recordDefect' },
        'validator.arrived': { actions: 'recordArrival' },
        'validator.left': { actions: 'forgetSession' },
        'xstate.done.actor.*': {
          description: 'A session that ended. Finished children stay until they are stopped.',
          actions: stopChild(({ event }) => event.actorId),
        },
        'xstate.error.actor.*': {
          description: 'A defect. The process is the unit of restart.',
          target: 'failed',
          actions: [stopChild(({ event }) => event.actorId), 'recordDefect'],
        },
      },
      states: {
        warming: {
          description: 'Models are being loaded. Nothing is promised to anybody before they are.',
          on: {
            'inference.ready': 'linking',
            'system.drain': { target: '#miner.stopped', actions: 'recordReason' },
          },
        },
        linking: {
          description: 'Waits until the chain shows this hotkey registered on the subnet.',
          always: {
            guard: ({ context }) => context.uid !== null && context.genesisHash !== null,
            target: 'open',
          },
          on: {
            'system.drain': { target: '#miner.stopped', actions: 'recordReason' },
            'chain.subnet': [
              { guard: 'isRegistered', actions: 'recordSubnet' },
              { target: 'unregistered', actions: 'recordSubnet' },
            ],
          },
        },
        unregistered: {
          description: 'The hotkey has no uid on this subnet. The miner waits and goes on by itself.',
          on: {
            'chain.subnet': [
              { guard: 'isRegistered', target: 'linking', actions: 'recordSubnet' },
              { actions: 'recordSubnet' },
            ],
            'system.drain': { target: '#miner.stopped', actions: 'recordReason' },
          },
        },
        open: {
          description: 'The port is bound; arrivals become sessions.',
          invoke: {
            id: 'listener',
            src: 'listener',
            input: ({ context }) => ({ genesisHash: context.genesisHash ?? '' }),
            onError: { target: '#miner.failed', actions: 'recordDefect' },
          },
          initial: 'binding',
          on: {
            'listener.closed': {
              target: 'rebinding',
              actions: assign(({ event }) => ({ lastFailure: event.failure })),
            },
            'peer.arrived': [
              { guard: 'hasRoom', actions: 'acceptPeer' },
              { description: 'Full. The listener cuts an arrival that nobody takes.' },
            ],
            'chain.subnet': [
              { guard: 'isRegistered', actions: 'recordSubnet' },
              {
                description: 'Deregistered: nobody owes us anything any more, and we owe nobody.',
                target: 'unregistered',
                actions: ['recordSubnet', 'closeSessions'],
              },
            ],
            'system.drain': { target: '.draining', actions: 'recordReason' },
          },
          states: {
            binding: {
              description: 'The address is published only once it answers.',
              on: {
                'listener.bound': {
                  target: 'announcing',
                  actions: assign(({ event }) => ({ boundPort: event.port })),
                },
              },
            },
            announcing: {
              description: 'The axon on chain is compared with ours and replaced if it differs.',
              invoke: {
                id: 'announceAxon',
                src: 'announceAxon',
                input: ({ context }) => ({ boundPort: context.boundPort }),
                onDone: [
                  {
                    guard: ({ event }) => event.output.ok,
                    target: 'serving',
                    actions: assign({ lastFailure: null, announceAtBlock: null }),
                  },
                  {
                    target: 'announceBackingOff',
                    actions: assign(({ context, event }) =>
                      event.output.ok
                        ? {}
                        : {
                            lastFailure: event.output.error,
                            announceAtBlock: retryBlock(event.output.error.retry, context.block),
                          },
                    ),
                  },
                ],
              },
            },
            announceBackingOff: {
              description:
                'The chain said at which block another try is worth it; without one an operator must act.',
              on: {
                'chain.block': [
                  { guard: 'canAnnounce', target: 'announcing', actions: 'recordBlock' },
                  { actions: 'recordBlock' },
                ],
              },
            },
            serving: { description: 'Validators find this miner on chain and are answered.' },
            draining: {
              description: 'No arrival is taken; open answers are given within the grace.',
              entry: ['closeSessions', sendTo('inferencePool', { type: 'system.drain' })],
              always: { guard: 'hasNoSessions', target: '#miner.stopped' },
              after: { drainGrace: '#miner.stopped' },
              on: {
                'peer.arrived': { description: 'Too late. The listener cuts an arrival that nobody takes.' },
                'chain.subnet': { description: 'The metagraph does not matter any more.' },
                'listener.closed': '#miner.stopped',
                'system.drain': {
                  description: 'Already draining; a second signal ends the process from outside.',
                },
              },
            },
          },
        },
        rebinding: {
          description: 'The port was lost; it is bound again after a pause.',
          after: { retryPause: 'open' },
          on: { 'system.drain': { target: '#miner.stopped', actions: 'recordReason' } },
        },
      },
    },
    stopped: { type: 'final', description: 'Sessions, pool and chain link have been released.' },
    failed: { type: 'final', description: 'A defect, or no inference. The process ends with an error.' },
  },
  options: { maxIterations: 200 },
});
