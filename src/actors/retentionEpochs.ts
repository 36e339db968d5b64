import * as Effect from 'effect/Effect';
import * as Schema from 'effect/Schema';

import { decodeEvidence, scoredEpochKey } from '../domain/evidence.ts';
import { type Json, type Store, StoreService } from '../store/store.ts';
import { evidenceLogName } from './evidenceLog.ts';
import type { KeptEpoch } from './retentionPlan.ts';

/** Which epochs the evidence of is there, so that nobody reads the whole log for it. The log is the truth. */
const Epochs = Schema.Array(Schema.Struct({ epoch: Schema.Int, fromSeq: Schema.Int, at: Schema.Finite }));

const name = 'retention.epochs';
const version = 1;
const PAGE_RECORDS = 500;
/** A validator that was away for longer reads its log once instead of asking for each epoch. */
const MAX_ASKED = 2_000;

const keptEpochOf = (value: Json): KeptEpoch | null => {
  const record = decodeEvidence(value);
  if (!record.ok || record.value.type !== 'epoch.scored') return null;
  const { epoch, fromSeq, at } = record.value;
  return { epoch, fromSeq, at };
};

const loadKnown = Effect.fnUntraced(function* (store: Store) {
  const snapshot = yield* store.loadSnapshot(name);
  if (snapshot?.version !== version) return null;
  const decoded = Schema.decodeUnknownResult(Epochs)(snapshot.value);
  return decoded._tag === 'Success' && decoded.success.length > 0 ? decoded.success : null;
});

const isScoredEpoch = (value: Json): boolean =>
  typeof value === 'object' && value !== null && 'type' in value && value['type'] === 'epoch.scored';

/** Every scored epoch of the log: once in the life of a store, for one that an earlier release wrote. */
const readThrough = Effect.fnUntraced(function* (store: Store, upToEpoch: number) {
  const found: KeptEpoch[] = [];
  for (let after = 0; ; ) {
    const page = yield* store.read(evidenceLogName, { after, limit: PAGE_RECORDS });
    const last = page.at(-1);
    if (last === undefined) return found;
    for (const { value } of page) {
      const epoch = isScoredEpoch(value) ? keptEpochOf(value) : null;
      if (epoch !== null && epoch.epoch <= upToEpoch) found.push(epoch);
    }
    after = last.seq;
  }
});

const askAfter = Effect.fnUntraced(function* (store: Store, afterEpoch: number, upToEpoch: number) {
  const found: KeptEpoch[] = [];
  for (let epoch = afterEpoch + 1; epoch <= upToEpoch; epoch += 1) {
    const stored = yield* store.find(evidenceLogName, scoredEpochKey(epoch));
    const kept = stored === null ? null : keptEpochOf(stored.value);
    if (kept !== null) found.push(kept);
  }
  return found;
});

/** Scored epochs up to `upToEpoch` of which there is evidence in a log that begins at `firstSeq`, ascending. */
export const keptEpochs = Effect.fn('retention.epochs')(function* (given: {
  readonly firstSeq: number;
  readonly upToEpoch: number;
}) {
  const { firstSeq, upToEpoch } = given;
  const store = yield* StoreService;
  const known = yield* loadKnown(store);
  const newest = known?.at(-1)?.epoch;
  const epochs =
    known === null || newest === undefined || upToEpoch - newest > MAX_ASKED
      ? yield* readThrough(store, upToEpoch)
      : [...known, ...(yield* askAfter(store, newest, upToEpoch))];
  // Gone is an epoch whose successor begins at or before the first record; part of one is still one.
  const kept = epochs.filter((_, index) => (epochs[index + 1]?.fromSeq ?? Infinity) > firstSeq);
  if (kept.length !== known?.length || kept.at(-1)?.epoch !== newest)
    yield* store.saveSnapshot({ name, version, value: kept });
  return kept;
});
