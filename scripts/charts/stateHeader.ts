import type { ChartState, ChartTransition } from '../../src/inspector/chart.ts';
import {
  type Box,
  invokeLines,
  labelLine,
  metrics,
  type TextLine,
  textWidthPx,
  titleOf,
  titleWidthPx,
} from '../../src/inspector/layout.ts';

/** A transition that is listed inside of its state. */
type Listed = Box & { readonly transition: ChartTransition; readonly line: string };

/** The part of a state above whatever is inside of it, from its own upper left corner. */
export type StateHeader = {
  readonly width: number;
  readonly height: number;
  readonly texts: readonly TextLine[];
  readonly listed: readonly Listed[];
};

/** How a state with states in it makes room for its header, whose width those inside know nothing of. */
export type Fitting = { readonly columns: number; readonly extraPx: number };

export type Fittings = ReadonlyMap<string, Fitting>;

/** Transitions that keep their state are listed in so many rows before a further column begins. */
const maxRows = 12;
const columnGapPx = 12;

const { paddingPx, titleHeightPx, linePx, labelPaddingPx } = metrics;

const isKept = ({ targets }: ChartTransition): boolean => targets.length === 0;

const usualColumns = (state: ChartState): number =>
  Math.ceil(state.transitions.filter(isKept).length / maxRows);

const columnsOf = (lines: readonly string[], columns: number): readonly (readonly string[])[] => {
  const rows = Math.ceil(lines.length / Math.max(1, columns));
  return Array.from({ length: columns }, (_, column) => lines.slice(column * rows, (column + 1) * rows));
};

const listing = (kept: readonly ChartTransition[], top: number, columns: number): readonly Listed[] => {
  let x: number = paddingPx - labelPaddingPx;
  let index = 0;
  return columnsOf(kept.map(labelLine), columns).flatMap((lines) => {
    const width = Math.max(...lines.map(textWidthPx)) + 2 * labelPaddingPx;
    const column = lines.flatMap((line, row) => {
      const transition = kept[index];
      index += 1;
      return transition === undefined
        ? []
        : [{ transition, line, x, y: top + row * linePx, width, height: linePx }];
    });
    x += width + columnGapPx;
    return column;
  });
};

/** Title, what runs in the state, and the transitions that keep it. */
export const headerOf = (state: ChartState, columns: number = usualColumns(state)): StateHeader => {
  const title = titleOf(state);
  const invokes = invokeLines(state);
  const texts: TextLine[] = [
    { kind: 'title', x: paddingPx, y: 17, text: title },
    ...invokes.map((text, row) => ({
      kind: 'invoke' as const,
      x: paddingPx,
      y: titleHeightPx + row * linePx + 11,
      text,
    })),
  ];
  const top = titleHeightPx + invokes.length * linePx;
  const listed = listing(state.transitions.filter(isKept), top, columns);
  const widths = [
    titleWidthPx(title) + paddingPx,
    ...invokes.map((text) => textWidthPx(text) + paddingPx),
    ...listed.map(({ x, width }) => x + width),
  ];
  const bottoms = listed.map(({ y, height }) => y + height);
  return {
    width: Math.max(...widths) + paddingPx,
    height: Math.max(top, ...bottoms) + labelPaddingPx,
    texts,
    listed,
  };
};

/** A header that fits into the width that the inside of its state has come to; more rows first, more width at last. */
export const fittingOf = (state: ChartState, widthPx: number, before: Fitting | undefined): Fitting => {
  const extraPx = before?.extraPx ?? 0;
  for (let columns = usualColumns(state); columns > 1; columns -= 1) {
    if (headerOf(state, columns).width <= widthPx) return { columns, extraPx };
  }
  return { columns: 1, extraPx: extraPx + Math.max(0, headerOf(state, 1).width - widthPx) };
};
