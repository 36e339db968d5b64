import { assign, type PromiseActorLogic, sendTo, setup } from 'xstate';

import type { StoreFailure } from '../domain/failures.ts';
import type { EpochIndex } from '../domain/ids.ts';
import type { Outcome } from '../domain/outcome.ts';
import { delays } from './delays.ts';
import { root } from './root.ts';
import { unprovidedTask } from './unprovided.ts';

/** A stretch of the evidence log that is on disk as a file; both ends inclusive. */
export type ArchivedStretch = {
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly records: number;
  readonly file: string;
};

/** Writes the oldest evidence that is no longer kept into a file; null when there is none. Drops nothing. */
export type ArchiveEvidence = PromiseActorLogic<
  Outcome<ArchivedStretch | null, StoreFailure>,
  { readonly epoch: EpochIndex }
>;

/** Drops evidence up to `upTo` (inclusive). Idempotent. */
export type DropEvidence = PromiseActorLogic<
  Outcome<{ readonly dropped: number }, StoreFailure>,
  { readonly upTo: number }
>;

export type RetentionEvent = {
  /** An epoch was scored; its record is in the log. */
  readonly type: 'retention.due';
  readonly epoch: EpochIndex;
};

export type RetentionFact =
  | ({ readonly type: 'evidence.archived' } & ArchivedStretch)
  | { readonly type: 'evidence.kept'; readonly failure: StoreFailure };

type Context = {
  /** Newest scored epoch. */
  readonly epoch: EpochIndex;
  readonly stretch: ArchivedStretch | null;
  readonly failure: StoreFailure | null;
};

export const retentionMachine = setup({
  types: { context: {} as Context, events: {} as RetentionEvent },
  actors: {
    archiveEvidence: unprovidedTask('archiveEvidence') as ArchiveEvidence,
    dropEvidence: unprovidedTask('dropEvidence') as DropEvidence,
  },
  delays: { retentionPause: delays.retentionPauseMs },
  actions: {
    recordEpoch: assign(({ context, event }) =>
      event.type === 'retention.due' ? { epoch: Math.max(context.epoch, event.epoch) } : {},
    ),
    reportArchived: sendTo(root, ({ context }) => ({ type: 'evidence.archived', ...context.stretch })),
    reportKept: sendTo(root, ({ context }) => ({ type: 'evidence.kept', failure: context.failure })),
  },
}).createMachine({
  id: 'retention',
  context: { epoch: 0, stretch: null, failure: null },
  initial: 'idle',
  on: {
    'retention.due': { description: 'Counted at the next look.', actions: 'recordEpoch' },
  },
  states: {
    idle: {
      description: 'The store holds no more epochs than it shall, as far as is known.',
      on: { 'retention.due': { target: 'archiving', actions: 'recordEpoch' } },
    },
    archiving: {
      description: 'The oldest epoch that is too many is written into a file. Nothing is dropped yet.',
      invoke: {
        id: 'archiveEvidence',
        src: 'archiveEvidence',
        input: ({ context }) => ({ epoch: context.epoch }),
        onDone: [
          {
            guard: ({ event }) => event.output.ok && event.output.value !== null,
            target: 'dropping',
            actions: assign(({ event }) => (event.output.ok ? { stretch: event.output.value } : {})),
          },
          { guard: ({ event }) => event.output.ok, target: 'idle' },
          {
            target: 'pausing',
            actions: [
              assign(({ event }) => (event.output.ok ? {} : { failure: event.output.error })),
              'reportKept',
            ],
          },
        ],
      },
    },
    dropping: {
      description: 'The file is on disk: its records leave the store.',
      invoke: {
        id: 'dropEvidence',
        src: 'dropEvidence',
        input: ({ context }) => ({ upTo: context.stretch?.lastSeq ?? 0 }),
        onDone: [
          {
            guard: ({ event }) => event.output.ok,
            target: 'archiving',
            actions: ['reportArchived', assign({ stretch: null })],
          },
          {
            target: 'pausing',
            actions: [
              assign(({ event }) => (event.output.ok ? {} : { failure: event.output.error })),
              'reportKept',
            ],
          },
        ],
      },
    },
    pausing: {
      description: 'The disk or the store refused. Evidence stays where it is until the next attempt.',
      after: { retentionPause: 'archiving' },
    },
  },
  options: { maxIterations: 100 },
});
