import * as Effect from 'effect/Effect';
import * as Schema from 'effect/Schema';

import { toStoreFailure } from '../store/errors.ts';
import { StoreService } from '../store/store.ts';

/**
 * From where a start has to read the evidence. Only a hint that saves time: the log is the truth, and without a hint
 * it is read from its beginning. The hint is one epoch old on purpose, because a round may straddle a cut,
 * and it stays where it is while an older round has no end.
 */
const ReadFrom = Schema.Struct({ seq: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)) });

const name = 'evidence.readFrom';
const version = 1;

export const saveReadFrom = (seq: number) =>
  Effect.flatMap(StoreService, (store) => store.saveSnapshot({ name, version, value: { seq } })).pipe(
    Effect.mapError(toStoreFailure),
  );

/** First sequence number that matters; 0 reads everything. */
export const loadReadFrom = Effect.flatMap(StoreService, (store) => store.loadSnapshot(name)).pipe(
  Effect.mapError(toStoreFailure),
  Effect.map((snapshot) => {
    if (snapshot?.version !== version) return 0;
    const decoded = Schema.decodeUnknownResult(ReadFrom)(snapshot.value);
    return decoded._tag === 'Success' ? decoded.success.seq : 0;
  }),
);
