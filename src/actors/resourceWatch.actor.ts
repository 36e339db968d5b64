import { readFile, statfs } from 'node:fs/promises';
import { uptime } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import * as Effect from 'effect/Effect';

import type { ResourceSample } from '../domain/resources.ts';
import type { SampleResources } from '../machines/resources.machine.ts';
import { type ActorRuntime, fromEffect } from './bridge.ts';
import { countDescriptors, watchLoopDelay } from './processFigures.ts';

/** Where a network file system hangs, the sample does without its disk. */
const statPatienceMs = 500;
const loopResolutionMs = 20;

/** Reads something of the system; null where it cannot be read, as on systems without /proc. */
const attempt = <A>(read: () => Promise<A | null>): Effect.Effect<A | null> =>
  Effect.tryPromise(read).pipe(
    Effect.timeout(statPatienceMs),
    Effect.orElseSucceed(() => null),
  );

const hasNone = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'EMFILE' || error.code === 'ENFILE');

/** Line `Max open files <soft> <hard> files` (proc_pid_limits(5)). */
const readLimit = attempt(async () => {
  const soft = /^Max open files\s+(\d+)/m.exec(await readFile('/proc/self/limits', 'utf8'))?.[1];
  return soft === undefined ? null : Number(soft);
});

/** Open descriptors of this process; the limit itself when there is none left to count them with. */
const readDescriptors = (limit: number | null) =>
  attempt(() => countDescriptors().catch((error: unknown) => (hasNone(error) ? limit : null)));

const readDisk = (dir: string) =>
  attempt(async () => {
    const { bavail, blocks, bsize } = await statfs(dir);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  });

/** What stays from one sample to the next. */
const createSampler = (dir: string): Effect.Effect<ResourceSample> => {
  const loop = watchLoopDelay(loopResolutionMs);
  // A limit can be read only while a descriptor is left, so the last known one is kept.
  let descriptorLimit: number | null = null;
  return Effect.gen(function* () {
    descriptorLimit = (yield* readLimit) ?? descriptorLimit;
    const descriptors = yield* readDescriptors(descriptorLimit);
    const disk = yield* readDisk(dir);
    const loopDelayMs = loop.percentileMs(99);
    loop.reset();
    const heap = getHeapStatistics();
    return {
      heapUsedBytes: heap.used_heap_size,
      heapLimitBytes: heap.heap_size_limit,
      descriptors,
      descriptorLimit,
      diskFreeBytes: disk?.freeBytes ?? null,
      diskTotalBytes: disk?.totalBytes ?? null,
      loopDelayMs,
      at: performance.now(),
      // Elsewhere it is derived from the wall clock, and would go with its steps.
      uptimeMs: process.platform === 'linux' ? uptime() * 1_000 : null,
      wallMs: Date.now(),
    };
  });
};

/** @param settings.dir data folder, whose file system is watched */
export const sampleResources = (
  runtime: ActorRuntime<never>,
  settings: { readonly dir: string },
): SampleResources => {
  const sample = createSampler(settings.dir);
  return fromEffect(runtime)(() => sample);
};
