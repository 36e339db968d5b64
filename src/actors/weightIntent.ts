import * as Effect from 'effect/Effect';
import * as Schema from 'effect/Schema';

import { PreparedExtrinsic } from '../chain/extrinsics.ts';
import { EpochIndex } from '../domain/ids.ts';
import { toStoreFailure } from '../store/errors.ts';
import { StoreService } from '../store/store.ts';

/**
 * The signed weights of one epoch, durable before they are sent. A successor of a crashed process sends the same
 * bytes again; the chain takes one nonce once.
 */
const Intent = Schema.Struct({ epoch: EpochIndex, prepared: PreparedExtrinsic });
export type WeightIntent = typeof Intent.Type;

const name = 'weights.intent';
const version = 1;

export const saveIntent = (intent: WeightIntent) =>
  Effect.flatMap(StoreService, (store) => store.saveSnapshot({ name, version, value: intent })).pipe(
    Effect.mapError(toStoreFailure),
  );

/** The last intent, null when there is none or it is of another version. */
export const loadIntent = Effect.flatMap(StoreService, (store) => store.loadSnapshot(name)).pipe(
  Effect.mapError(toStoreFailure),
  Effect.map((snapshot): WeightIntent | null => {
    if (snapshot?.version !== version) return null;
    const decoded = Schema.decodeUnknownResult(Intent)(snapshot.value);
    return decoded._tag === 'Success' ? decoded.success : null;
  }),
);
