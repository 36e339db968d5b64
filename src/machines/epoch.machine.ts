import { assign, or, type PromiseActorLogic, sendTo, setup, stateIn } from 'xstate';

import type { StoreFailure } from '../domain/failures.ts';
import type { BlockNumber, EpochIndex } from '../domain/ids.ts';
import type { SubnetSnapshot } from '../domain/metagraph.ts';
import type { Outcome } from '../domain/outcome.ts';
import { weightsDueAtBlock } from '../domain/weightsDue.ts';
import type { WeightVector } from '../domain/weightVector.ts';
import type { HoldReasons } from '../domain/workHold.ts';
import { delays } from './delays.ts';
import { root } from './root.ts';
import { type RoundCandidate, type RoundOutput, roundMachine } from './round.machine.ts';
import { unprovidedTask } from './unprovided.ts';

/** Cuts the evidence, scores it and records the result. Idempotent per epoch: a recorded result is returned as it is. */
export type ScoreEpoch = PromiseActorLogic<
  Outcome<{ readonly vector: WeightVector; readonly scored: number }, StoreFailure>,
  { readonly epoch: EpochIndex }
>;

export type EpochSchedule = {
  readonly epoch: EpochIndex;
  readonly lastEpochBlock: BlockNumber;
  /** First block of the next epoch. */
  readonly endsAtBlock: BlockNumber;
};

export type EpochInput = EpochSchedule & {
  readonly block: BlockNumber;
  readonly candidates: readonly RoundCandidate[];
  /** Share of the epoch after which weights become due, in [0, 1]. */
  readonly dueAfterFraction: number;
  readonly roundDeadlineMs: number;
  readonly roundIntervalMs: number;
  /** Why no round may begin now; empty when one may. */
  readonly holds: HoldReasons;
};

export type EpochEvent =
  | { readonly type: 'block.finalized'; readonly block: BlockNumber }
  | ({ readonly type: 'epoch.rescheduled'; readonly candidates: readonly RoundCandidate[] } & EpochSchedule)
  | { readonly type: 'sessions.changed'; readonly ready: number; readonly dialing: number }
  /** The store, memory, descriptors or disk: empty when work may go on. */
  | { readonly type: 'work.held'; readonly reasons: HoldReasons }
  /** The chain has begun the next epoch, or the validator drains. */
  | { readonly type: 'epoch.close' }
  | { readonly type: 'system.resumed' };

export type EpochFact =
  | {
      readonly type: 'epoch.scored';
      readonly epoch: EpochIndex;
      readonly vector: WeightVector;
      readonly lastEpochBlock: BlockNumber;
      readonly endsAtBlock: BlockNumber;
    }
  /** Most links were lost since the last round: no round is held for a while, because the fault may be ours. */
  | {
      readonly type: 'rounds.recovering';
      readonly epoch: EpochIndex;
      readonly ready: number;
      readonly readyBefore: number;
    }
  /** No round begins before what keeps from it is over; told when it keeps the next round from beginning. */
  | { readonly type: 'rounds.held'; readonly epoch: EpochIndex; readonly reasons: HoldReasons }
  | { readonly type: 'rounds.freed'; readonly epoch: EpochIndex }
  | { readonly type: 'epoch.stalled'; readonly epoch: EpochIndex; readonly failure: StoreFailure }
  | ({ readonly type: 'round.ended' } & RoundOutput);

type Context = EpochInput & {
  readonly ready: number;
  readonly dialing: number;
  /** Live links when the last round began; null before the first round, and after a loss was waited out. */
  readonly readyBefore: number | null;
  readonly rounds: number;
  readonly vector: WeightVector | null;
  readonly lastFailure: StoreFailure | null;
};

/** With less than one in so many links of the last round, the fault is rather ours than theirs. */
const collapseDivisor = 3;

/**
 * Whether links collapsed since the last round. A network failure of the validator looks like the failure of all its
 * miners at once; rounds held meanwhile would grade it against them.
 */
const isCollapsed = ({ ready, readyBefore }: Context): boolean =>
  readyBefore !== null && readyBefore > 0 && ready * collapseDivisor < readyBefore;

/** The part of a metagraph that an epoch needs. */
export const scheduleOf = (subnet: SubnetSnapshot): EpochSchedule => ({
  epoch: subnet.epochIndex,
  lastEpochBlock: subnet.lastEpochBlock,
  endsAtBlock: subnet.nextEpochBlock,
});

