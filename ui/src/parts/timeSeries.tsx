import { useEffect, useRef, useState } from 'preact/hooks';

import { countText, fractionText } from '../format.ts';
import { usePreferences } from '../preferences.ts';
import type { Plot, PlotSeries } from './plot.ts';
import { Table } from './table.tsx';
import './timeSeries.css';

type Props = {
  /** What the chart shows, for who cannot see it and as the caption of its table. */
  label: string;
  xLabel: string;
  xs: readonly number[];
  series: readonly PlotSeries[];
  showX?: (x: number) => string;
  showY?: (y: number | null) => string;
  range?: readonly [number, number];
  heightPx?: number;
};

/** Keeps a canvas in step with its width, its data and the theme; the library is fetched with the first chart. */
const usePlot = (props: Required<Pick<Props, 'showX' | 'showY' | 'heightPx'>> & Props) => {
  const element = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const { isDark, zone } = usePreferences();
  const labels = props.series.map(({ label }) => label).join('\n');
  useEffect(() => {
    const host = element.current;
    if (host === null) return;
    let isGone = false;
    const width = (): number => Math.max(120, host.clientWidth);
    const observer = new ResizeObserver(() => plot.current?.setSize(width(), latest.current.heightPx));
    void import('./plot.ts').then(({ openPlot }) => {
      if (isGone) return;
      const { heightPx: height, range, ...rest } = latest.current;
      plot.current = openPlot(host, { ...rest, range, height, width: width() });
      observer.observe(host);
    });
    return () => {
      isGone = true;
      observer.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [isDark, zone, labels, props.xs.length < 3]);
  useEffect(() => plot.current?.setData(props.xs, props.series), [props.xs, props.series]);
  return element;
};

const tableRows = 200;

const Figures = ({
  props,
  showX,
  showY,
}: {
  props: Props;
  showX: (x: number) => string;
  showY: (y: number | null) => string;
}) => (
  <Table
    caption={props.label}
    rows={props.xs.map((x, index) => ({ x, index })).slice(-tableRows)}
    keyOf={({ x }) => x}
    columns={[
      { key: 'x', title: props.xLabel, show: ({ x }) => showX(x), sort: ({ x }) => x },
      ...props.series.map(({ label, values }) => ({
        key: label,
        title: label,
        isRight: true,
        show: ({ index }: { index: number }) => showY(values[index] ?? null),
      })),
    ]}
  />
);

/** A chart of values over epochs, blocks or time. The same figures are in a table below, for who wants or needs them. */
export const TimeSeries = (props: Props) => {
  const { showX = countText, showY = fractionText, heightPx = 190 } = props;
  const element = usePlot({ ...props, showX, showY, heightPx });
  const [isOpen, setOpen] = useState(false);
  return (
    <figure class="series">
      <div ref={element} class="series-plot" role="img" aria-label={props.label} />
      <details class="series-table" onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>Figures</summary>
        {isOpen ? <Figures props={props} showX={showX} showY={showY} /> : null}
      </details>
    </figure>
  );
};
