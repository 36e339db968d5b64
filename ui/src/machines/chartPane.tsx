import type { RefObject } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';

import type { ActorView } from '../../../src/domain/view/inspection.ts';
import { statesUnder } from '../../../src/inspector/chart.ts';
import { percentText } from '../format.ts';
import { EmptyState } from '../parts/panel.tsx';
import { type ChartAnswer, type ChartFile, useChart } from './chartFiles.ts';
import { createLights } from './chartLights.ts';
import { ChartSvg } from './chartSvg.tsx';
import { type Tip, tipsOf } from './chartTip.ts';
import type { Feed } from './feed.ts';
import { type PanZoom, usePanZoom } from './panZoom.ts';
import { leavesOf, stateLabel } from './tree.ts';

const ZoomTools = ({ zoom, by }: { zoom: number; by: PanZoom }) => (
  <fieldset class="chart-tools" aria-label="Zoom of the chart">
    <button type="button" class="button" onClick={() => by.zoom(1 / 1.25)} aria-label="Zoom out">
      −
    </button>
    <button type="button" class="button chart-percent" onClick={by.actual} title="Natural size (1)">
      {percentText(zoom, 0)}
    </button>
    <button type="button" class="button" onClick={() => by.zoom(1.25)} aria-label="Zoom in">
      +
    </button>
    <button type="button" class="button" onClick={by.focus} title="To the active states (a)">
      Active
    </button>
    <button type="button" class="button" onClick={by.fit} title="The whole chart (0)">
      Fit
    </button>
  </fieldset>
);

type ShownTip = { readonly tip: Tip; readonly x: number; readonly y: number };

const tipSizePx = { width: 300, height: 190 };

/** The tip of what is under the pointer, or was touched last. */
const useTip = (pane: RefObject<HTMLDivElement | null>, file: ChartFile) => {
  const [shown, setShown] = useState<ShownTip | null>(null);
  const tips = useMemo(() => tipsOf(file.chart), [file]);
  const onPointer = (event: PointerEvent): void => {
    const at =
      event.target instanceof Element ? event.target.closest('[data-state], [data-transition]') : null;
    const id = at?.getAttribute('data-transition') ?? at?.getAttribute('data-state') ?? '';
    const tip = tips.get(id);
    const box = pane.current?.getBoundingClientRect();
    if (tip === undefined || box === undefined) {
      setShown(null);
      return;
    }
    // Kept within the pane, and beside the pointer.
    const left = event.clientX - box.left + 14;
    const top = event.clientY - box.top + 14;
    const x = Math.max(4, Math.min(left, box.width - tipSizePx.width - 4));
    const y = top + tipSizePx.height > box.height ? Math.max(4, top - tipSizePx.height - 20) : top;
    setShown((was) => (was?.tip === tip ? was : { tip, x, y }));
  };
  return { shown, onPointer, hide: () => setShown(null) };
};

const TipBox = ({ tip, x, y }: ShownTip) => (
  <div class="chart-tip" role="tooltip" style={{ left: `${x}px`, top: `${y}px` }}>
    <strong>{tip.title}</strong>
    {tip.description === null ? null : <p>{tip.description}</p>}
    <dl>
      {tip.lines.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  </div>
);

/** The innermost active states, those first that the last transition led to. */
const newestFirst = ({ chart }: ChartFile, { states, lastTransitions }: ActorView): readonly string[] => {
  const taken = statesUnder(chart.root).flatMap(({ transitions }) =>
    transitions.filter(({ id }) => lastTransitions.includes(id)),
  );
  const targets = taken.flatMap((transition) => transition.targets);
  const isNew = (id: string): boolean =>
    targets.some((target) => id === target || id.startsWith(`${target}.`));
  const leaves = leavesOf(states);
  return [...leaves.filter(isNew), ...leaves.filter((id) => !isNew(id))];
};

type DrawnProps = { file: ChartFile; feed: Feed; actor: ActorView; svg: RefObject<SVGSVGElement | null> };

const Drawn = ({ file, feed, actor, svg }: DrawnProps) => {
  const pane = useRef<HTMLDivElement>(null);
  const { zoom, by } = usePanZoom(svg, file.layout, () =>
    newestFirst(file, actor).flatMap((id) => file.layout.states[id] ?? []),
  );
  const tip = useTip(pane, file);
  const { sessionId } = actor;
  useEffect(() => {
    if (svg.current === null) return;
    const light = createLights(svg.current);
    const follow = (): void => {
      const now = feed.shown().actors.get(sessionId);
      light(now?.states ?? [], now?.lastTransitions ?? []);
    };
    follow();
    const end = feed.onFrame(follow);
    return () => {
      end();
      light([], []);
    };
  }, [feed, file, sessionId]);
  return (
    <div
      ref={pane}
      class="chart-pane"
      onPointerMove={tip.onPointer}
      onPointerDown={tip.onPointer}
      onPointerLeave={tip.hide}
    >
      <div class="chart-frame">
        <ChartSvg
          file={file}
          svg={svg}
          label={`Statechart of ${file.chart.id}, active: ${stateLabel(actor)}`}
        />
      </div>
      <ZoomTools zoom={zoom} by={by} />
      {tip.shown === null ? null : <TipBox {...tip.shown} />}
    </div>
  );
};

const Missing = ({ answer }: { answer: Exclude<ChartAnswer, { state: 'here' }> }) => {
  if (answer.state === 'loading') return <EmptyState title="Loading the chart" />;
  if (answer.state === 'failed') {
    return (
      <EmptyState title="The chart could not be loaded">
        {answer.reason}. Reload the page to try again.
      </EmptyState>
    );
  }
  return (
    <EmptyState title="This actor is no machine">
      It has no states to draw: a call, a link or a watch of the outside. Its messages are on the right.
    </EmptyState>
  );
};

/** The chosen machine as a drawing whose active states and last transitions are lit. */
export const ChartPane = (props: {
  feed: Feed;
  actor: ActorView | null;
  svg: RefObject<SVGSVGElement | null>;
}) => {
  const answer = useChart(props.actor?.chart ?? null);
  if (props.actor === null) {
    return <EmptyState title="No actor is chosen">Choose one of the tree, or of the log.</EmptyState>;
  }
  if (answer.state !== 'here') return <Missing answer={answer} />;
  const { file } = answer;
  return <Drawn key={file.chart.id} file={file} feed={props.feed} actor={props.actor} svg={props.svg} />;
};
