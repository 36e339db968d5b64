export type SortValue = number | string | boolean | null | undefined;

const compare = (a: SortValue, b: SortValue): number => {
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0;
  return Number(a) - Number(b);
};

/** Rows by a value of theirs. What has no value comes last in either direction; equals stay as they were. */
export const sorted = <Row>(
  rows: readonly Row[],
  keyOf: (row: Row) => SortValue,
  isDescending: boolean,
): readonly Row[] => {
  const sign = isDescending ? -1 : 1;
  return rows.toSorted((first, second) => {
    const a = keyOf(first) ?? null;
    const b = keyOf(second) ?? null;
    if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
    return sign * compare(a, b);
  });
};