/** Named actions see every event; only the round's own end carries an output. */
const roundOutput = (event: { readonly type: string }): RoundOutput =>
  'output' in event ? (event.output as RoundOutput) : { roundId: null, summary: null, failure: null };

export const epochMachine = setup({
  types: {
    context: {} as Context,
    events: {} as EpochEvent,
    input: {} as EpochInput,
    output: {} as { readonly epoch: EpochIndex; readonly rounds: number },
  },
  actors: {
    round: roundMachine,
    scoreEpoch: unprovidedTask('scoreEpoch') as ScoreEpoch,
  },
  guards: {
    isClosing: or([stateIn('#epoch.rounds.closed'), stateIn('#epoch.rounds.collecting.last')]),
    isHeld: ({ context }) => context.holds.length > 0,
    isFree: ({ context }) => context.holds.length === 0,
    hasMiners: ({ context }) =>
      context.candidates.length > 0 && context.ready > 0 && (context.rounds > 0 || context.dialing === 0),
    hasCollapsed: ({ context }) => isCollapsed(context),
    hasRecovered: ({ context }) => !isCollapsed(context),
    isDue: ({ context }) => context.block >= weightsDueAtBlock(context),
  },
  delays: {
    roundInterval: ({ context }) => context.roundIntervalMs,
    retryPause: delays.retryPauseMs,
    recoveryPatience: delays.recoveryPatienceMs,
  },
  actions: {
    countRound: assign(({ context, event }) => {
      const output = roundOutput(event);
      return output.summary === null ? {} : { rounds: context.rounds + 1 };
    }),
    reportRecovering: sendTo(root, ({ context }) => ({
      type: 'rounds.recovering',
      epoch: context.epoch,
      ready: context.ready,
      readyBefore: context.readyBefore ?? 0,
    })),
    reportHeld: sendTo(root, ({ context }) => ({
      type: 'rounds.held',
      epoch: context.epoch,
      reasons: context.holds,
    })),
    reportFreed: sendTo(root, ({ context }) => ({ type: 'rounds.freed', epoch: context.epoch })),
    reportRound: sendTo(root, ({ event }) => ({ type: 'round.ended', ...roundOutput(event) })),
    reportScored: sendTo(root, ({ context }) => ({
      type: 'epoch.scored',
      epoch: context.epoch,
      vector: context.vector ?? { uids: [], values: [] },
      lastEpochBlock: context.lastEpochBlock,
      endsAtBlock: context.endsAtBlock,
    })),
  },
}).createMachine({
  id: 'epoch',
  context: ({ input }) => ({
    ...input,
    ready: 0,
    dialing: 0,
    readyBefore: null,
    rounds: 0,
    vector: null,
    lastFailure: null,
  }),
  type: 'parallel',
  output: ({ context }) => ({ epoch: context.epoch, rounds: context.rounds }),
  on: {
    'block.finalized': { actions: assign(({ event }) => ({ block: event.block })) },
    'epoch.rescheduled': {
      description: 'Same epoch, newer metagraph: miners come and go, the owner may change the tempo.',
      guard: ({ context, event }) => event.epoch === context.epoch,
      actions: assign(({ event }) => ({
        candidates: event.candidates,
        lastEpochBlock: event.lastEpochBlock,
        endsAtBlock: event.endsAtBlock,
      })),
    },
    'work.held': {
      description: 'The round under way goes on: it needs little more than what it has.',
      actions: assign(({ event }) => ({ holds: event.reasons })),
    },
    'sessions.changed': { actions: assign(({ event }) => ({ ready: event.ready, dialing: event.dialing })) },
    'system.resumed': { description: 'A new epoch, or one restored where no timer runs: nothing to resume.' },
  },
  states: {
    rounds: {
      description: 'One round after the other, all through the epoch.',
      initial: 'open',
      states: {
        open: {
          description: 'Nobody can be asked: links are being dialled.',
          always: [
            { guard: 'isHeld', target: 'held' },
            { guard: 'hasCollapsed', target: 'recovering', actions: 'reportRecovering' },
            { guard: 'hasMiners', target: 'collecting' },
          ],
          on: { 'epoch.close': 'closed' },
        },
        held: {
          description:
            'The store is in trouble, or memory, descriptors or disk are short: a round would be asked and could not be recorded. The reasons are in the context. Goes on by itself.',
          entry: 'reportHeld',
          always: { guard: 'isFree', target: 'open', actions: 'reportFreed' },
          on: { 'epoch.close': 'closed' },
        },
        recovering: {
          description:
            'Most links were lost since the last round, which may be our own outage: no round grades it against miners. Goes on when links are back, or after a while with those that are.',
          always: { guard: 'hasRecovered', target: 'open' },
          after: {
            recoveryPatience: {
              target: 'open',
              description: 'The loss is taken as it is; a round still needs one live link.',
              actions: assign({ readyBefore: null }),
            },
          },
          on: {
            'epoch.close': 'closed',
            'system.resumed': { target: 'recovering', reenter: true, description: 'Arms the timer again.' },
          },
        },
        collecting: {
          description: 'A round is being held.',
          entry: assign(({ context }) => ({ readyBefore: context.ready })),
          invoke: {
            id: 'round',
            src: 'round',
            input: ({ context }) => ({
              epoch: context.epoch,
              block: context.block,
              candidates: context.candidates,
              deadlineMs: context.roundDeadlineMs,
            }),
            onDone: [
              {
                guard: stateIn('#epoch.rounds.collecting.last'),
                target: 'closed',
                actions: ['countRound', 'reportRound'],
              },
              { target: 'pausing', actions: ['countRound', 'reportRound'] },
            ],
          },
          initial: 'steady',
          states: {
            steady: {
              description: 'Another round will follow.',
              on: { 'epoch.close': 'last' },
            },
            last: {
              description: 'The chain is in its next epoch: this round is finished, and counts for that one.',
              on: { 'epoch.close': { description: 'Already closing.' } },
            },
          },
        },
        pausing: {
          description: 'A pause keeps the load of miners and validator even.',
          after: { roundInterval: 'open' },
          on: {
            'epoch.close': 'closed',
            'system.resumed': { target: 'pausing', reenter: true, description: 'Arms the timer again.' },
          },
        },
        closed: { type: 'final', description: 'No round is open any more.' },
      },
    },
    weights: {
      description: 'Once per epoch the evidence is cut and becomes a weight vector.',
      initial: 'waiting',
      states: {
        waiting: {
          description: 'Evidence is still being gathered for the vector of this epoch.',
          always: [
            { guard: 'isClosing', target: 'skipped' },
            { guard: 'isDue', target: 'scoring' },
          ],
        },
        scoring: {
          description: 'A pure function of the recorded evidence; its result is recorded before it is used.',
          invoke: {
            id: 'scoreEpoch',
            src: 'scoreEpoch',
            input: ({ context }) => ({ epoch: context.epoch }),
            onDone: [
              {
                guard: ({ event }) => event.output.ok,
                target: 'scored',
                actions: [
                  assign(({ event }) => (event.output.ok ? { vector: event.output.value.vector } : {})),
                  'reportScored',
                ],
              },
              {
                target: 'retrying',
                actions: [
                  assign(({ event }) => (event.output.ok ? {} : { lastFailure: event.output.error })),
                  sendTo(root, ({ context }) => ({
                    type: 'epoch.stalled',
                    epoch: context.epoch,
                    failure: context.lastFailure,
                  })),
                ],
              },
            ],
          },
        },
        retrying: {
          description: 'The store refused. Scoring is idempotent, so it is simply tried again.',
          always: { guard: 'isClosing', target: 'skipped' },
          after: { retryPause: 'scoring' },
          on: {
            'system.resumed': { target: 'retrying', reenter: true, description: 'Arms the timer again.' },
          },
        },
        scored: {
          description: 'The vector was handed over; what happens to it is up to weight-setting.',
          always: { guard: 'isClosing', target: 'handedOver' },
          on: {
            'system.resumed': {
              description: 'A restarted validator hands it over again; weight-setting asks the chain first.',
              actions: 'reportScored',
            },
          },
        },
        handedOver: { type: 'final', description: 'The epoch has its vector.' },
        skipped: { type: 'final', description: 'The epoch ended before there was anything to score.' },
      },
    },
  },
  options: { maxIterations: 100 },
});
