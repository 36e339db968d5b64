import * as Effect from 'effect/Effect';
import * as Schema from 'effect/Schema';

import { CommittedWeights } from '../domain/reveals.ts';
import { toStoreFailure } from '../store/errors.ts';
import { StoreService } from '../store/store.ts';

/** Weights that the chain took as a commit and never put into force: the only place where their plaintext is left. */
const Unrevealed = Schema.Array(CommittedWeights);

const name = 'weights.unrevealed';
const version = 1;
/** Weeks of epochs; older ones are of no use to anybody. */
const maxKept = 128;

/** What was lost so far, oldest first. */
export const loadUnrevealed = Effect.flatMap(StoreService, (store) => store.loadSnapshot(name)).pipe(
  Effect.mapError(toStoreFailure),
  Effect.map((snapshot): readonly CommittedWeights[] => {
    if (snapshot?.version !== version) return [];
    const decoded = Schema.decodeUnknownResult(Unrevealed)(snapshot.value);
    return decoded._tag === 'Success' ? decoded.success : [];
  }),
);

/** Adds lost commits, each once. */
export const keepUnrevealed = Effect.fn('weights.keepUnrevealed')(function* (
  lost: readonly CommittedWeights[],
) {
  if (lost.length === 0) return;
  const known = yield* loadUnrevealed;
  const fresh = lost.filter((one) => !known.some(({ plan }) => plan.commitHash === one.plan.commitHash));
  if (fresh.length === 0) return;
  const store = yield* StoreService;
  const value = [...known, ...fresh].slice(-maxKept);
  yield* Effect.mapError(store.saveSnapshot({ name, version, value }), toStoreFailure);
});
