import { describe, expect, it } from 'vitest';
import { and, assign, createActor, fromPromise, or, sendTo, setup, stateIn, stopChild } from 'xstate';

import { type ChartState, chartOf, statesUnder, transitionIds } from '#src/inspector/chart.ts';
import { mermaidOf } from '#src/inspector/mermaid.ts';
import { epochMachine } from '#src/machines/epoch.machine.ts';
import { minerMachine } from '#src/machines/miner.machine.ts';
import { validatorMachine } from '#src/machines/validator.machine.ts';
import { weightSettingMachine } from '#src/machines/weightSetting.machine.ts';

type Event = { readonly type: 'go'; readonly far: boolean } | { readonly type: 'stop' };

/** One of everything that a chart shows. */
const sample = setup({
  types: { context: {} as { count: number }, events: {} as Event },
  actors: { work: fromPromise<number, object>(() => Promise.resolve(1)) },
  guards: { isFar: ({ event }) => event.type === 'go' && event.far, isFull: () => false },
  actions: { note: assign({ count: ({ context }) => context.count + 1 }) },
  delays: { patience: 1_000, growing: ({ context }) => context.count * 10 },
}).createMachine({
  id: 'sample',
  context: { count: 0 },
  initial: 'idle',
  on: { stop: '.over' },
  states: {
    idle: {
      description: 'Waits.',
      entry: 'note',
      exit: assign({ count: 0 }),
      always: { guard: 'isFull', target: 'over' },
      after: { patience: 'busy', growing: { actions: 'note' } },
      on: {
        go: [
          { guard: 'isFar', target: 'busy', description: 'A long way.' },
          { guard: or(['isFar', and(['isFull', stateIn('#sample.idle')])]), actions: 'note' },
          { guard: ({ context }) => context.count > 3, target: 'idle', reenter: true },
        ],
      },
    },
    busy: {
      initial: 'working',
      onDone: 'over',
      states: {
        working: {
          invoke: { id: 'job', src: 'work', input: {}, onDone: 'finished', onError: '#sample.over' },
          entry: [sendTo('job', { type: 'hurry' }), stopChild('job')],
        },
        finished: { type: 'final' },
      },
    },
    over: { type: 'final' },
  },
});

const chart = chartOf(sample);
const stateOf = (id: string): ChartState => {
  const state = statesUnder(chart.root).find((one) => one.id === id);
  if (state === undefined) throw new Error(`the chart has no state ${id}`);
  return state;
};

describe('inspector / chart', () => {
  it('has every state with its kind, its start and its description', () => {
    const rows = statesUnder(chart.root).map(({ id, type, initial }) => [id, type, initial]);
    expect(rows).toEqual([
      ['sample', 'compound', 'sample.idle'],
      ['sample.idle', 'atomic', null],
      ['sample.busy', 'compound', 'sample.busy.working'],
      ['sample.busy.working', 'atomic', null],
      ['sample.busy.finished', 'final', null],
      ['sample.over', 'final', null],
    ]);
    expect(stateOf('sample.idle').description).toBe('Waits.');
    expect(stateOf('sample.busy').description).toBeNull();
  });

  it('has every transition, those that need no event and those that keep the state among them', () => {
    const rows = stateOf('sample.idle').transitions.map(({ kind, label, guard, targets }) => [
      kind,
      label,
      guard,
      targets,
    ]);
    expect(rows).toEqual([
      ['event', 'go', 'isFar', ['sample.busy']],
      ['event', 'go', 'isFar or isFull and in #sample.idle', []],
      ['event', 'go', 'context.count > 3', ['sample.idle']],
      ['after', 'after patience', null, ['sample.busy']],
      ['after', 'after growing', null, []],
      ['always', 'always', 'isFull', ['sample.over']],
    ]);
    expect(stateOf('sample.idle').transitions[0]?.description).toBe('A long way.');
    expect(stateOf('sample.idle').transitions.map(({ delay }) => delay)).toEqual([
      null,
      null,
      null,
      'patience',
      'growing',
      null,
    ]);
  });

  it('names what comes from children and from finished states', () => {
    expect(stateOf('sample.busy.working').invokes).toEqual([{ id: 'job', src: 'work' }]);
    expect(stateOf('sample.busy.working').transitions.map(({ kind, label }) => [kind, label])).toEqual([
      ['done', 'done job'],
      ['error', 'error job'],
    ]);
    expect(stateOf('sample.busy').transitions.map(({ kind, label }) => [kind, label])).toEqual([
      ['done', 'done'],
    ]);
  });

  it('names actions without the ones that XState adds for timers', () => {
    expect(stateOf('sample.idle').entry).toEqual(['note']);
    expect(stateOf('sample.idle').exit).toEqual(['assign count']);
    expect(stateOf('sample.busy.working').entry).toEqual(['sendTo job hurry', 'stopChild job']);
  });

  it('has every named delay with its value or what it is made of', () => {
    expect(chart.delays).toEqual([
      { name: 'patience', ms: 1_000, formula: null },
      { name: 'growing', ms: null, formula: 'context.count * 10' },
    ]);
  });

  it('is plain data', () => {
    for (const machine of [sample, epochMachine, validatorMachine, minerMachine]) {
      expect(JSON.parse(JSON.stringify(chartOf(machine)))).toEqual(chartOf(machine));
    }
  });
});

