import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';

import { actionLabel, eventLabel, guardLabel, sourceOf } from './labels.ts';

export type ChartTransition = {
  /** `<state>~<number>`, stable for one version of a machine. */
  readonly id: string;
  /** `done`, `error` and `after` are XState's own events; `always` needs none. */
  readonly kind: 'event' | 'done' | 'error' | 'after' | 'always';
  /** As XState matches it; empty for `always`. */
  readonly eventType: string;
  /** As a reader knows it: `after roundDeadline`, `done planRound`. */
  readonly label: string;
  /** Name of the delay of an `after`. */
  readonly delay: string | null;
  readonly guard: string | null;
  readonly actions: readonly string[];
  /** Ids of states; empty when the state is kept. */
  readonly targets: readonly string[];
  readonly reenter: boolean;
  readonly description: string | null;
};

export type ChartState = {
  readonly id: string;
  readonly key: string;
  readonly type: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  /** Id of the child that is entered first; null for anything but a compound state. */
  readonly initial: string | null;
  readonly description: string | null;
  readonly invokes: readonly { readonly id: string; readonly src: string }[];
  readonly entry: readonly string[];
  readonly exit: readonly string[];
  readonly transitions: readonly ChartTransition[];
  readonly states: readonly ChartState[];
};

/** A named delay: its value in milliseconds, or what it is computed from. */
export type ChartDelay = {
  readonly name: string;
  readonly ms: number | null;
  readonly formula: string | null;
};

export type Chart = {
  readonly id: string;
  readonly root: ChartState;
  readonly delays: readonly ChartDelay[];
};

const listOf = (value: unknown): readonly unknown[] => {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
};

/** All transitions of one state. `always` ones stand apart in XState and come last here. */
const transitionsOf = (node: AnyStateNode): readonly AnyTransitionDefinition[] => [
  ...[...node.transitions.values()].flat(),
  ...(node.always ?? []),
];

const transitionId = (node: AnyStateNode, index: number): string => `${node.id}~${index}`;

const kindOf = (eventType: string, delay: string | null): ChartTransition['kind'] => {
  if (delay !== null) return 'after';
  if (eventType === '') return 'always';
  if (eventType.startsWith('xstate.done.')) return 'done';
  return eventType.startsWith('xstate.error.') ? 'error' : 'event';
};

const delaysByEvent = (node: AnyStateNode): ReadonlyMap<string, string> =>
  new Map(node.after.map(({ eventType, delay }) => [eventType, String(delay)]));

const chartTransition = (
  node: AnyStateNode,
  transition: AnyTransitionDefinition,
  index: number,
): ChartTransition => {
  const eventType = String(transition.eventType);
  const delay = delaysByEvent(node).get(eventType) ?? null;
  return {
    id: transitionId(node, index),
    kind: kindOf(eventType, delay),
    eventType,
    label: delay === null ? eventLabel(eventType) : `after ${delay}`,
    delay,
    guard: transition.guard === undefined ? null : guardLabel(transition.guard),
    actions: transition.actions.map(actionLabel),
    targets: transition.target?.map(({ id }) => id) ?? [],
    reenter: transition.reenter,
    description: transition.description ?? null,
  };
};

const chartState = (node: AnyStateNode): ChartState => ({
  id: node.id,
  key: node.key,
  type: node.type,
  // XState gives every state an initial transition; only that of a compound state leads anywhere.
  initial: node.type === 'compound' ? (node.initial.target[0]?.id ?? null) : null,
  description: node.description ?? null,
  invokes: node.invoke.map(({ id, src }) => ({ id, src: typeof src === 'string' ? src : id })),
  // The configured actions: `node.entry` also has the generated ones that start and cancel timers.
  entry: listOf(node.config.entry).map(actionLabel),
  exit: listOf(node.config.exit).map(actionLabel),
  transitions: transitionsOf(node).map((transition, index) => chartTransition(node, transition, index)),
  states: Object.values(node.states).map(chartState),
});

const chartDelays = (machine: AnyStateMachine): readonly ChartDelay[] =>
  Object.entries(machine.implementations.delays as Readonly<Record<string, unknown>>).map(
    ([name, value]) => ({
      name,
      ms: typeof value === 'number' ? value : null,
      formula: typeof value === 'function' ? sourceOf(value, Number.POSITIVE_INFINITY) : null,
    }),
  );

/**
 * A machine as data for drawing and for the docs.
 *
 * Read from `machine.root`, because both `machine.definition` and `toDirectedGraph` of XState 5 leave out `always`
 * transitions. Relies on internals that `test/machines/chart.test.ts` pins down.
 */
export const chartOf = (machine: AnyStateMachine): Chart => ({
  id: machine.id,
  root: chartState(machine.root),
  delays: chartDelays(machine),
});

/**
 * The id that `chartOf` gives to each transition object of a machine. A `@xstate.microstep` inspection event carries
 * the very same objects in `_transitions`, so that a taken transition is found without guessing.
 */
export const transitionIds = (machine: AnyStateMachine): ReadonlyMap<object, string> => {
  const ids = new Map<object, string>();
  const visit = (node: AnyStateNode): void => {
    for (const [index, transition] of transitionsOf(node).entries()) {
      ids.set(transition, transitionId(node, index));
    }
    for (const child of Object.values(node.states)) visit(child);
  };
  visit(machine.root);
  return ids;
};

/** A state and all states below it, in the order they are written. */
export const statesUnder = (state: ChartState): readonly ChartState[] => [
  state,
  ...state.states.flatMap(statesUnder),
];
