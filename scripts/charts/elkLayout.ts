import elkBundle from 'elkjs/lib/elk.bundled.js';
import type { ElkEdgeSection, ElkExtendedEdge, ElkLabel, ElkNode } from 'elkjs/lib/elk-api.js';

import { type Chart, statesUnder } from '../../src/inspector/chart.ts';
import {
  type Box,
  type Layout,
  labelLines,
  type Mark,
  metrics,
  type Point,
  type StateLayout,
  type TransitionLayout,
} from '../../src/inspector/layout.ts';
import {
  anyMark,
  elkGraph,
  initialEdge,
  initialMark,
  labelSize,
  type SharedEdge,
  sharedEdges,
} from './elkGraph.ts';
import { type Fittings, fittingOf, headerOf } from './stateHeader.ts';

/** Tenths of a pixel: small files, and the same text whatever the last bits of a float are. */
const rounded = (value: number | undefined): number => Math.round((value ?? 0) * 10) / 10;

const boxOf = ({ x, y, width, height }: ElkNode | ElkLabel): Box => ({
  x: rounded(x),
  y: rounded(y),
  width: rounded(width),
  height: rounded(height),
});

const pointsOf = ({ startPoint, bendPoints, endPoint }: ElkEdgeSection): readonly Point[] =>
  [startPoint, ...(bendPoints ?? []), endPoint].map(({ x, y }) => [rounded(x), rounded(y)] as const);

const sectionsOf = (edge: ElkExtendedEdge | undefined): readonly (readonly Point[])[] =>
  (edge?.sections ?? []).map(pointsOf);

/** All nodes and edges of an answer, by id. */
const gathered = (root: ElkNode) => {
  const nodes = new Map<string, ElkNode>();
  const edges = new Map<string, ElkExtendedEdge>();
  const visit = (node: ElkNode): void => {
    nodes.set(node.id, node);
    for (const edge of node.edges ?? []) edges.set(edge.id, edge);
    for (const child of node.children ?? []) visit(child);
  };
  visit(root);
  return { nodes, edges };
};

type Answer = ReturnType<typeof gathered>;

const must = <T>(value: T | undefined, what: string): T => {
  if (value === undefined) throw new Error(`the layout has no ${what}`);
  return value;
};

const shifted = <T extends { readonly x: number; readonly y: number }>(one: T, { x, y }: Box): T => ({
  ...one,
  x: rounded(one.x + x),
  y: rounded(one.y + y),
});

const stateLayouts = (
  chart: Chart,
  { nodes }: Answer,
  fittings: Fittings,
): Readonly<Record<string, StateLayout>> =>
  Object.fromEntries(
    statesUnder(chart.root).map((state) => {
      const box = boxOf(must(nodes.get(state.id), `state ${state.id}`));
      const texts = headerOf(state, fittings.get(state.id)?.columns).texts.map((line) => shifted(line, box));
      return [state.id, { ...box, texts }];
    }),
  );

/** Labels of one line, one below the other where ELK made room for all of them. */
const sharedLayouts = (shared: SharedEdge, { edges }: Answer): readonly [string, TransitionLayout][] => {
  const edge = must(edges.get(shared.id), `edge ${shared.id}`);
  const room = boxOf(must(edge.labels?.[0], `label of ${shared.id}`));
  const points = shared.isBackward
    ? sectionsOf(edge).map((section) => section.toReversed())
    : sectionsOf(edge);
  let y = room.y;
  return shared.transitions.map((transition) => {
    const { width, height } = labelSize(transition);
    const label = { x: room.x, y: rounded(y), width: room.width, height, lines: labelLines(transition) };
    y += height;
    return [transition.id, { points, label: { ...label, width: Math.max(width, room.width) } }];
  });
};

const listedLayouts = (
  chart: Chart,
  { nodes }: Answer,
  fittings: Fittings,
): readonly [string, TransitionLayout][] =>
  statesUnder(chart.root).flatMap((state) => {
    const box = boxOf(must(nodes.get(state.id), `state ${state.id}`));
    return headerOf(state, fittings.get(state.id)?.columns).listed.map(
      ({ transition, line, ...place }): [string, TransitionLayout] => [
        transition.id,
        { points: [], label: { ...shifted(place, box), lines: [line] } },
      ],
    );
  });

/** A transition with several targets is one transition with several lines, and keeps the first label. */
const united = (
  layouts: readonly (readonly [string, TransitionLayout])[],
): Readonly<Record<string, TransitionLayout>> => {
  const byId = new Map<string, TransitionLayout>();
  for (const [id, layout] of layouts) {
    const before = byId.get(id);
    byId.set(id, before === undefined ? layout : { ...before, points: [...before.points, ...layout.points] });
  }
  return Object.fromEntries(byId);
};

const marksOf = (chart: Chart, { nodes, edges }: Answer): readonly Mark[] =>
  statesUnder(chart.root).flatMap(({ id }) =>
    (['initial', 'any'] as const).flatMap((kind): readonly Mark[] => {
      const node = nodes.get(kind === 'initial' ? initialMark(id) : anyMark(id));
      if (node === undefined) return [];
      const { x, y } = boxOf(node);
      const radius = metrics.markRadiusPx;
      const points = kind === 'initial' ? sectionsOf(edges.get(initialEdge(id))) : [];
      return [{ kind, state: id, x: rounded(x + radius), y: rounded(y + radius), radius, points }];
    }),
  );

/** ELK takes no minimal width for a state with states in it: what turns out too narrow is asked for again, wider. */
const maxAttempts = 4;

const widened = (chart: Chart, { nodes }: Answer, before: Fittings): Fittings | null => {
  const after = new Map(before);
  for (const state of statesUnder(chart.root)) {
    const { width } = boxOf(must(nodes.get(state.id), `state ${state.id}`));
    const fitting = before.get(state.id);
    if (state.states.length === 0 || headerOf(state, fitting?.columns).width <= width) continue;
    after.set(state.id, fittingOf(state, width, fitting));
  }
  return after.size === before.size && [...after].every(([id, one]) => before.get(id) === one) ? null : after;
};

const fitted = async (chart: Chart) => {
  const elk = new elkBundle.default();
  let fittings: Fittings = new Map();
  for (let attempt = 1; ; attempt += 1) {
    const root = await elk.layout(elkGraph(chart, fittings));
    const answer = gathered(root);
    const next = attempt === maxAttempts ? null : widened(chart, answer, fittings);
    if (next === null) return { root, answer, fittings };
    fittings = next;
  }
};

/** Places everything of a chart. Takes 20 to 600 ms, and gives the same for the same chart. */
export const layOut = async (chart: Chart): Promise<Layout> => {
  const { root, answer, fittings } = await fitted(chart);
  const shared = sharedEdges(chart).flatMap((edge) => sharedLayouts(edge, answer));
  return {
    width: rounded(root.width),
    height: rounded(root.height),
    states: stateLayouts(chart, answer, fittings),
    transitions: united([...shared, ...listedLayouts(chart, answer, fittings)]),
    marks: marksOf(chart, answer),
  };
};
