import { assign, cancel, enqueueActions, raise, sendTo, setup } from 'xstate';

import { maskEndpoint } from '../domain/endpoint.ts';
import type { ChainFailure } from '../domain/failures.ts';
import type {
  ChainFact,
  ChainLinkContext,
  ChainLinkEvent,
  ChainLinkInput,
  ChainSession,
  ReadSubnet,
} from './chainLife.ts';
import { backoffMs, delays } from './delays.ts';
import { type Departure, endpointWatchMachine } from './endpointWatch.machine.ts';
import { root } from './root.ts';
import { unprovidedLink, unprovidedTask } from './unprovided.ts';

/** A metagraph that stays unreadable for the same reason is reported every so many blocks: ten minutes on finney. */
const unreadableEveryBlocks = 50;

/**
 * Reads in a row that fail before another endpoint is tried: a minute on finney. It doubles with each endpoint that
 * could not do it either, because what fails everywhere is no fault of an endpoint.
 */
const failedReadsBeforeLeaving = 5;
const mostDoublings = 6;

const silence: ChainFailure = {
  _tag: 'Unreachable',
  message: 'no finalized block for longer than the head patience',
  retry: { when: 'reconnected' },
};

/** Endpoints by the index a departure names, fit to be shown. */
const shown = (context: ChainLinkContext, index: number): string =>
  maskEndpoint(context.endpoints[index] ?? '');

/** Why another endpoint is opened. */
const departureFact = (context: ChainLinkContext, left: Departure): ChainFact => {
  const names = { endpoint: shown(context, context.endpoint), other: shown(context, left.endpoint) };
  return left.reason === 'preferred'
    ? { type: 'chain.preferred', ...names }
    : { type: 'chain.lagging', ...names, block: left.block, otherBlock: left.otherBlock };
};

export const chainLinkSetup = setup({
  types: {
    context: {} as ChainLinkContext,
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
    isUseless: ({ context }) => {
      const { endpoints, endpoint, failedReads, desertions } = context;
      const patience = failedReadsBeforeLeaving * 2 ** Math.min(desertions, mostDoublings);
      return failedReads + 1 >= patience && endpoints.some((other) => other !== endpoints[endpoint]);
    },
    isReadDue: ({ context }) => context.head !== null && context.head.block >= context.readAtBlock,
  },
  delays: {
    // An operator who allows a slow node more than usual is not overruled.
    connectPatience: ({ context }) => Math.max(delays.connectPatienceMs, context.connectPatienceMs ?? 0),
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
      failedReads: context.failedReads + 1,
      readAtBlock: (context.head?.block ?? 0) + 1,
    })),
    desert: assign(({ context }, params: { readonly failure: ChainFailure | null }) => ({
      lastFailure: params.failure,
      desertions: context.desertions + 1,
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
});
