import type { InspectionEvent } from 'xstate';

import type { CommonSlices } from '../../domain/view/commonView.ts';
import type { MinerSlices } from '../../domain/view/minerView.ts';
import type { ValidatorSlices } from '../../domain/view/validatorView.ts';
import { type MetricFamily, prometheusText, type Series } from '../../gateway/prometheus.ts';
import { createCounting } from './counting.ts';
import {
  definitionsOf,
  type MetricDefinition,
  type MetricName,
  metricPrefix,
  type Reading,
} from './definitions.ts';
import { type NodeRuntime, watchNodeRuntime } from './nodeRuntime.ts';
import { commonReadings, minerReadings, validatorReadings } from './viewReadings.ts';

type Common = {
  readonly version: string;
  /** A series for each uid as well: 256 more of two metrics. */
  readonly isPerUid?: boolean;
  /** Wall clock, milliseconds. */
  readonly now?: () => number;
  readonly nodeRuntime?: NodeRuntime;
};

export type MetricsOptions = Common &
  (
    | { readonly role: 'validator'; readonly slices: () => ValidatorSlices }
    | { readonly role: 'miner'; readonly slices: () => MinerSlices }
  );

export type Metrics = {
  /** For the root's one inspector: never throws, and costs next to nothing. */
  readonly onInspection: (event: InspectionEvent) => void;
  /** From acceptance of a text to its answer, seconds. */
  readonly observeInference: (seconds: number) => void;
  /** Prometheus's text of this moment. Never rejects: what cannot be read is left out and counted. */
  readonly render: () => Promise<string>;
  readonly close: () => void;
};

/** Bounds of `inference_seconds`: from an idle GPU to the longest deadline. */
const inferenceBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;

const createHistogram = (bounds: readonly number[]) => {
  const counts = bounds.map(() => 0);
  const total = { sum: 0, count: 0 };
  return {
    observe: (value: number): void => {
      total.sum += value;
      total.count += 1;
      const at = bounds.findIndex((bound) => value <= bound);
      if (at >= 0) counts[at] = (counts[at] ?? 0) + 1;
    },
    read: () => {
      let atMost = 0;
      const buckets = bounds.map((bound, at): readonly [number, number] => {
        atMost += counts[at] ?? 0;
        return [bound, atMost];
      });
      return { buckets, ...total };
    },
  };
};

const family = (
  name: MetricName,
  { help, type }: MetricDefinition,
  series: readonly Series[],
): MetricFamily => ({ name: `${metricPrefix}${name}`, help, type, series });

/** The metrics of one daemon: counters it keeps itself, and the rest as the view shows it at the scrape. */
export const createMetrics = (options: MetricsOptions): Metrics => {
  const { role, version, isPerUid = false, now = Date.now } = options;
  const counting = createCounting(role);
  const node = options.nodeRuntime ?? watchNodeRuntime();
  const inference = createHistogram(inferenceBounds);

  const viewReadings = (): readonly Reading[] => {
    if (options.role === 'validator') {
      const slices: CommonSlices & ValidatorSlices = options.slices();
      return [...commonReadings(slices, now()), ...validatorReadings(slices, isPerUid)];
    }
    const slices = options.slices();
    return [...commonReadings(slices, now()), ...minerReadings(slices)];
  };

  /** A part that throws must not take the others with it: least of all when something is wrong. */
  const readSafely = async (read: () => readonly Reading[] | Promise<readonly Reading[]>) => {
    try {
      return await read();
    } catch {
      counting.countFailure();
      return [];
    }
  };

  const render = async (): Promise<string> => {
    const build = { version, role, node: process.version };
    const parts = [
      [{ name: 'build_info', labels: build, value: 1 } as const],
      await readSafely(viewReadings),
      await readSafely(node.readings),
      // Last, so that failures of the others are in it.
      await readSafely(counting.readings),
    ];
    const byName = Map.groupBy(parts.flat(), ({ name }) => name);
    const families = definitionsOf(role).map(([name, definition]) => {
      if (name === 'inference_seconds')
        return family(name, definition, [{ labels: {}, value: inference.read() }]);
      const series = (byName.get(name) ?? []).map(({ labels = {}, value }) => ({ labels, value }));
      return family(name, definition, series);
    });
    return prometheusText(families);
  };

  return {
    onInspection: counting.onInspection,
    observeInference: inference.observe,
    render,
    close: node.close,
  };
};
