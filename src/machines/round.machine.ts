import {
  assign,
  type CallbackActorLogic,
  type EventObject,
  type PromiseActorLogic,
  sendTo,
  setup,
} from 'xstate';

import type { StoreFailure } from '../domain/failures.ts';
import type { BlockNumber, EpochIndex, Hotkey, Uid } from '../domain/ids.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { RequestImbalance, RequestTotals } from '../domain/requestAccount.ts';
import { delays } from './delays.ts';
import { root } from './root.ts';
import { unprovidedLink, unprovidedTask } from './unprovided.ts';

export type RoundCandidate = {
  readonly uid: Uid;
  readonly hotkey: Hotkey;
  /** Stake weight in alpha. */
  readonly stake: number;
};

export type RoundInput = {
  readonly epoch: EpochIndex;
  readonly block: BlockNumber;
  /** Miners that may be asked: registered here, with an axon, not ourselves. */
  readonly candidates: readonly RoundCandidate[];
  /** One deadline for everybody. */
  readonly deadlineMs: number;
};

/**
 * Draws tasks and cohort and makes both durable, or takes up a round that was cut short. The tasks' truths stay in
 * the actor; only the id comes back.
 */
export type PlanRound = PromiseActorLogic<
  Outcome<{ readonly roundId: string; readonly cohort: number; readonly tasks: number }, StoreFailure>,
  RoundInput
>;
/** Sends, collects, judges and records. Obeys `round.expire`. */
export type Cohort = CallbackActorLogic<EventObject, { readonly roundId: string }>;

export type RoundEvent =
  | { readonly type: 'cohort.dispatched'; readonly sent: number; readonly unreachable: number }
  | { readonly type: 'cohort.progress'; readonly judged: number; readonly open: number }
  | { readonly type: 'cohort.complete' }
  | { readonly type: 'cohort.unbalanced'; readonly imbalance: RequestImbalance }
  | { readonly type: 'cohort.settled'; readonly summary: RequestTotals }
  | { readonly type: 'cohort.failed'; readonly failure: StoreFailure };

/** What the root learns: the counts of a round do not add up, which is a defect and never the doing of a peer. */
export type RoundFact = { readonly type: 'requests.unbalanced' } & RequestImbalance;

export type RoundOutput = {
  readonly roundId: string | null;
  /** null when the round failed. */
  readonly summary: RequestTotals | null;
  readonly failure: StoreFailure | null;
};

type Context = RoundInput & {
  readonly roundId: string | null;
  readonly cohort: number;
  readonly sent: number;
  readonly judged: number;
  readonly open: number;
  readonly summary: RequestTotals | null;
  readonly failure: StoreFailure | null;
};

export const roundMachine = setup({
  types: {
    context: {} as Context,
    events: {} as RoundEvent,
    input: {} as RoundInput,
    output: {} as RoundOutput,
  },
  actors: {
    planRound: unprovidedTask('planRound') as PlanRound,
    cohort: unprovidedLink('cohort') as Cohort,
  },
  delays: {
    roundDeadline: ({ context }) => context.deadlineMs,
    settlingPatience: delays.settlingPatienceMs,
  },
}).createMachine({
  id: 'round',
  context: ({ input }) => ({
    ...input,
    roundId: null,
    cohort: 0,
    sent: 0,
    judged: 0,
    open: 0,
    summary: null,
    failure: null,
  }),
  initial: 'sampling',
  output: ({ context }) => ({ roundId: context.roundId, summary: context.summary, failure: context.failure }),
  states: {
    sampling: {
      description: 'Tasks and cohort are drawn and made durable before anybody is asked.',
      invoke: {
        id: 'planRound',
        src: 'planRound',
        input: ({ context }) => ({
          epoch: context.epoch,
          block: context.block,
          candidates: context.candidates,
          deadlineMs: context.deadlineMs,
        }),
        onDone: [
          {
            guard: ({ event }) => event.output.ok,
            target: 'asking',
            actions: assign(({ event }) =>
              event.output.ok
                ? { roundId: event.output.value.roundId, cohort: event.output.value.cohort }
                : {},
            ),
          },
          {
            target: 'failed',
            actions: assign(({ event }) => (event.output.ok ? {} : { failure: event.output.error })),
          },
        ],
      },
    },
    asking: {
      description: 'The cohort actor holds the open requests; this machine holds the one deadline.',
      invoke: { id: 'cohort', src: 'cohort', input: ({ context }) => ({ roundId: context.roundId ?? '' }) },
      initial: 'gathering',
      on: {
        'cohort.progress': {
          actions: assign(({ event }) => ({ judged: event.judged, open: event.open })),
        },
        'cohort.settled': {
          target: 'done',
          actions: assign(({ event }) => ({ summary: event.summary, open: 0 })),
        },
        'cohort.unbalanced': {
          description: 'A defect; the cohort breaks off, and the round is taken up again from its records.',
          actions: sendTo(root, ({ event }) => ({ type: 'requests.unbalanced', ...event.imbalance })),
        },
        'cohort.failed': { target: 'failed', actions: assign(({ event }) => ({ failure: event.failure })) },
      },
      states: {
        gathering: {
          description: 'Answers count. One deadline from the first frame on, however long sending takes.',
          initial: 'dispatching',
          after: { roundDeadline: 'judging' },
          on: { 'cohort.complete': 'judging' },
          states: {
            dispatching: {
              description: 'Frames are handed to the sockets in paced chunks.',
              on: {
                'cohort.dispatched': {
                  target: 'collecting',
                  actions: assign(({ event }) => ({ sent: event.sent })),
                },
              },
            },
            collecting: {
              description:
                'Answers are judged and recorded as they arrive, until all are in or the deadline passes.',
            },
          },
        },
        judging: {
          description:
            'No answer counts any more; what is still open becomes missed and the last verdicts are written.',
          entry: sendTo('cohort', { type: 'round.expire' }),
          after: { settlingPatience: '#round.failed' },
          on: {
            'cohort.dispatched': { description: 'Sending outlasted the deadline; the answers are missed.' },
            'cohort.complete': { description: 'The last answer and the deadline fell together.' },
          },
        },
      },
    },
    done: { type: 'final', description: 'Every pair of the plan has exactly one verdict on record.' },
    failed: {
      type: 'final',
      description: 'The store could not keep up or could not write: the round counts against nobody.',
    },
  },
  options: { maxIterations: 100 },
});
