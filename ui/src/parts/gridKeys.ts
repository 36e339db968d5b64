/**
 * Index of the cell that an arrow key leads to, in a grid filled row by row; the same index where there is none.
 * @param columns cells of a row
 * @param count cells of the grid
 */
export const movedIndex = (options: {
  readonly key: string;
  readonly index: number;
  readonly columns: number;
  readonly count: number;
}): number => {
  const { key, index, columns, count } = options;
  const steps: Readonly<Record<string, number>> = {
    ArrowLeft: index - 1,
    ArrowRight: index + 1,
    ArrowUp: index - columns,
    ArrowDown: index + columns,
    Home: index - (index % columns),
    End: Math.min(count - 1, index - (index % columns) + columns - 1),
    PageUp: index % columns,
    PageDown: count - 1 - ((count - 1 - (index % columns)) % columns),
  };
  const moved = steps[key];
  return moved === undefined || moved < 0 || moved >= count ? index : moved;
};

/** Cells of a row, a power of two so that uids are easy to find, for a width in pixels. */
export const columnsFor = (width: number, cellPx: number): number => {
  const fitting = Math.max(1, Math.floor(width / cellPx));
  return Math.min(32, 2 ** Math.floor(Math.log2(fitting)));
};
