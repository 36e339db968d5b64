import { assign, type CallbackActorLogic, cancel, type EventObject, raise, sendTo, setup } from 'xstate';

import type { LinkFailure } from '../domain/failures.ts';
import type { Hotkey } from '../domain/ids.ts';
import type { Axon } from '../domain/metagraph.ts';
import { backoffMs, delays } from './delays.ts';
import { root } from './root.ts';
import { unprovidedLink } from './unprovided.ts';

/** Dials the axon, proves both hotkeys and follows the link until it ends. */
export type DialMiner = CallbackActorLogic<EventObject, { readonly hotkey: Hotkey; readonly axon: Axon }>;

export type MinerSessionInput = { readonly hotkey: Hotkey; readonly axon: Axon };

export type MinerSessionEvent =
  | { readonly type: 'link.opened'; readonly kinds: readonly string[] }
  | { readonly type: 'link.busy' }
  | { readonly type: 'link.idle' }
  | { readonly type: 'link.closed'; readonly failure: LinkFailure; readonly jitter: number }
  | { readonly type: 'link.steady' }
  | { readonly type: 'axon.moved'; readonly axon: Axon }
  | { readonly type: 'session.close' };

/** What the root learns. */
export type MinerSessionFact =
  | { readonly type: 'session.ready'; readonly hotkey: Hotkey }
  | { readonly type: 'session.lost'; readonly hotkey: Hotkey; readonly failure: LinkFailure };

type Context = MinerSessionInput & {
  /** Failures since the link was last open for `steadyUptimeMs`: a miner that flaps is dialled ever more rarely. */
  readonly attempt: number;
  readonly jitter: number;
  /** Task kinds the miner offers. */
  readonly kinds: readonly string[];
  readonly lastFailure: LinkFailure | null;
};

const noAnswer: LinkFailure = {
  _tag: 'Unreachable',
  message: 'the miner did not finish the handshake in time',
};

const defectOf = (error: unknown): LinkFailure => ({ _tag: 'Defect', message: String(error) });

export const minerSessionMachine = setup({
  types: { context: {} as Context, events: {} as MinerSessionEvent, input: {} as MinerSessionInput },
  actors: { peerLink: unprovidedLink('peerLink') as DialMiner },
  delays: {
    dialPatience: delays.dialPatienceMs,
    coolingDelay: ({ context }) =>
      backoffMs({
        attempt: context.attempt - 1,
        baseMs: delays.coolingBaseMs,
        maxMs: delays.coolingMaxMs,
        jitter: context.jitter,
      }),
  },
  actions: {
    reportReady: sendTo(root, ({ context }) => ({ type: 'session.ready', hotkey: context.hotkey })),
    reportLost: sendTo(root, ({ context }) => ({
      type: 'session.lost',
      hotkey: context.hotkey,
      failure: context.lastFailure ?? noAnswer,
    })),
  },
}).createMachine({
  id: 'minerSession',
  context: ({ input }) => ({ ...input, attempt: 0, jitter: 0, kinds: [], lastFailure: null }),
  initial: 'linked',
  on: {
    'session.close': {
      target: '.gone',
      description: 'The miner left the metagraph, or the validator drains.',
    },
    'axon.moved': {
      target: '.linked',
      reenter: true,
      description: 'A new address on chain is dialled at once, whatever the old one did.',
      actions: assign(({ event }) => ({ axon: event.axon, attempt: 0 })),
    },
  },
  states: {
    linked: {
      description: 'One WebSocket to the address the miner published on chain.',
      invoke: {
        id: 'link',
        src: 'peerLink',
        input: ({ context }) => ({ hotkey: context.hotkey, axon: context.axon }),
        onError: {
          description: 'A defect of this link; the pause before the next try bounds how often it is met.',
          target: 'cooling',
          actions: assign(({ event }) => ({ lastFailure: defectOf(event.error) })),
        },
      },
      exit: cancel('steady'),
      initial: 'dialing',
      on: {
        'link.steady': {
          description: 'The link has lived long enough to be trusted again.',
          actions: assign({ attempt: 0 }),
        },
        'link.closed': {
          target: 'cooling',
          actions: assign(({ event }) => ({ lastFailure: event.failure, jitter: event.jitter })),
        },
      },
      states: {
        dialing: {
          description: 'Connecting and proving hotkeys. The miner is not asked yet, and not blamed yet.',
          after: {
            dialPatience: {
              target: '#minerSession.cooling',
              actions: assign({ lastFailure: noAnswer }),
            },
          },
          on: {
            'link.opened': {
              target: 'ready',
              actions: [
                assign(({ event }) => ({ kinds: event.kinds, lastFailure: null })),
                raise({ type: 'link.steady' }, { id: 'steady', delay: delays.steadyUptimeMs }),
                'reportReady',
              ],
            },
          },
        },
        ready: {
          description: 'Authenticated and without open tasks.',
          on: {
            'link.busy': 'busy',
            'link.idle': { description: 'Already idle: a round settled without an answer of this miner.' },
          },
        },
        busy: {
          description: 'At least one task is open at the miner.',
          on: {
            'link.idle': 'ready',
            'link.busy': { description: 'More tasks on a link that is busy anyway.' },
          },
        },
      },
    },
    cooling: {
      description: 'Not reachable. Counts as unreachable in rounds until the next try succeeds.',
      entry: [assign(({ context }) => ({ attempt: context.attempt + 1, kinds: [] })), 'reportLost'],
      after: { coolingDelay: 'linked' },
    },
    gone: { type: 'final', description: 'The session is over; the supervisor removes it.' },
  },
  options: { maxIterations: 100 },
});
