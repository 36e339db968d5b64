import * as Effect from 'effect/Effect';
import * as Schema from 'effect/Schema';

import { PreparedExtrinsic } from '../chain/extrinsics.ts';
import type { StoreFailure } from '../domain/failures.ts';
import { BlockNumber, EpochIndex } from '../domain/ids.ts';
import { StoredRevealPlan } from '../domain/reveals.ts';
import { WeightVector } from '../domain/weightVector.ts';
import { toStoreFailure } from '../store/errors.ts';
import { type Snapshot, StoreService } from '../store/store.ts';

/**
 * The signed weights of one epoch, durable before they are sent. A successor of a crashed process sends the same
 * bytes again; the chain takes one nonce once. What a commit has locked in is kept beside the bytes: nobody can read
 * it out of them before its reveal.
 */
const Signed = Schema.Struct({
  epoch: EpochIndex,
  /** What the signature holds for: bytes signed for another chain or runtime are refused for ever. */
  genesisHash: Schema.String,
  specVersion: Schema.Int,
  prepared: PreparedExtrinsic,
});
/** Plaintext of a commit, and when the chain opens it. */
const Sealed = Schema.Struct({ plan: StoredRevealPlan, vector: WeightVector });
const Intent = Schema.Struct({
  ...Signed.fields,
  /** Finalized head they were signed at: they can be in later blocks only. */
  signedAtBlock: BlockNumber,
  /** null for plain weights. */
  sealed: Schema.NullOr(Sealed),
  /** What bytes of the same nonce had locked in that were refused before these, and may have been included already. */
  earlier: Schema.NullOr(Sealed),
  /** The bytes are not sent any more. While their era lasts another node may still hold them, so their nonce is kept. */
  isSpent: Schema.Boolean,
});
export type WeightIntent = typeof Intent.Type;

const name = 'weights.intent';
const version = 3;
/** Plain weights only. Bytes of before an update may still be on their way, so they are taken up. */
const plainVersion = 2;

export const saveIntent = (intent: WeightIntent) =>
  Effect.flatMap(StoreService, (store) => store.saveSnapshot({ name, version, value: intent })).pipe(
    Effect.mapError(toStoreFailure),
  );

const decoded = ({ version: stored, value }: Snapshot): WeightIntent | null => {
  if (stored === version) {
    const intent = Schema.decodeUnknownResult(Intent)(value);
    return intent._tag === 'Success' ? intent.success : null;
  }
  if (stored !== plainVersion) return null;
  const signed = Schema.decodeUnknownResult(Signed)(value);
  if (signed._tag === 'Failure') return null;
  const { bornAtBlock } = signed.success.prepared;
  return { ...signed.success, signedAtBlock: bornAtBlock, sealed: null, earlier: null, isSpent: false };
};

/** The last intent, null when there is none or it is of a version that nobody knows. */
export const loadIntent: Effect.Effect<WeightIntent | null, StoreFailure, StoreService> = Effect.flatMap(
  StoreService,
  (store) => store.loadSnapshot(name),
).pipe(
  Effect.mapError(toStoreFailure),
  Effect.map((snapshot) => (snapshot === null ? null : decoded(snapshot))),
);

/** Marks bytes that are not sent any more; `change` says what becomes of what they had locked in. */
const retire = (hash: string, change: (known: WeightIntent) => Partial<WeightIntent>) =>
  Effect.gen(function* () {
    const known = yield* loadIntent;
    if (known?.prepared.hash === hash) yield* saveIntent({ ...known, ...change(known), isSpent: true });
  }).pipe(Effect.ignore);

/**
 * Gives up bytes that a pool refused. They may be in a block already that is not final yet: what they had locked in is
 * kept. A store that cannot write leaves the old bytes in place until their lifetime is over.
 */
export const retireRefused = (hash: string) => retire(hash, () => ({}));

/**
 * Gives up bytes that did nothing for certain: a final block holds them with a failed dispatch, or their nonce went to
 * another extrinsic. What they had locked in is on no chain; what was locked in before them may be.
 */
export const retireFutile = (hash: string) =>
  retire(hash, ({ earlier }) => ({ sealed: earlier, earlier: null }));
