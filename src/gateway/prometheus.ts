import * as Context from 'effect/Context';
import * as Metric from 'effect/Metric';
import * as PrometheusMetrics from 'effect/observability/PrometheusMetrics';

/** Upper bounds of a histogram with how many values are at most as large, sum and number of all values. */
export type Distribution = {
  /** Ascending; the bucket of all values is added by the format. */
  readonly buckets: readonly (readonly [bound: number, atMost: number])[];
  readonly sum: number;
  readonly count: number;
};

/** One series of a metric. */
export type Series = {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number | Distribution;
};

/** A metric with all its series, as one scrape finds them. */
export type MetricFamily = {
  /** Complete name, prefix included. */
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly series: readonly Series[];
};

/** Prometheus's text format, version 0.0.4. */
export const prometheusContentType = 'text/plain; version=0.0.4; charset=utf-8';

/** A registry of its own holds what this scrape has read; nothing of it lives on. */
const emptyRegistry = (): Context.Context<never> =>
  Context.add(Context.empty(), Metric.MetricRegistry, new Map()) as Context.Context<never>;

const asDistribution = (value: Series['value']): Distribution =>
  typeof value === 'number' ? { buckets: [], sum: value, count: 1 } : value;

const asNumber = (value: Series['value']): number => (typeof value === 'number' ? value : value.sum);

const ignore = (): void => {};

const register = (registry: Context.Context<never>, { name, help, type }: MetricFamily, series: Series) => {
  const options = { description: help, attributes: series.labels };
  const hooks = { update: ignore, modify: ignore };
  if (type === 'counter') {
    const state = { count: asNumber(series.value), incremental: true };
    Metric.registerUnsafe(Metric.counter(name, options), registry, { ...hooks, get: () => state });
  } else if (type === 'gauge') {
    const state = { value: asNumber(series.value) };
    Metric.registerUnsafe(Metric.gauge(name, options), registry, { ...hooks, get: () => state });
  } else {
    const { buckets, sum, count } = asDistribution(series.value);
    const state = { buckets: buckets.map(([bound, atMost]) => [bound, atMost] as [number, number]) };
    const boundaries = buckets.map(([bound]) => bound);
    Metric.registerUnsafe(Metric.histogram(name, { ...options, boundaries }), registry, {
      ...hooks,
      get: () => ({ ...state, min: 0, max: 0, sum, count }),
    });
  }
};

/** The text that `GET /metrics` answers. Families without a series are left out. */
export const prometheusText = (families: readonly MetricFamily[]): string => {
  const registry = emptyRegistry();
  for (const family of families) {
    for (const series of family.series) register(registry, family, series);
  }
  return PrometheusMetrics.formatUnsafe(registry);
};
