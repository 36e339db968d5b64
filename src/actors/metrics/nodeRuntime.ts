import {
  constants,
  type EventLoopUtilization,
  type PerformanceEntry,
  PerformanceObserver,
  performance,
} from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';

import { countDescriptors, watchLoopDelay } from '../processFigures.ts';
import type { Reading } from './definitions.ts';

const resolutionMs = 10;
/** Two readers of one daemon see the same delays: the window begins anew only when it is this old. */
const windowMs = 30_000;

const kinds: ReadonlyMap<number, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
]);

const kindOf = (entry: PerformanceEntry): string => {
  const detail: unknown = 'detail' in entry ? entry.detail : null;
  if (typeof detail !== 'object' || detail === null || !('kind' in detail)) return 'other';
  return kinds.get(Number(detail.kind)) ?? 'other';
};

const memoryReadings = (): readonly Reading[] => {
  const memory = process.memoryUsage();
  return [
    { name: 'heap_used_bytes', value: memory.heapUsed },
    { name: 'heap_limit_bytes', value: getHeapStatistics().heap_size_limit },
    { name: 'external_bytes', value: memory.external },
    { name: 'resident_memory_bytes', value: memory.rss },
  ];
};

const cpuReadings = (): readonly Reading[] => {
  const { user, system } = process.cpuUsage();
  return [
    { name: 'cpu_seconds_total', labels: { mode: 'user' }, value: user / 1e6 },
    { name: 'cpu_seconds_total', labels: { mode: 'system' }, value: system / 1e6 },
  ];
};

/** Gauges of the Node process; `close` ends the measuring. */
export type NodeRuntime = {
  readonly readings: () => Promise<readonly Reading[]>;
  readonly close: () => void;
};

/** @param now monotonic milliseconds */
export const watchNodeRuntime = (now: () => number = () => performance.now()): NodeRuntime => {
  const delay = watchLoopDelay(resolutionMs);
  let windowFromMs = now();
  let utilization: EventLoopUtilization = performance.eventLoopUtilization();
  const collected = new Map<string, number>([...kinds.values()].map((kind) => [kind, 0]));
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const kind = kindOf(entry);
      collected.set(kind, (collected.get(kind) ?? 0) + entry.duration / 1e3);
    }
  });
  observer.observe({ entryTypes: ['gc'] });

  const delayReadings = (): readonly Reading[] => {
    const stats = [
      ['p50', delay.percentileMs(50)],
      ['p99', delay.percentileMs(99)],
      ['max', delay.maxMs()],
    ] as const;
    const readings = stats.map(
      ([stat, ms]): Reading => ({ name: 'eventloop_delay_seconds', labels: { stat }, value: ms / 1e3 }),
    );
    if (now() - windowFromMs >= windowMs) {
      delay.reset();
      windowFromMs = now();
    }
    const before = utilization;
    utilization = performance.eventLoopUtilization();
    const share = performance.eventLoopUtilization(utilization, before).utilization;
    return [...readings, { name: 'eventloop_utilization_ratio', value: Number.isFinite(share) ? share : 0 }];
  };

  return {
    readings: async () => {
      // null where there is no /proc.
      const descriptors = await countDescriptors().catch(() => null);
      return [
        ...delayReadings(),
        ...[...collected].map(
          ([kind, value]): Reading => ({ name: 'gc_seconds_total', labels: { kind }, value }),
        ),
        ...memoryReadings(),
        ...cpuReadings(),
        ...(descriptors === null ? [] : [{ name: 'open_fds', value: descriptors } as const]),
      ];
    },
    close: () => {
      delay.close();
      observer.disconnect();
    },
  };
};
