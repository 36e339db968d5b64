import { assign, enqueueActions, setup } from 'xstate';

import type { ChainFailure, StoreFailure } from '../domain/failures.ts';
import type { BlockNumber } from '../domain/ids.ts';
import { root } from './root.ts';
import { unprovidedTask } from './unprovided.ts';
import {
  afterReading,
  type Commits,
  factsOf,
  isRevealDue,
  type ReadReveals,
  type WeightRevealEvent,
  watching,
} from './weightReveals.ts';

export type WeightRevealContext = Commits & {
  /** Last finalized block of this life; 0 before its first one. */
  readonly block: BlockNumber;
  /** Whether this life has looked for a commit that the one before did not hand over. */
  readonly isRecalled: boolean;
  readonly lastFailure: ChainFailure | StoreFailure | null;
};

export const weightRevealMachine = setup({
  types: { context: {} as WeightRevealContext, events: {} as WeightRevealEvent },
  actors: { readReveals: unprovidedTask('readReveals') as ReadReveals },
  guards: {
    hasCommits: ({ context }) => context.watched.length > 0,
    hasNone: ({ context }) => context.watched.length === 0,
    isDue: ({ context, event }) =>
      event.type === 'block.finalized' && (!context.isRecalled || isRevealDue(context, event.block)),
  },
  actions: {
    recordBlock: assign(({ event }) => (event.type === 'block.finalized' ? { block: event.block } : {})),
    recordCommit: assign(({ context, event }) => {
      if (event.type !== 'commit.stood') return {};
      const { type: _type, ...commit } = event;
      return watching(context, commit);
    }),
  },
}).createMachine({
  id: 'weightReveal',
  context: { watched: [], settled: [], block: 0, isRecalled: false, lastFailure: null },
  initial: 'idle',
  on: {
    'block.finalized': { actions: 'recordBlock' },
    'commit.stood': { actions: 'recordCommit' },
  },
  states: {
    idle: {
      description: 'No commit of ours waits for its reveal.',
      always: { guard: 'hasCommits', target: 'waiting' },
      on: {
        'block.finalized': [
          { guard: 'isDue', target: 'reading', actions: 'recordBlock' },
          { actions: 'recordBlock' },
        ],
      },
    },
    waiting: {
      description:
        'Commits wait for the block in which the chain opens them. Their plaintext is known here alone.',
      always: { guard: 'hasNone', target: 'idle' },
      on: {
        'block.finalized': [
          { guard: 'isDue', target: 'reading', actions: 'recordBlock' },
          { actions: 'recordBlock' },
        ],
      },
    },
    reading: {
      description:
        'The queue of commits and the weights in force are read at one block: a reveal that fails leaves no event.',
      invoke: {
        id: 'readReveals',
        src: 'readReveals',
        input: ({ context }) => ({ watched: context.watched, settled: context.settled }),
        onDone: [
          {
            guard: ({ event }) => event.output.ok,
            target: 'waiting',
            description: 'What is decided is reported once; what waits is read again when its time has come.',
            actions: enqueueActions(({ enqueue, context, event }) => {
              if (!event.output.ok) return;
              const read = event.output.value;
              const { recalled } = read;
              const commits = recalled === null ? context : { ...context, ...watching(context, recalled) };
              for (const fact of factsOf(commits, read)) enqueue.sendTo(root, fact);
              enqueue.assign({ ...afterReading(commits, read), isRecalled: true, lastFailure: null });
            }),
          },
          {
            target: 'waiting',
            description: 'Read again at the next finalized block.',
            actions: assign(({ event }) => (event.output.ok ? {} : { lastFailure: event.output.error })),
          },
        ],
      },
    },
  },
  options: { maxIterations: 100 },
});
