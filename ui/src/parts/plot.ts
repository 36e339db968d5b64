import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { colourIn } from './colours.ts';

/** One line of a chart: nulls are gaps. */
export type PlotSeries = {
  readonly label: string;
  readonly values: readonly (number | null)[];
};

export type PlotOptions = {
  readonly xs: readonly number[];
  readonly series: readonly PlotSeries[];
  readonly width: number;
  readonly height: number;
  readonly xLabel: string;
  readonly showX: (x: number) => string;
  readonly showY: (y: number | null) => string;
  /** Bounds of the value axis; those of the values where absent. */
  readonly range: readonly [number, number] | undefined;
};

export type Plot = {
  readonly setSize: (width: number, height: number) => void;
  readonly setData: (xs: readonly number[], series: readonly PlotSeries[]) => void;
  readonly destroy: () => void;
};

const dataOf = (xs: readonly number[], series: readonly PlotSeries[]): uPlot.AlignedData =>
  [[...xs], ...series.map(({ values }) => [...values])] as uPlot.AlignedData;

const axisOf = (element: HTMLElement, show: (value: number) => string, size: number): uPlot.Axis => ({
  stroke: colourIn(element, 'muted'),
  font: `11px ${getComputedStyle(element).fontFamily}`,
  size,
  gap: 4,
  grid: { stroke: colourIn(element, 'line'), width: 1 },
  ticks: { show: false },
  values: (_, values) => values.map((value) => show(value)),
});

/** Draws a chart into an element with the colours of the theme; to be drawn anew when the theme changes. */
export const openPlot = (element: HTMLElement, options: PlotOptions): Plot => {
  const { showX, showY, range } = options;
  const plot = new uPlot(
    {
      width: options.width,
      height: options.height,
      padding: [8, 18, 0, 0],
      cursor: { points: { size: 6 }, drag: { x: false, y: false } },
      legend: { live: true },
      scales: { x: { time: false }, y: range === undefined ? {} : { range: [range[0], range[1]] } },
      axes: [axisOf(element, showX, 26), axisOf(element, showY, 52)],
      series: [
        { label: options.xLabel, value: (_, x) => (x === null ? '–' : showX(x)) },
        ...options.series.map(({ label }, index) => ({
          label,
          stroke: colourIn(element, `series-${index + 1}`),
          width: 1.5,
          // One lonely value has no line to be seen by.
          points: { show: options.xs.length < 3 },
          value: (_: uPlot, y: number | null) => showY(y),
        })),
      ],
    },
    dataOf(options.xs, options.series),
    element,
  );
  /** The legend shows the newest figures unless the pointer is on others. */
  const showNewest = (): void => plot.setLegend({ idx: Math.max(0, plot.data[0].length - 1) });
  plot.over.addEventListener('mouseleave', showNewest);
  showNewest();
  return {
    setSize: (width, height) => {
      plot.setSize({ width, height });
      showNewest();
    },
    setData: (xs, series) => {
      plot.setData(dataOf(xs, series));
      if ((plot.cursor.left ?? -1) < 0) showNewest();
    },
    destroy: () => plot.destroy(),
  };
};
