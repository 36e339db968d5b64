import type { RuntimeView } from '../../domain/view/commonView.ts';
import { countDescriptors, watchLoopDelay } from '../processFigures.ts';

/** How this process is, sampled every few seconds while it lives. */
export type RuntimeGauge = {
  readonly view: () => RuntimeView;
  /** Monotonic milliseconds since the event loop last turned for this gauge. */
  readonly silentMs: () => number;
  readonly close: () => void;
};

const everyMs = 2_000;
const resolutionMs = 20;
const microsPerMs = 1_000;

export const createRuntimeGauge = (): RuntimeGauge => {
  const loop = watchLoopDelay(resolutionMs);
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
    const loopDelayP99Ms = Math.round(loop.percentileMs(99) * 10) / 10;
    loop.reset();
    return {
      loopDelayP99Ms,
      rssBytes: rss,
      heapBytes: heapUsed,
      cpuFraction: Math.round(((used.user + used.system) / microsPerMs / passedMs) * 1_000) / 1_000,
      descriptors,
    };
  };

  let view = sample();
  const timer = setInterval(() => {
    view = sample();
    countDescriptors().then(
      (count) => {
        descriptors = count;
      },
      // Not told by this system, as without /proc.
      () => {
        descriptors = null;
      },
    );
  }, everyMs);
  timer.unref();
  return {
    view: () => view,
    silentMs: () => performance.now() - at,
    close: () => {
      clearInterval(timer);
      loop.close();
    },
  };
};
