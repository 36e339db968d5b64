import * as Cause from 'effect/Cause';
import * as Effect from 'effect/Effect';
import * as Exit from 'effect/Exit';
import type { EventObject } from 'xstate';

import type { ProbeStore, StoreHealthEvent, StoreWatch } from '../machines/storeHealth.machine.ts';
import { type StoreVitals, StoreVitalsService } from '../store/health.ts';
import { type ActorRuntime, fromEffect, fromScoped, type Link } from './bridge.ts';

const readingOf = (vitals: StoreVitals) => ({ health: vitals.health(), at: performance.now() });

const watch = Effect.fn('store.watch')(function* (
  link: Link<Record<string, never>, EventObject, StoreHealthEvent>,
) {
  const vitals = yield* StoreVitalsService;
  yield* Effect.acquireRelease(
    Effect.sync(() =>
      vitals.onHealth((health) => link.emit({ type: 'store.health', health, at: performance.now() })),
    ),
    (stop) => Effect.sync(stop),
  );
  link.emit({ type: 'store.health', ...readingOf(vitals) });
  return yield* Effect.never;
});

/** Says the health of the store now, and whenever it changes. */
export const storeWatch = (runtime: ActorRuntime<StoreVitalsService>): StoreWatch =>
  fromScoped(runtime)(watch, (exit) => ({
    type: 'store.unwatched' as const,
    reason: Exit.isFailure(exit) ? String(Cause.squash(exit.cause)) : 'ended',
  }));

/** How long a probe may take before the store counts as what it said last. */
const probePatienceMs = 15_000;

/** The outcome of the write does not matter, only what the store says of itself afterwards. */
const probe = Effect.fn('store.probe')(function* () {
  const vitals = yield* StoreVitalsService;
  yield* Effect.ignore(Effect.timeout(vitals.probe, probePatienceMs));
  return readingOf(vitals);
});

export const probeStore = (runtime: ActorRuntime<StoreVitalsService>): ProbeStore =>
  fromEffect(runtime)(() => probe());
