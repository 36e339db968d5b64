import { assign, enqueueActions, type PromiseActorLogic, setup } from 'xstate';

import { type HeightReading, isClockBehind, isOld, judgeHeight } from '../domain/chainHeight.ts';
import { maskEndpoint } from '../domain/endpoint.ts';
import type { ChainFailure } from '../domain/failures.ts';
import type { Head } from '../domain/metagraph.ts';
import type { Outcome } from '../domain/outcome.ts';
import { root } from './root.ts';
import { unprovidedTask } from './unprovided.ts';

/**
 * Asks our endpoint what time its head has, and another one how far it is; without another (null) the reading has
 * ours on both sides.
 */
export type CompareHeights = PromiseActorLogic<
  Outcome<HeightReading, ChainFailure>,
  { readonly endpoint: string | null; readonly head: Head }
>;

export type EndpointWatchInput = {
  readonly endpoints: readonly string[];
  /** Index of the endpoint in use. */
  readonly endpoint: number;
  /** Pause between two comparisons; one endpoint is asked at a time, in turn. */
  readonly endpointCheckMs: number;
};

export type EndpointWatchEvent = { readonly type: 'head.finalized'; readonly head: Head };

/** Where to go, and why. */
export type Departure = {
  /** `lagging`: the other one is ahead. `preferred`: one that stands earlier in the list is well again. */
  readonly reason: 'lagging' | 'preferred';
  /** Index of the endpoint to go to. */
  readonly endpoint: number;
  readonly block: number;
  readonly otherBlock: number;
};

/** What the root learns of endpoints. */
export type EndpointFact =
  | {
      readonly type: 'chain.forked';
      readonly endpoint: string;
      readonly other: string;
      readonly block: number;
    }
  /** Heads arrive, and the newest is minutes old: a node that catches up, or a clock that is wrong. */
  | {
      readonly type: 'chain.old';
      readonly endpoint: string;
      readonly block: number;
      readonly ageMs: number;
    }
  /** The chain is past the time of our clock, which somebody should set. */
  | { readonly type: 'clock.behind'; readonly byMs: number };

type Context = EndpointWatchInput & {
  readonly head: Head | null;
  /** Index of the endpoint that is asked now, or was asked last. */
  readonly asked: number;
  /** By index: comparisons in a row in which it was level with ours. */
  readonly level: readonly number[];
  /** Checks in a row that found our newest head old. */
  readonly oldChecks: number;
  /** The same for our clock behind the chain's time. */
  readonly behindChecks: number;
  /** Endpoints that were found on another fork: said once for each connection. */
  readonly forked: readonly number[];
  readonly departure: Departure | null;
};

/** An earlier endpoint must have been level so many times in a row before it is gone back to: five minutes and more. */
const levelBeforeReturn = 5;
/** Checks between two reports of a head that stays old, or of a clock that stays behind. */
const oldEveryChecks = 30;

/** Next index in turn whose endpoint differs from the one in use; the same again when there is no other. */
const following = ({ endpoints, endpoint, asked }: Context): number => {
  for (let step = 1; step <= endpoints.length; step += 1) {
    const index = (asked + step) % endpoints.length;
    if (endpoints[index] !== endpoints[endpoint]) return index;
  }
  return endpoint;
};

const readingOf = (event: { readonly output: Outcome<HeightReading, ChainFailure> }): HeightReading | null =>
  event.output.ok ? event.output.value : null;

const verdictOf = (reading: HeightReading | null) => (reading === null ? 'unknown' : judgeHeight(reading));

const departure = (
  context: Context,
  reason: Departure['reason'],
  reading: HeightReading | null,
): Partial<Context> => ({
  departure: {
    reason,
    endpoint: context.asked,
    block: reading?.ours.block ?? 0,
    otherBlock: reading?.other.block ?? 0,
  },
});

type Params = { readonly reading: HeightReading | null };