describe('inspector / chart and the insides of XState', () => {
  it('finds every transition that an inspected actor takes, by identity', async () => {
    const ids = transitionIds(sample);
    const taken: (string | undefined)[] = [];
    const actor = createActor(sample, {
      inspect: (event) => {
        if (event.type !== '@xstate.microstep') return;
        taken.push(...event._transitions.map((transition) => ids.get(transition)));
      },
    });
    actor.start();
    actor.send({ type: 'go', far: true });
    await new Promise((resolve) => setImmediate(resolve));
    expect(taken).toEqual(['sample.idle~0', 'sample.busy.working~0', 'sample.busy~0']);
  });

  it('knows the logic of a running actor, and the nodes of its snapshot, by the ids of the chart', () => {
    const actor = createActor(sample).start();
    const { _nodes: nodes } = actor.getSnapshot() as unknown as { _nodes: readonly { id: string }[] };
    expect(nodes.map(({ id }) => id)).toEqual(['sample', 'sample.idle']);
    expect((actor as unknown as { logic: unknown }).logic).toBe(sample);
  });

  it('keeps ids when actors are provided', () => {
    const provided = sample.provide({ actors: { work: fromPromise<number, object>(async () => 2) } });
    expect(chartOf(provided)).toEqual(chart);
    expect([...transitionIds(provided).values()]).toEqual([...transitionIds(sample).values()]);
  });
});

describe('inspector / mermaid', () => {
  const machines = [sample, epochMachine, validatorMachine, minerMachine, weightSettingMachine];
  const linesOf = (text: string) => text.split('\n').map((line) => line.trim());

  it('declares every state below the root exactly once and draws edges between declared ones only', () => {
    for (const machine of machines) {
      const text = mermaidOf(chartOf(machine));
      const declared = linesOf(text).flatMap((line) => line.match(/^state ".*" as (\w+)/)?.[1] ?? []);
      expect(new Set(declared).size).toBe(declared.length);
      const ids = statesUnder(chartOf(machine).root).map(({ id }) => id.replaceAll('.', '_'));
      expect(ids.filter((id) => !declared.includes(id) && id !== machine.id)).toEqual([]);
      const ends = linesOf(text).flatMap((line) => line.match(/^(\S+) --> (\S+)/)?.slice(1) ?? []);
      expect(ends.filter((id) => id !== '[*]' && !declared.includes(id))).toEqual([]);
    }
  });

  it('closes every block that it opens', () => {
    for (const machine of machines) {
      const lines = linesOf(mermaidOf(chartOf(machine)));
      const opened = lines.filter((line) => line.endsWith('{')).length;
      expect(lines.filter((line) => line === '}')).toHaveLength(opened);
    }
  });

  it('draws edges between levels outside of every block', () => {
    const lines = mermaidOf(chartOf(sample)).split('\n');
    expect(lines).toContain('  sample_busy_working --> sample_over : error job');
    expect(lines).toContain('    sample_busy_working --> sample_busy_finished : done job');
    expect(lines).toContain('  note right of sample_over : from any state, stop');
  });

  it('draws several transitions between the same states as one edge', () => {
    expect(mermaidOf(chartOf(sample))).toContain(
      'sample_idle --> sample_busy : go [isFar]<br/>after patience',
    );
  });

  it('writes characters with a meaning in Mermaid as numbers', () => {
    expect(mermaidOf(chartOf(sample))).toContain('go [context.count #62; 3]');
    expect(mermaidOf(chartOf(epochMachine))).toContain('done round [in #35;epoch.rounds.collecting.last]');
  });
});
