import * as Effect from 'effect/Effect';

import { StoreUnavailable } from './errors.ts';
import type { GroupCommit } from './groupCommit.ts';
import type { StoreVitals } from './health.ts';

const PROBE_PATIENCE_MS = 3_000;

/** The health of a store, as its group commit sees it. */
export const openStoreVitals = (group: GroupCommit): StoreVitals => ({
  health: group.health,
  onHealth: group.onHealth,
  pressure: group.pressure,
  probe: Effect.gen(function* () {
    group.retryNow();
    const outcome = yield* Effect.promise(() => group.submit({ kind: 'probe' }));
    if (!outcome.ok) return yield* Effect.fail(outcome.error);
  }).pipe(
    Effect.timeoutOrElse({
      duration: PROBE_PATIENCE_MS,
      orElse: () =>
        Effect.suspend(() => {
          const health = group.health();
          const reason = health.isWell ? 'it does not answer' : health.message;
          return Effect.fail(
            new StoreUnavailable({ message: `nothing written within ${PROBE_PATIENCE_MS} ms: ${reason}` }),
          );
        }),
    }),
  ),
});
