import { describe, expect, it } from 'vitest';
import { assign, createActor, fromCallback, fromPromise, setup } from 'xstate';

import type { InspectionEntry } from '#src/domain/view/inspection.ts';
import { createInspection } from '#src/inspector/inspection.ts';

type Event =
  | { readonly type: 'go'; readonly far: number; readonly hidden: string }
  | { readonly type: 'back' }
  | { readonly type: 'fill'; readonly secret: string };

const child = setup({
  types: { events: {} as { readonly type: 'ping' } },
}).createMachine({
  id: 'child',
  initial: 'waiting',
  states: { waiting: { on: { ping: 'over' } }, over: { type: 'final' } },
});

const sample = setup({
  types: { context: {} as { count: number; hidden: string }, events: {} as Event },
  actors: {
    child,
    link: fromCallback(() => {}),
    work: fromPromise<number>(() => Promise.resolve(1)),
  },
  guards: { never: () => false },
}).createMachine({
  id: 'sample',
  context: { count: 0, hidden: 'mine' },
  initial: 'idle',
  states: {
    idle: {
      on: {
        go: { target: 'busy', actions: assign({ count: ({ event }) => event.far }) },
        back: { guard: 'never', target: 'busy' },
      },
    },
    busy: {
      type: 'parallel',
      invoke: { id: 'link', src: 'link' },
      on: { back: 'idle' },
      states: {
        left: { initial: 'one', states: { one: { always: 'two' }, two: {} } },
        right: { invoke: { id: 'kid', src: 'child' }, initial: 'only', states: { only: {} } },
      },
    },
  },
});

const shown = { context: { sample: ['count'] }, events: { go: ['far'] } };

const run = (options: { readonly capacity?: number } = {}) => {
  const inspection = createInspection({ role: 'test', shown, now: () => 7, ...options });
  inspection.subscribe(() => {});
  const actor = createActor(sample, { inspect: inspection.observe, systemId: 'root' });
  return { inspection, actor };
};

const byKind = <Kind extends InspectionEntry['kind']>(entries: readonly InspectionEntry[], kind: Kind) =>
  entries.filter((entry): entry is Extract<InspectionEntry, { kind: Kind }> => entry.kind === kind);

describe('inspector / inspection', () => {
  it('tells births, events, moves and ends, in order and numbered', () => {
    const { inspection, actor } = run();
    actor.start();
    actor.send({ type: 'go', far: 3, hidden: 'x' });
    actor.send({ type: 'back' });
    const { entries, dropped } = inspection.hello();
    expect(dropped).toBe(0);
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => index + 1));
    const moved = byKind(entries, 'moved').filter(({ actor: id }) => id === actor.sessionId);
    expect(
      moved.map(({ by, transitions, states, context }) => ({ by, transitions, states, context })),
    ).toEqual([
      {
        by: 'go',
        transitions: ['sample.idle~0', 'sample.busy.left.one~0'],
        states: [
          'sample.busy',
          'sample.busy.left',
          'sample.busy.left.two',
          'sample.busy.right',
          'sample.busy.right.only',
        ],
        context: { count: 3 },
      },
      { by: 'back', transitions: ['sample.busy~0'], states: ['sample.idle'], context: null },
    ]);
    expect(byKind(entries, 'event').map(({ event, detail }) => [event, detail])).toEqual([
      ['go', { far: 3 }],
      ['back', {}],
    ]);
    expect(byKind(entries, 'ended').map(({ status }) => status)).toEqual(['stopped', 'stopped']);
    expect(inspection.sizes().failures).toBe(0);
  });
});
