import { assign, enqueueActions, type PromiseActorLogic, sendTo, setup } from 'xstate';

import type { Outcome } from '../domain/outcome.ts';
import {
  clockNewsOf,
  isSameShortage,
  type ResourceSample,
  type Shortage,
  shortagesIn,
} from '../domain/resources.ts';
import { delays } from './delays.ts';
import { root } from './root.ts';
import { unprovidedTask } from './unprovided.ts';

/** One look at this process: its memory, files, disk and clocks. Says null for what it cannot learn. */
export type SampleResources = PromiseActorLogic<Outcome<ResourceSample, never>, Record<string, never>>;

export type ResourcesFact =
  | {
      readonly type: 'resources.short';
      readonly of: readonly Shortage[];
      readonly heapUsedBytes: number;
      readonly heapLimitBytes: number;
      readonly descriptors: number | null;
      readonly descriptorLimit: number | null;
      readonly diskFreeBytes: number | null;
    }
  | { readonly type: 'resources.ample'; readonly afterMs: number }
  /** The wall clock was set; negative: back. */
  | { readonly type: 'clock.stepped'; readonly byMs: number }
  /** This process did not run for a while. */
  | { readonly type: 'machine.slept'; readonly forMs: number };

type Context = {
  readonly sample: ResourceSample | null;
  readonly shortages: readonly Shortage[];
  /** As told last. */
  readonly reported: readonly Shortage[];
  /** Monotonic milliseconds of the sample that found the first shortage. */
  readonly shortAt: number;
};

export const resourcesMachine = setup({
  types: { context: {} as Context, events: {} as { readonly type: 'xstate.init' } },
  actors: { sampleResources: unprovidedTask('sampleResources') as SampleResources },
  guards: {
    isShort: ({ context }) => context.shortages.length > 0,
    isAmple: ({ context }) => context.shortages.length === 0,
    hasChanged: ({ context }) => !isSameShortage(context.shortages, context.reported),
  },
  delays: { sampleInterval: delays.sampleIntervalMs },
  actions: {
    recordSample: enqueueActions(
      ({ enqueue, context }, { sample }: { readonly sample: ResourceSample | null }) => {
        if (sample === null) return;
        const { sample: earlier } = context;
        enqueue.assign({ sample, shortages: shortagesIn(sample, context.shortages, earlier) });
        if (earlier === null) return;
        const { steppedMs, sleptMs } = clockNewsOf(earlier, sample, delays.sampleIntervalMs);
        if (sleptMs !== 0) enqueue.sendTo(root, { type: 'machine.slept', forMs: sleptMs });
        if (steppedMs !== 0) enqueue.sendTo(root, { type: 'clock.stepped', byMs: steppedMs });
      },
    ),
    recordShort: assign(({ context }) => ({
      reported: context.shortages,
      shortAt: context.reported.length === 0 ? (context.sample?.at ?? 0) : context.shortAt,
    })),
    reportShort: sendTo(root, ({ context: { sample, shortages } }) => ({
      type: 'resources.short',
      of: shortages,
      heapUsedBytes: sample?.heapUsedBytes ?? 0,
      heapLimitBytes: sample?.heapLimitBytes ?? 0,
      descriptors: sample?.descriptors ?? null,
      descriptorLimit: sample?.descriptorLimit ?? null,
      diskFreeBytes: sample?.diskFreeBytes ?? null,
    })),
    reportAmple: sendTo(root, ({ context }) => ({
      type: 'resources.ample',
      afterMs: Math.max(0, Math.round((context.sample?.at ?? 0) - context.shortAt)),
    })),
  },
}).createMachine({
  id: 'resources',
  context: { sample: null, shortages: [], reported: [], shortAt: 0 },
  type: 'parallel',
  states: {
    supply: {
      description: 'Whether this process has what it needs to take more work.',
      initial: 'ample',
      states: {
        ample: {
          description: 'Memory, descriptors and disk suffice.',
          always: { guard: 'isShort', target: 'short' },
        },
        short: {
          description:
            'One of them is nearly used up: new work is refused while there is still room to finish the old.',
          entry: ['recordShort', 'reportShort'],
          always: [
            { guard: 'isAmple', target: 'ample', actions: ['reportAmple', assign({ reported: [] })] },
            { guard: 'hasChanged', target: 'short', reenter: true },
          ],
        },
      },
    },
    sampling: {
      description: 'One look after the other.',
      initial: 'measuring',
      states: {
        measuring: {
          description: 'Heap, descriptors, disk and clocks are read.',
          invoke: {
            id: 'sampleResources',
            src: 'sampleResources',
            input: () => ({}),
            onDone: {
              target: 'resting',
              actions: {
                type: 'recordSample',
                params: ({ event }) => ({ sample: event.output.ok ? event.output.value : null }),
              },
            },
          },
        },
        resting: {
          description: 'A look costs a few system calls, so it is taken every few seconds.',
          after: { sampleInterval: 'measuring' },
        },
      },
    },
  },
  options: { maxIterations: 100 },
});
