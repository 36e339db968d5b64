import { type Chart, type ChartState, type ChartTransition, statesUnder } from './chart.ts';

/** An id that Mermaid reads as one word. */
const mermaidId = (id: string): string => id.replaceAll(/[^A-Za-z0-9_]/g, '_');

/** Characters that end a label or begin something else in Mermaid, as its numeric entities; `#` itself first. */
const escaped = (label: string): string =>
  label
    .replaceAll('#', '#35;')
    .replaceAll(/(?<!#35);/g, '#59;')
    .replaceAll(':', '#58;')
    .replaceAll('"', '#34;')
    .replaceAll('<', '#60;')
    .replaceAll('>', '#62;')
    .replaceAll('{', '#123;')
    .replaceAll('}', '#125;');

/** Conditions longer than this stand in the table only. */
const maxGuardChars = 32;

const labelOf = ({ label, guard, kind }: ChartTransition): string => {
  const event = kind === 'always' && guard !== null ? '' : label;
  const shown = guard !== null && guard.length > maxGuardChars ? '…' : guard;
  return escaped(`${event}${shown === null ? '' : ` [${shown}]`}`.trim());
};

type Edge = { readonly source: string; readonly target: string; readonly label: string };

/** Transitions that lead somewhere; several between the same two states become one with a line for each. */
const edgesOf = (chart: Chart): readonly Edge[] => {
  const labels = new Map<string, { source: string; target: string; lines: string[] }>();
  for (const state of statesUnder(chart.root)) {
    for (const transition of state.transitions) {
      for (const target of transition.targets) {
        const key = `${state.id} ${target}`;
        const edge = labels.get(key) ?? { source: state.id, target, lines: [] };
        const line = labelOf(transition);
        if (!edge.lines.includes(line)) edge.lines.push(line);
        labels.set(key, edge);
      }
    }
  }
  return [...labels.values()].map(({ source, target, lines }) => ({
    source,
    target,
    label: lines.join('<br/>'),
  }));
};

const edgeLine = ({ source, target, label }: Edge): string =>
  `${mermaidId(source)} --> ${mermaidId(target)} : ${label}`;

const indent = (lines: readonly string[]): readonly string[] => lines.map((line) => `  ${line}`);

/** The states of one level, and the edges between them. */
const levelLines = (state: ChartState, edges: readonly Edge[]): readonly string[] => {
  const ids = new Set(state.states.map(({ id }) => id));
  const inside = edges.filter(({ source, target }) => ids.has(source) && ids.has(target));
  const start = state.initial === null ? [] : [`[*] --> ${mermaidId(state.initial)}`];
  const ends = state.states
    .filter(({ type }) => type === 'final')
    .map(({ id }) => `${mermaidId(id)} --> [*]`);
  return [
    ...start,
    ...state.states.flatMap((child) => stateLines(child, edges)),
    ...inside.map(edgeLine),
    ...ends,
  ];
};

const stateLines = (state: ChartState, edges: readonly Edge[]): readonly string[] => {
  const name = state.type === 'parallel' ? `${state.key}, all at once` : state.key;
  const head = `state "${escaped(name)}" as ${mermaidId(state.id)}`;
  if (state.states.length === 0) return [head];
  return [`${head} {`, ...indent(levelLines(state, edges)), '}'];
};

/**
 * A chart as the text of a Mermaid `stateDiagram-v2`.
 *
 * An edge stands in the block that holds both its ends. Edges between levels stand at the end, outside of every block:
 * inside one, Mermaid would draw a state that is only mentioned there as if it belonged there. Regions are boxes side by
 * side and not parted by `--`, with which Mermaid 11 fails as soon as a region holds a box (mermaid #4052).
 */
export const mermaidOf = (chart: Chart): string => {
  const edges = edgesOf(chart);
  const parentOf = new Map(
    statesUnder(chart.root).flatMap((state) => state.states.map(({ id }) => [id, state.id] as const)),
  );
  const across = edges.filter(({ source, target }) => parentOf.get(source) !== parentOf.get(target));
  const body = chart.root.type === 'parallel' ? stateLines(chart.root, edges) : levelLines(chart.root, edges);
  // The root of a machine is a box of its own only where it has regions; elsewhere nothing leads out of it.
  const fromRoot = across.filter(({ source }) => source !== chart.root.id || chart.root.type === 'parallel');
  const fromAnywhere = across.filter((edge) => !fromRoot.includes(edge));
  const notes = fromAnywhere.map(
    ({ target, label }) => `note right of ${mermaidId(target)} : from any state, ${label}`,
  );
  return `${['stateDiagram-v2', ...indent([...body, ...fromRoot.map(edgeLine), ...notes])].join('\n')}\n`;
};
