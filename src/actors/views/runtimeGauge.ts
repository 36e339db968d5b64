import { readdir } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';

import type { RuntimeView } from '../../domain/view/commonView.ts';

/** How this process is, sampled every few seconds while it lives. */
export type RuntimeGauge = {
  readonly view: () => RuntimeView;
  /** Monotonic milliseconds since the event loop last turned for this gauge. */
  readonly silentMs: () => number;
  readonly close: () => void;
};

const everyMs = 2_000;
const resolutionMs = 20;
const nanosPerMs = 1e6;
const microsPerMs = 1_000;

/** null where the system does not tell, as without /proc. */
const countDescriptors = async (): Promise<number | null> => {
  try {
    // One of them is the folder that is being read.
    return (await readdir('/proc/self/fd')).length - 1;
  } catch {
    return null;
  }
};

export const createRuntimeGauge = (): RuntimeGauge => {
  const loop = monitorEventLoopDelay({ resolution: resolutionMs });
  loop.enable();
  let cpu = process.cpuUsage();
  let at = performance.now();
  let descriptors: number | null = null;

  const sample = (): RuntimeView => {
    const now = performance.now();
    const used = process.cpuUsage(cpu);
    const passedMs = Math.max(1, now - at);
    const { rss, heapUsed } = process.memoryUsage();
    cpu = process.cpuUsage();
    at = now;
    const p99 = loop.percentile(99) / nanosPerMs - resolutionMs;
    loop.reset();
    return {
      loopDelayP99Ms: Number.isFinite(p99) ? Math.max(0, Math.round(p99 * 10) / 10) : 0,
      rssBytes: rss,
      heapBytes: heapUsed,
      cpuFraction: Math.round(((used.user + used.system) / microsPerMs / passedMs) * 1_000) / 1_000,
      descriptors,
    };
  };

  let view = sample();
  const timer = setInterval(() => {
    view = sample();
    void countDescriptors().then((count) => {
      descriptors = count;
    });
  }, everyMs);
  timer.unref();
  return {
    view: () => view,
    silentMs: () => performance.now() - at,
    close: () => {
      clearInterval(timer);
      loop.disable();
    },
  };
};
