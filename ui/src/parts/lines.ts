/** Points of a line through values at even distances, in a box whose origin is at the upper left. */
export const linePoints = (options: {
  readonly values: readonly number[];
  readonly width: number;
  readonly height: number;
  readonly from?: number;
  readonly to?: number;
}): readonly (readonly [number, number])[] => {
  const { values, width, height } = options;
  const low = options.from ?? Math.min(...values);
  const high = options.to ?? Math.max(...values);
  const span = high - low;
  const step = values.length > 1 ? width / (values.length - 1) : 0;
  return values.map((value, index) => {
    // A flat line is drawn in the middle.
    const share = span === 0 ? 0.5 : Math.min(1, Math.max(0, (value - low) / span));
    return [index * step, height - share * height];
  });
};
