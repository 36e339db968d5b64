import { assign, type CallbackActorLogic, type EventObject, enqueueActions, sendTo, setup } from 'xstate';

import type { LinkFailure } from '../domain/failures.ts';
import type { Hotkey } from '../domain/ids.ts';
import { delays } from './delays.ts';
import { root } from './root.ts';
import { unprovidedLink } from './unprovided.ts';

/** Answers the handshake of one arrival, then serves its tasks until the link ends. */
export type AcceptValidator = CallbackActorLogic<EventObject, { readonly arrival: string }>;

export type ValidatorSessionInput = {
  /** Id under which the listener holds the socket. */
  readonly arrival: string;
  readonly drainGraceMs: number;
};

export type ValidatorSessionEvent =
  | { readonly type: 'link.opened'; readonly hotkey: Hotkey }
  | { readonly type: 'link.busy' }
  | { readonly type: 'link.idle' }
  | { readonly type: 'link.closed'; readonly failure: LinkFailure }
  | { readonly type: 'session.close'; readonly reason: string }
  | ({ readonly type: 'session.dismiss' } & SessionDismissal);

/** Why the miner sends a validator away: it may not ask any more, or has a newer link. */
export type SessionDismissal = { readonly cause: 'revoked' | 'replaced'; readonly reason: string };

export type ValidatorSessionFact =
  | { readonly type: 'validator.arrived'; readonly arrival: string; readonly hotkey: Hotkey }
  | {
      readonly type: 'session.revoked' | 'session.replaced';
      readonly arrival: string;
      readonly hotkey: Hotkey | null;
      readonly reason: string;
    }
  | { readonly type: 'validator.left'; readonly arrival: string; readonly failure: LinkFailure };

type Context = ValidatorSessionInput & {
  readonly hotkey: Hotkey | null;
  readonly lastFailure: LinkFailure | null;
};

const tooSlow: LinkFailure = { _tag: 'HandshakeFailed', message: 'the greeting took too long' };

export const validatorSessionMachine = setup({
  types: {
    context: {} as Context,
    events: {} as ValidatorSessionEvent,
    input: {} as ValidatorSessionInput,
  },
  actors: { peerLink: unprovidedLink('peerLink') as AcceptValidator },
  delays: {
    greetingPatience: delays.greetingPatienceMs,
    drainGrace: ({ context }) => context.drainGraceMs,
    farewellPatience: delays.farewellPatienceMs,
  },
  actions: {
    dismiss: enqueueActions(({ enqueue, context, event }) => {
      if (event.type !== 'session.dismiss') return;
      const { arrival, hotkey } = context;
      const { cause, reason } = event;
      enqueue.sendTo('link', { type: 'link.dismiss', reason });
      enqueue.sendTo(root, { type: `session.${cause}`, arrival, hotkey, reason });
    }),
  },
}).createMachine({
  id: 'validatorSession',
  context: ({ input }) => ({ ...input, hotkey: null, lastFailure: null }),
  initial: 'linked',
  states: {
    linked: {
      description: 'The socket is held by one link actor for the whole session.',
      invoke: { id: 'link', src: 'peerLink', input: ({ context }) => ({ arrival: context.arrival }) },
      initial: 'greeting',
      on: {
        'link.closed': {
          target: 'closed',
          actions: assign(({ event }) => ({ lastFailure: event.failure })),
        },
        'session.dismiss': { target: '.dismissed', actions: 'dismiss' },
      },
      states: {
        greeting: {
          description: 'Nobody is trusted yet: the peer must prove a hotkey that may set weights here.',
          after: {
            greetingPatience: {
              target: '#validatorSession.closed',
              actions: assign({ lastFailure: tooSlow }),
            },
          },
          on: {
            'link.opened': {
              target: 'authorised',
              actions: [
                assign(({ event }) => ({ hotkey: event.hotkey })),
                sendTo(root, ({ context, event }) => ({
                  type: 'validator.arrived',
                  arrival: context.arrival,
                  hotkey: event.hotkey,
                })),
              ],
            },
            'session.close': { target: '#validatorSession.closed' },
          },
        },
        authorised: {
          description: 'A validator with a proven hotkey, without open tasks.',
          on: {
            'link.busy': 'serving',
            'link.idle': { description: 'Nothing was open: a refused task was answered at once.' },
            'session.close': '#validatorSession.closed',
          },
        },
        serving: {
          description: 'Answers are owed.',
          on: {
            'link.idle': 'authorised',
            'link.busy': { description: 'More tasks of a validator that is being served anyway.' },
            'session.close': 'closing',
          },
        },
        closing: {
          description: 'No new work is taken; what is open is answered within the grace.',
          entry: sendTo('link', { type: 'link.refuseTasks' }),
          after: { drainGrace: '#validatorSession.closed' },
          on: {
            'link.idle': '#validatorSession.closed',
            'link.busy': { description: 'Cannot happen after refuseTasks, and would not matter.' },
            'session.close': { description: 'Already closing.' },
          },
        },
        dismissed: {
          description: 'Not served any more, whatever is owed; the peer hears why before the link ends.',
          after: { farewellPatience: '#validatorSession.closed' },
          on: {
            'link.opened': { description: 'Too late: sent away before its proof was heard of.' },
            'link.idle': { description: 'What was owed is not wanted any more.' },
            'link.busy': { description: 'New work is not begun for a peer that was sent away.' },
            'session.close': '#validatorSession.closed',
            'session.dismiss': { description: 'It has been told already.' },
          },
        },
      },
    },
    closed: {
      type: 'final',
      description: 'Leaving `linked` has released the socket.',
      entry: sendTo(root, ({ context }) => ({
        type: 'validator.left',
        arrival: context.arrival,
        failure: context.lastFailure ?? { _tag: 'ClosedHere', message: 'closed by this miner' },
      })),
    },
  },
  options: { maxIterations: 100 },
});
