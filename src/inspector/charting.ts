import type { AnyActorRef, AnyStateMachine, AnyStateNode } from 'xstate';

import { transitionIds } from './chart.ts';
import { type ShownPath, shownPaths } from './redaction.ts';

/** What is known of a machine once and for all its actors. */
export type Charting = {
  readonly chart: string;
  /** Ids as lists of one, which are shared by all entries that tell of the same transition. */
  readonly transitions: ReadonlyMap<object, readonly [string]>;
  /** Lists of active states by the only state without states that is in them; the same list for the same states. */
  readonly configurations: Map<AnyStateNode, readonly string[]>;
  /** Allowed paths of its context. */
  readonly paths: readonly ShownPath[];
};

/** The part of a machine's snapshot that is read here; `_nodes` has no public name in XState 5. */
export type MachineSnapshot = {
  readonly status: string;
  readonly context: unknown;
  readonly _nodes: readonly AnyStateNode[];
  readonly children: Readonly<Record<string, AnyActorRef>>;
};

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

export const machineSnapshot = (snapshot: unknown): MachineSnapshot | null =>
  isObject(snapshot) && '_nodes' in snapshot && Array.isArray(snapshot._nodes)
    ? (snapshot as MachineSnapshot)
    : null;

const machineOf = (ref: AnyActorRef): AnyStateMachine | null => {
  const logic: unknown = 'logic' in ref ? ref.logic : null;
  return isObject(logic) && 'root' in logic && 'definition' in logic ? (logic as AnyStateMachine) : null;
};

/**
 * Charts by machine. `machine.provide` makes new transition objects, so that the same chart may be known several times;
 * a restored machine shares the root of the one it was made from.
 */
export const createChartings = (context: Readonly<Record<string, readonly string[]>>) => {
  const known = new WeakMap<object, Charting>();
  /** null for an actor that is no machine. */
  return (ref: AnyActorRef): Charting | null => {
    const machine = machineOf(ref);
    if (machine === null) return null;
    const before = known.get(machine.root);
    if (before !== undefined) return before;
    const paths = Object.hasOwn(context, machine.id) ? context[machine.id] : undefined;
    const charting = {
      chart: machine.id,
      transitions: new Map([...transitionIds(machine)].map(([taken, id]) => [taken, [id] as const])),
      configurations: new Map(),
      paths: shownPaths(paths),
    };
    known.set(machine.root, charting);
    return charting;
  };
};

const byOrder = (a: AnyStateNode, b: AnyStateNode): number => a.order - b.order;

/**
 * Ids of active states, outermost first; the root of the machine is left out where it has anything below it.
 *
 * XState mostly has the states in order already, so that nothing is
 * sorted.
 */
export const activeStates = (nodes: readonly AnyStateNode[]): readonly string[] => {
  const ids: string[] = [];
  let order = -1;
  for (const node of nodes) {
    if (node.order < order) return activeStates(nodes.toSorted(byOrder));
    order = node.order;
    if (node.parent !== undefined) ids.push(node.id);
  }
  return ids.length === 0 ? nodes.map(({ id }) => id) : ids;
};

/**
 * The same by way of what is known already. Without regions side by side the innermost state says it all, and all
 * entries that tell of it share one list: what is held for late viewers costs the garbage collector little.
 */
export const knownStates = (
  { configurations }: Charting,
  nodes: readonly AnyStateNode[],
): readonly string[] => {
  let innermost: AnyStateNode | null = null;
  for (const node of nodes) {
    if (node.type !== 'atomic' && node.type !== 'final') continue;
    if (innermost !== null) return activeStates(nodes);
    innermost = node;
  }
  if (innermost === null) return activeStates(nodes);
  const known = configurations.get(innermost);
  if (known !== undefined) return known;
  const states = activeStates(nodes);
  configurations.set(innermost, states);
  return states;
};

/** Whether any of the states has a transition for an event of this type, taken or not. */
export const isKnownEvent = (nodes: readonly AnyStateNode[], type: string): boolean =>
  nodes.some(({ transitions }) => {
    if (transitions.has(type)) return true;
    for (const key of transitions.keys()) {
      if (key === '*' || (key.endsWith('.*') && `${type}.`.startsWith(key.slice(0, -1)))) return true;
    }
    return false;
  });
