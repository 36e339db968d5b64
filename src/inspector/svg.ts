import { type Chart, type ChartState, statesUnder } from './chart.ts';
import { type Box, type Layout, type Mark, metrics, type Point, type TransitionLayout } from './layout.ts';

/** Both themes in one file; a page that shows it as an image cannot style it. */
const style = `
svg { color-scheme: light dark; --bg: #ffffff; --box: #f6f8fa; --inner: #ffffff; --line: #8c959f; --text: #1f2328; --muted: #59636e; --edge: #57606a; --tag: #eaeef2; }
@media (prefers-color-scheme: dark) { svg { --bg: #0d1117; --box: #161b22; --inner: #0d1117; --line: #4d5661; --text: #e6edf3; --muted: #9198a1; --edge: #9198a1; --tag: #262c36; } }
.bg { fill: var(--bg); }
.state { fill: var(--box); stroke: var(--line); }
.state.deep { fill: var(--inner); }
.region { stroke-dasharray: 5 4; }
.final { fill: none; stroke: var(--line); }
.edge { fill: none; stroke: var(--edge); stroke-width: 1.2; }
.head, .dot { fill: var(--edge); }
.any { fill: var(--box); stroke: var(--edge); stroke-width: 1.5; }
.tag { fill: var(--tag); }
text { font-family: ui-monospace, SFMono-Regular, "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: ${metrics.textPx}px; fill: var(--text); }
text { paint-order: stroke; stroke: var(--box); stroke-width: 2.5px; stroke-linejoin: round; }
.deep ~ text { stroke: var(--inner); }
[data-transition] text { stroke: none; }
text.title { font-size: ${metrics.titlePx}px; font-weight: 600; }
text.invoke, text.guard { fill: var(--muted); }`;

/** Characters that XML 1.0 cannot hold at all become one that it can. */
const printable = (text: string): string =>
  [...text].map((char) => (char < ' ' && char !== '\n' && char !== '\t' ? '\u{fffd}' : char)).join('');

const escaped = (text: string): string =>
  printable(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');

/** How far a corner of a line is cut off. */
const cornerPx = 6;

const towards = ([x, y]: Point, [tx, ty]: Point, most: number): Point => {
  const length = Math.hypot(tx - x, ty - y);
  const share = length === 0 ? 0 : Math.min(most, length / 2) / length;
  return [x + (tx - x) * share, y + (ty - y) * share];
};

const at = ([x, y]: Point): string => `${Math.round(x * 10) / 10} ${Math.round(y * 10) / 10}`;

/** A polyline with round corners, as the `d` of a path. */
export const roundedPath = (points: readonly Point[]): string =>
  points
    .map((point, index) => {
      const before = points[index - 1];
      const after = points[index + 1];
      if (before === undefined) return `M${at(point)}`;
      if (after === undefined) return `L${at(point)}`;
      return `L${at(towards(point, before, cornerPx))}Q${at(point)} ${at(towards(point, after, cornerPx))}`;
    })
    .join('');

const rect = ({ x, y, width, height }: Box, attributes: string): string =>
  `<rect x="${x}" y="${y}" width="${width}" height="${height}" ${attributes}/>`;

const textAt = (x: number, y: number, text: string, kind = ''): string =>
  `<text x="${x}" y="${y}"${kind === '' ? '' : ` class="${kind}"`}>${escaped(text)}</text>`;

const inset = ({ x, y, width, height }: Box, px: number): Box => ({
  x: x + px,
  y: y + px,
  width: width - 2 * px,
  height: height - 2 * px,
});

const stateLines = (
  state: ChartState,
  depth: number,
  layout: Layout,
  isRegion: boolean,
): readonly string[] => {
  const box = layout.states[state.id];
  if (box === undefined) return [];
  const classes = ['state', ...(depth % 2 === 1 ? ['deep'] : []), ...(isRegion ? ['region'] : [])].join(' ');
  const title = state.description === null ? '' : `<title>${escaped(state.description)}</title>`;
  return [
    `<g data-state="${escaped(state.id)}">${title}`,
    rect(box, `rx="6" class="${classes}"`),
    ...(state.type === 'final' ? [rect(inset(box, 3), 'rx="4" class="final"')] : []),
    ...box.texts.map(({ kind, x, y, text }) => textAt(x, y, text, kind)),
    '</g>',
    ...state.states.flatMap((child) => stateLines(child, depth + 1, layout, state.type === 'parallel')),
  ];
};

const pathOf = (points: readonly Point[]): string =>
  `<path class="edge" marker-end="url(#head)" d="${roundedPath(points)}"/>`;

const labelTexts = ({ label }: TransitionLayout): readonly string[] =>
  label.lines.map((line, row) => {
    const y = label.y + row * metrics.linePx + 12;
    return textAt(label.x + metrics.labelPaddingPx, y, line, line.startsWith('[') ? 'guard' : '');
  });

const isListed = ({ points }: TransitionLayout): boolean => points.length === 0;

const markLines = ({ kind, x, y, radius, points }: Mark): readonly string[] => [
  ...points.map(pathOf),
  `<circle cx="${x}" cy="${y}" r="${radius}" class="${kind === 'any' ? 'any' : 'dot'}"/>`,
];

const transitionParts = (chart: Chart, layout: Layout): readonly (readonly [string, TransitionLayout])[] =>
  statesUnder(chart.root).flatMap(({ transitions }) =>
    transitions.flatMap(({ id }): readonly (readonly [string, TransitionLayout])[] => {
      const part = layout.transitions[id];
      return part === undefined ? [] : [[id, part]];
    }),
  );

/** Transitions between the same two states share a line, which is drawn once. */
const edgeLines = (parts: readonly (readonly [string, TransitionLayout])[]): readonly string[] => [
  ...new Set(parts.flatMap(([, { points }]) => points.map(pathOf))),
];

const tagLines = (parts: readonly (readonly [string, TransitionLayout])[]): readonly string[] =>
  parts.flatMap(([id, part]) => [
    `<g data-transition="${escaped(id)}">`,
    ...(isListed(part) ? [] : [rect(part.label, 'rx="3" class="tag"')]),
    ...labelTexts(part),
    '</g>',
  ]);

/**
 * A statechart as a picture of its own: no script, no font, nothing fetched; light or dark as the reader's system is.
 *
 * A dot is where a state begins, a ring stands for whatever state inside is active, a dashed box is a region of a state
 * whose regions are all active at once, and a double line a final state. Transitions that keep their state are listed
 * in it.
 */
export const svgOf = (chart: Chart, layout: Layout): string => {
  const { width, height, marks } = layout;
  const parts = transitionParts(chart, layout);
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Statechart of ${escaped(chart.id)}">`,
    `<style>${style}\n</style>`,
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="head" d="M0 0L8 4L0 8z"/></marker></defs>',
    `<rect class="bg" width="${width}" height="${height}"/>`,
    ...stateLines(chart.root, 0, layout, false),
    ...edgeLines(parts),
    ...marks.flatMap(markLines),
    ...tagLines(parts),
    '</svg>',
  ];
  return `${lines.join('\n')}\n`;
};
