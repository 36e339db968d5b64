import type { ElkExtendedEdge, ElkNode } from 'elkjs/lib/elk-api.js';

import { type Chart, type ChartState, type ChartTransition, statesUnder } from '../../src/inspector/chart.ts';
import { labelLines, metrics, textWidthPx } from '../../src/inspector/layout.ts';
import { type Fittings, headerOf } from './stateHeader.ts';

/** Transitions between the same two states share a line; their labels stand one below the other on it. */
export type SharedEdge = {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  /** Leads to a state that is written earlier: ELK gets it the other way round, and is left no circles to cut open. */
  readonly isBackward: boolean;
  readonly transitions: readonly ChartTransition[];
};

export const initialMark = (state: string): string => `${state}?initial`;
export const anyMark = (state: string): string => `${state}?any`;
export const initialEdge = (state: string): string => `${state}?first`;

const { labelPaddingPx, linePx, markRadiusPx, paddingPx } = metrics;

export const labelSize = (transition: ChartTransition) => {
  const lines = labelLines(transition);
  return {
    width: Math.max(...lines.map(textWidthPx)) + 2 * labelPaddingPx,
    height: lines.length * linePx + labelPaddingPx,
  };
};

const isBelow = (id: string, ancestor: ChartState): boolean =>
  statesUnder(ancestor)
    .slice(1)
    .some((state) => state.id === id);

/** A state with states in it leads into one of them from wherever it is: from a mark inside of it. */
const sourceFor = (state: ChartState, target: string): string =>
  isBelow(target, state) ? anyMark(state.id) : state.id;

/** Places of all states in the order in which they are written, which is how a reader is meant to meet them. */
const writtenOrder = (chart: Chart): ReadonlyMap<string, number> =>
  new Map(statesUnder(chart.root).map(({ id }, index) => [id, index]));

type Growing = Omit<SharedEdge, 'transitions'> & { readonly transitions: ChartTransition[] };

export const sharedEdges = (chart: Chart): readonly SharedEdge[] => {
  const order = writtenOrder(chart);
  const states = new Map(statesUnder(chart.root).map((state) => [state.id, state]));
  const isEarlier = (to: string, state: ChartState): boolean => {
    const target = states.get(to);
    const isInside = target !== undefined && isBelow(state.id, target);
    return !isInside && (order.get(to) ?? 0) < (order.get(state.id) ?? 0);
  };
  const edges = new Map<string, Growing>();
  for (const state of states.values()) {
    for (const transition of state.transitions) {
      for (const to of transition.targets) {
        const from = sourceFor(state, to);
        const id = `${from} ${to}`;
        const isBackward = isEarlier(to, state);
        const edge = edges.get(id) ?? { id, from, to, isBackward, transitions: [] };
        edge.transitions.push(transition);
        edges.set(id, edge);
      }
    }
  }
  return [...edges.values()];
};

const elkEdge = ({ id, from, to, isBackward, transitions }: SharedEdge): ElkExtendedEdge => {
  const sizes = transitions.map(labelSize);
  return {
    id,
    sources: [isBackward ? to : from],
    targets: [isBackward ? from : to],
    labels: [
      {
        id: `${id}?label`,
        text: id,
        width: Math.max(...sizes.map(({ width }) => width)),
        height: sizes.reduce((sum, { height }) => sum + height, 0),
      },
    ],
  };
};

/** ELK hands nothing down: each state with states in it gets all of them. */
const options = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.randomSeed': '1',
  'elk.json.shapeCoords': 'ROOT',
  'elk.json.edgeCoords': 'ROOT',
  'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
  'elk.layered.spacing.nodeNodeBetweenLayers': '24',
  'elk.spacing.nodeNode': '24',
  'elk.spacing.edgeNode': '14',
  'elk.spacing.edgeEdge': '10',
  'elk.spacing.nodeSelfLoop': '14',
};

const markNode = (id: string): ElkNode => ({ id, width: 2 * markRadiusPx, height: 2 * markRadiusPx });

const elkState = (state: ChartState, edges: readonly SharedEdge[], fittings: Fittings): ElkNode => {
  const fitting = fittings.get(state.id);
  const header = headerOf(state, fitting?.columns);
  if (state.states.length === 0) return { id: state.id, width: header.width, height: header.height };
  const hasAny = edges.some(({ from }) => from === anyMark(state.id));
  return {
    id: state.id,
    layoutOptions: {
      ...options,
      'elk.padding': `[top=${header.height + paddingPx},left=${2 * paddingPx},bottom=${2 * paddingPx},right=${2 * paddingPx + (fitting?.extraPx ?? 0)}]`,
    },
    children: [
      ...(state.initial === null ? [] : [markNode(initialMark(state.id))]),
      ...(hasAny ? [markNode(anyMark(state.id))] : []),
      ...state.states.map((child) => elkState(child, edges, fittings)),
    ],
    edges:
      state.initial === null
        ? []
        : [{ id: initialEdge(state.id), sources: [initialMark(state.id)], targets: [state.initial] }],
  };
};

/** The question to ELK: everything with its size, nothing with a place. */
export const elkGraph = (chart: Chart, fittings: Fittings): ElkNode => {
  const edges = sharedEdges(chart);
  return {
    id: `${chart.id}?drawing`,
    layoutOptions: {
      ...options,
      // With it further down, ELK 0.12.1 fails on edges between levels.
      'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
      'elk.padding': '[top=8,left=8,bottom=8,right=8]',
    },
    children: [elkState(chart.root, edges, fittings)],
    edges: edges.map(elkEdge),
  };
};
