import { uptime } from 'node:os';
import * as Context from 'effect/Context';
import * as Effect from 'effect/Effect';
import * as Layer from 'effect/Layer';

/**
 * When this process did not run: stopped, starved, or on a machine that was suspended. What a peer did meanwhile cannot
 * be told from what we failed to see, so nobody is graded by it.
 */
export type PauseWatch = {
  /** How much of the time between two instants (monotonic ms) this process did not run. */
  readonly pausedMs: (fromMs: number, toMs: number) => number;
  /** Whether it failed to run at any moment between them; a suspended machine takes no monotonic time on Linux. */
  readonly hasPaused: (fromMs: number, toMs: number) => boolean;
};

type Pause = { readonly fromMs: number; readonly toMs: number };
/** Monotonic ms, and ms since the start of the machine with its suspensions. */
type Instant = { readonly atMs: number; readonly uptimeMs: number };

const tickMs = 250;
/** Shorter ones are garbage collection and load, and are within what a deadline allows for. */
const shortestPauseMs = 1_000;
/** More than a process has in the time that anybody asks about. */
const maxPauses = 64;

/** @param now instants of the process; by hand in tests */
export const createPauseWatch = (now: {
  readonly atMs: () => number;
  readonly uptimeMs: () => number;
}): PauseWatch & { readonly tick: () => void } => {
  const read = (): Instant => ({ atMs: now.atMs(), uptimeMs: now.uptimeMs() });
  let last = read();
  let pauses: readonly Pause[] = [];
  const tick = (): void => {
    const next = read();
    const ranMs = next.atMs - last.atMs;
    const passedMs = next.uptimeMs - last.uptimeMs;
    if (Math.max(ranMs, passedMs - ranMs) >= shortestPauseMs) {
      pauses = [...pauses.slice(1 - maxPauses), { fromMs: last.atMs, toMs: next.atMs }];
    }
    last = next;
  };
  // After a pause sockets may be read before any timer runs.
  const look = (): void => {
    if (now.atMs() - last.atMs >= shortestPauseMs) tick();
  };
  return {
    tick,
    pausedMs: (fromMs, toMs) => {
      look();
      let pausedMs = 0;
      for (const pause of pauses) {
        pausedMs += Math.max(0, Math.min(toMs, pause.toMs) - Math.max(fromMs, pause.fromMs));
      }
      return pausedMs;
    },
    hasPaused: (fromMs, toMs) => {
      look();
      return pauses.some((pause) => pause.toMs >= fromMs && pause.fromMs <= toMs);
    },
  };
};

const msPerSecond = 1_000;

/** Elsewhere the uptime is derived from the wall clock, and would take its steps for pauses. */
const uptimeMs = process.platform === 'linux' ? () => uptime() * msPerSecond : () => performance.now();

export class Pauses extends Context.Service<Pauses, PauseWatch>()('actors/Pauses') {
  static readonly layer = Layer.effect(
    Pauses,
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(() => {
          const watch = createPauseWatch({ atMs: () => performance.now(), uptimeMs });
          return { watch, timer: setInterval(watch.tick, tickMs).unref() };
        }),
        ({ timer }) => Effect.sync(() => clearInterval(timer)),
      ),
      ({ watch }) => watch,
    ),
  );
}
