import { linePoints } from './lines.ts';

const width = 100;
const height = 32;

/** The trend of a value without axes; the figures beside it say where it stands. */
export const Sparkline = (props: {
  label: string;
  values: readonly number[];
  /** Bounds of the value axis; those of the values where absent. */
  from?: number;
  to?: number;
  heightPx?: number;
}) => {
  if (props.values.length < 2) return null;
  const points = linePoints({ ...props, width, height }).map(([x, y]) => `${x.toFixed(2)},${y.toFixed(2)}`);
  return (
    <svg
      class="spark"
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      height={props.heightPx ?? height}
      role="img"
      aria-label={props.label}
    >
      <polygon class="spark-area" points={`0,${height} ${points.join(' ')} ${width},${height}`} />
      <polyline class="spark-line" points={points.join(' ')} />
    </svg>
  );
};
