import type { RefObject } from 'preact';
import { useMemo } from 'preact/hooks';

import { type ChartState, statesUnder } from '../../../src/inspector/chart.ts';
import { type Layout, type Mark, metrics, type TransitionLayout } from '../../../src/inspector/layout.ts';
import { roundedPath } from '../../../src/inspector/svg.ts';
import { scrollable } from '../parts/scrollable.ts';
import type { ChartFile } from './chartFiles.ts';

const inset = 3;
/** From the top of a label to the base line of its first line. */
const baseLinePx = 12;
const litDotPx = 4.5;

type StateProps = { state: ChartState; layout: Layout; depth: number; isRegion: boolean };

/** The box of a state and what is written in it; the dot in its corner shows where it is lit. */
const StateBox = ({ state, layout, depth, isRegion }: StateProps) => {
  const box = layout.states[state.id];
  if (box === undefined) return null;
  const { x, y, width, height } = box;
  const kind = `${depth % 2 === 1 ? ' chart-deep' : ''}${isRegion ? ' chart-region' : ''}`;
  return (
    <>
      <g data-state={state.id} class="chart-state">
        <rect class={`chart-box${kind}`} x={x} y={y} width={width} height={height} rx="6" />
        {state.type === 'final' ? (
          <rect
            class="chart-final"
            x={x + inset}
            y={y + inset}
            width={width - 2 * inset}
            height={height - 2 * inset}
            rx="4"
          />
        ) : null}
        <circle class="chart-lit" cx={x + width - 2} cy={y + 2} r={litDotPx} />
        {box.texts.map((line) => (
          <text key={`${line.y}`} class={`chart-${line.kind}`} x={line.x} y={line.y}>
            {line.text}
          </text>
        ))}
      </g>
      {state.states.map((child) => (
        <StateBox
          key={child.id}
          state={child}
          layout={layout}
          depth={depth + 1}
          isRegion={state.type === 'parallel'}
        />
      ))}
    </>
  );
};

const MarkShape = ({ mark }: { mark: Mark }) => (
  <>
    {mark.points.map((points) => (
      <path
        key={roundedPath(points)}
        class="chart-edge"
        marker-end="url(#chart-head)"
        d={roundedPath(points)}
      />
    ))}
    <circle class={`chart-mark-${mark.kind}`} cx={mark.x} cy={mark.y} r={mark.radius} />
  </>
);

const Label = ({ id, part }: { id: string; part: TransitionLayout }) => {
  const { x, y, width, height, lines } = part.label;
  return (
    <g data-transition={id} class={`chart-label${part.points.length === 0 ? ' chart-listed' : ''}`}>
      <rect class="chart-tag" x={x} y={y} width={width} height={height} rx="3" />
      {lines.map((line, row) => (
        <text
          key={`${row} ${line}`}
          class={line.startsWith('[') ? 'chart-guard' : 'chart-event'}
          x={x + metrics.labelPaddingPx}
          y={y + row * metrics.linePx + baseLinePx}
        >
          {line}
        </text>
      ))}
    </g>
  );
};

const Heads = () => (
  <defs>
    {['chart-head', 'chart-head-last'].map((id) => (
      <marker
        key={id}
        id={id}
        viewBox="0 0 8 8"
        refX="7"
        refY="4"
        markerWidth="7"
        markerHeight="7"
        markerUnits="userSpaceOnUse"
        orient="auto"
      >
        <path class={id} d="M0 0L8 4L0 8z" />
      </marker>
    ))}
  </defs>
);

const partsOf = ({ chart, layout }: ChartFile): readonly (readonly [string, TransitionLayout])[] =>
  statesUnder(chart.root).flatMap(({ transitions }) =>
    transitions.flatMap(({ id }): readonly (readonly [string, TransitionLayout])[] => {
      const part = layout.transitions[id];
      return part === undefined ? [] : [[id, part]];
    }),
  );

/** Everything of a chart that does not change while it is looked at; lit by `createLights`. */
const Drawing = ({ file }: { file: ChartFile }) => {
  const parts = partsOf(file);
  // Transitions between the same two states share a line.
  const edges = new Set(parts.flatMap(([, { points }]) => points.map(roundedPath)));
  return (
    <>
      <Heads />
      <StateBox state={file.chart.root} layout={file.layout} depth={0} isRegion={false} />
      {[...edges].map((edge) => (
        <path key={edge} class="chart-edge" marker-end="url(#chart-head)" d={edge} />
      ))}
      {file.layout.marks.map((mark) => (
        <MarkShape key={`${mark.state} ${mark.x} ${mark.y}`} mark={mark} />
      ))}
      {parts.flatMap(([id, { points }]) =>
        points.map((line, index) => (
          <path
            key={`${id} ${index}`}
            data-transition={id}
            class="chart-taken"
            marker-end="url(#chart-head-last)"
            d={roundedPath(line)}
          />
        )),
      )}
      {parts.map(([id, part]) => (
        <Label key={id} id={id} part={part} />
      ))}
    </>
  );
};

type Props = { file: ChartFile; svg: RefObject<SVGSVGElement | null>; label: string };

/** The element that the reader moves with the pointer and the keys. */
export const ChartSvg = ({ file, svg, label }: Props) => {
  // The same node again is left alone, so that a new label does not compare a thousand elements.
  const drawing = useMemo(() => <Drawing file={file} />, [file]);
  return (
    <svg ref={svg} class="chart" role="img" aria-label={label} {...scrollable}>
      {drawing}
    </svg>
  );
};