export const endpointWatchMachine = setup({
  types: {
    context: {} as Context,
    events: {} as EndpointWatchEvent,
    input: {} as EndpointWatchInput,
    output: {} as Departure,
  },
  actors: { compareHeights: unprovidedTask('compareHeights') as CompareHeights },
  guards: {
    hasHead: ({ context }) => context.head !== null,
    isAhead: (_, { reading }: Params) => verdictOf(reading) === 'ahead',
    isForked: (_, { reading }: Params) => verdictOf(reading) === 'forked',
    isPreferred: ({ context }, { reading }: Params) =>
      verdictOf(reading) === 'level' &&
      context.asked < context.endpoint &&
      (context.level[context.asked] ?? 0) + 1 >= levelBeforeReturn,
  },
  delays: { endpointCheck: ({ context }) => context.endpointCheckMs },
  actions: {
    recordHead: assign(({ event }) => (event.type === 'head.finalized' ? { head: event.head } : {})),
    recordLevel: assign(({ context }, { reading }: Params) => ({
      level: context.endpoints.map((_, index) => {
        const before = context.level[index] ?? 0;
        if (index !== context.asked) return before;
        return verdictOf(reading) === 'level' ? before + 1 : 0;
      }),
    })),
    reportAge: enqueueActions(({ enqueue, context }, { reading }: Params) => {
      if (reading === null) return;
      const oldChecks = isOld(reading) ? context.oldChecks + 1 : 0;
      const behindChecks = isClockBehind(reading) ? context.behindChecks + 1 : 0;
      enqueue.assign({ oldChecks, behindChecks });
      if (behindChecks % oldEveryChecks === 1) {
        enqueue.sendTo(root, { type: 'clock.behind', byMs: Math.round(reading.clockBehindMs) });
      }
      if (oldChecks % oldEveryChecks !== 1) return;
      const { block, timestampMs } = reading.ours;
      enqueue.sendTo(root, {
        type: 'chain.old',
        endpoint: maskEndpoint(context.endpoints[context.endpoint] ?? ''),
        block,
        ageMs: reading.nowMs - timestampMs,
      });
    }),
    reportFork: enqueueActions(({ enqueue, context }) => {
      if (context.forked.includes(context.asked)) return;
      enqueue.assign({ forked: [...context.forked, context.asked] });
      enqueue.sendTo(root, {
        type: 'chain.forked',
        endpoint: maskEndpoint(context.endpoints[context.endpoint] ?? ''),
        other: maskEndpoint(context.endpoints[context.asked] ?? ''),
        block: context.head?.block ?? 0,
      });
    }),
  },
}).createMachine({
  id: 'endpointWatch',
  context: ({ input }) => ({
    ...input,
    head: null,
    asked: input.endpoint,
    level: [],
    oldChecks: 0,
    behindChecks: 0,
    forked: [],
    departure: null,
  }),
  // Only the final state has an output, and it is entered with a departure alone.
  output: ({ context }) =>
    context.departure ?? { reason: 'lagging', endpoint: context.endpoint, block: 0, otherBlock: 0 },
  initial: 'waiting',
  states: {
    waiting: {
      description: 'Between two comparisons, or before the first head.',
      on: { 'head.finalized': { actions: 'recordHead' } },
      after: {
        endpointCheck: [
          {
            guard: 'hasHead',
            target: 'comparing',
            actions: assign(({ context }) => ({ asked: following(context) })),
          },
          { description: 'Nothing to compare yet.', target: 'waiting', reenter: true },
        ],
      },
    },
    comparing: {
      description:
        'Ours is asked what time its head has, and one other endpoint, if there is one, how far it is.',
      on: { 'head.finalized': { actions: 'recordHead' } },
      invoke: {
        id: 'compareHeights',
        src: 'compareHeights',
        input: ({ context }) => ({
          endpoint: context.asked === context.endpoint ? null : (context.endpoints[context.asked] ?? null),
          head: context.head ?? { block: 0, blockHash: '' },
        }),
        onDone: [
          {
            guard: { type: 'isAhead', params: ({ event }) => ({ reading: readingOf(event) }) },
            target: 'departing',
            actions: assign(({ context, event }) => departure(context, 'lagging', readingOf(event))),
          },
          {
            guard: { type: 'isPreferred', params: ({ event }) => ({ reading: readingOf(event) }) },
            target: 'departing',
            actions: assign(({ context, event }) => departure(context, 'preferred', readingOf(event))),
          },
          {
            guard: { type: 'isForked', params: ({ event }) => ({ reading: readingOf(event) }) },
            description: 'One of the two is wrong, and it cannot be told which: an operator should look.',
            target: 'waiting',
            actions: [
              'reportFork',
              { type: 'reportAge', params: ({ event }) => ({ reading: readingOf(event) }) },
              { type: 'recordLevel', params: ({ event }) => ({ reading: readingOf(event) }) },
            ],
          },
          {
            description: 'Level, behind, implausible or out of reach: no reason to leave.',
            target: 'waiting',
            actions: [
              { type: 'reportAge', params: ({ event }) => ({ reading: readingOf(event) }) },
              { type: 'recordLevel', params: ({ event }) => ({ reading: readingOf(event) }) },
            ],
          },
        ],
      },
    },
    departing: {
      type: 'final',
      description: 'The chain link leaves for the endpoint of the output.',
    },
  },
  options: { maxIterations: 100 },
});
