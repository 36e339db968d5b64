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
const Intent = Schema.Struct({
  epoch: EpochIndex,
  /** What the signature holds for: bytes signed for another chain or runtime are refused for ever. */
  genesisHash: Schema.String,
  specVersion: Schema.Int,
  prepared: PreparedExtrinsic,
});
export type WeightIntent = typeof Intent.Type;

const name = 'weights.intent';
const version = 2;

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

/**
 * Gives up bytes that can do nothing any more: the pool refused them, or a block holds them with a failed dispatch. New
 * ones of the same epoch are safe, because both bear the same nonce or the old one is spent. A store that cannot write
 * leaves the old bytes in place until their lifetime is over.
 */
export const forgetIntent = (hash: string) =>
  Effect.gen(function* () {
    const known = yield* loadIntent;
    if (known?.prepared.hash !== hash) return;
    const store = yield* StoreService;
    yield* store.saveSnapshot({ name, version, value: null });
  }).pipe(Effect.ignore);
