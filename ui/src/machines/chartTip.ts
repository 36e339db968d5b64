import {
  type Chart,
  type ChartState,
  type ChartTransition,
  statesUnder,
} from '../../../src/inspector/chart.ts';

/** What is told of a state or a transition: its name, why it is there, and what it does. */
export type Tip = {
  readonly title: string;
  readonly description: string | null;
  readonly lines: readonly (readonly [string, string])[];
};

const line = (name: string, values: readonly string[]): readonly (readonly [string, string])[] =>
  values.length === 0 ? [] : [[name, values.join(', ')]];

const withoutMachine = (chart: Chart, id: string): string =>
  id.startsWith(`${chart.id}.`) ? id.slice(chart.id.length + 1) : id;

const stateTip = (chart: Chart, state: ChartState): Tip => ({
  title: withoutMachine(chart, state.id),
  description: state.description,
  lines: [
    ...line('kind', [state.type]),
    ...line(
      'runs',
      state.invokes.map(({ id, src }) => (id === src ? src : `${id} (${src})`)),
    ),
    ...line('on entry', state.entry),
    ...line('on exit', state.exit),
  ],
});

const delayText = (chart: Chart, name: string | null): readonly string[] => {
  const delay = chart.delays.find((candidate) => candidate.name === name);
  if (delay === undefined) return [];
  return delay.ms === null ? [delay.formula ?? delay.name] : [`${delay.ms} ms`];
};

const transitionTip = (chart: Chart, source: ChartState, transition: ChartTransition): Tip => ({
  title: transition.label,
  description: transition.description,
  lines: [
    ...line('from', [withoutMachine(chart, source.id)]),
    ...line(
      'to',
      transition.targets.length === 0 ? ['stays'] : transition.targets.map((id) => withoutMachine(chart, id)),
    ),
    ...line('if', transition.guard === null ? [] : [transition.guard]),
    ...line('does', transition.actions),
    ...line('after', delayText(chart, transition.delay)),
    ...line('', transition.reenter ? ['leaves the state and enters it again'] : []),
  ],
});

/** Tips of a whole chart by the ids of its states and transitions. */
export const tipsOf = (chart: Chart): ReadonlyMap<string, Tip> =>
  new Map(
    statesUnder(chart.root).flatMap((state): readonly (readonly [string, Tip])[] => [
      [state.id, stateTip(chart, state)],
      ...state.transitions.map(
        (transition) => [transition.id, transitionTip(chart, state, transition)] as const,
      ),
    ]),
  );
