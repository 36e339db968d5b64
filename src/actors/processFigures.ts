import { readdir } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const nanosPerMs = 1e6;

/**
 * Open descriptors of this process, without the one that counts them. Rejects where there is no `/proc`, and with `EMFILE`
 * when none is left to count with.
 */
export const countDescriptors = async (): Promise<number> => (await readdir('/proc/self/fd')).length - 1;

/** How late timers of the event loop come, in milliseconds, since the last `reset`. 0 while nothing was measured. */
export type LoopDelay = {
  readonly percentileMs: (percentile: number) => number;
  readonly maxMs: () => number;
  readonly reset: () => void;
  readonly close: () => void;
};

/** @param resolutionMs granularity of the timer that is watched; what it finds is that much too high, which is taken off */
export const watchLoopDelay = (resolutionMs: number): LoopDelay => {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  histogram.enable();
  const lateMs = (nanos: number): number =>
    histogram.count === 0 || !Number.isFinite(nanos) ? 0 : Math.max(0, nanos / nanosPerMs - resolutionMs);
  return {
    percentileMs: (percentile) => lateMs(histogram.percentile(percentile)),
    maxMs: () => lateMs(histogram.max),
    reset: () => histogram.reset(),
    close: () => void histogram.disable(),
  };
};
