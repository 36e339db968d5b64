import { isDeepStrictEqual } from 'node:util';
import * as Effect from 'effect/Effect';

import type { SequencedRecord } from '../domain/derivation.ts';
import {
  decodeEvidence,
  type EpochScored,
  type EvidenceRecord,
  evidenceKey,
  scoredEpochKey,
} from '../domain/evidence.ts';
import type { StoreFailure } from '../domain/failures.ts';
import type { EpochIndex } from '../domain/ids.ts';
import { toStoreFailure } from '../store/errors.ts';
import { type Appended, type Json, StoreService } from '../store/store.ts';

/** The log from which every weight can be derived again. */
export const evidenceLogName = 'evidence';

/** Most records of one append: a round of 256 miners with 16 tasks fits. */
const pageRecords = 2_000;

const append = (records: readonly EvidenceRecord[]): Effect.Effect<Appended, StoreFailure, StoreService> =>
  Effect.flatMap(StoreService, (store) =>
    store.append(
      evidenceLogName,
      // A decoded record is JSON by construction: every schema of the union is.
      records.map((record) => ({ key: evidenceKey(record), value: record as unknown as Json })),
    ),
  ).pipe(Effect.mapError(toStoreFailure));

/** Appends records once each, in order; returns when they are on disk, with where the last of them stands. */
export const appendEvidence = (
  records: readonly EvidenceRecord[],
): Effect.Effect<number, StoreFailure, StoreService> => Effect.map(append(records), ({ lastSeq }) => lastSeq);

/**
 * The same for facts that must be new. Returns those that another record had stated before, whose value stands. A store
 * that had to write a record twice, because it did not hear of its first success, finds its own: that is none.
 */
export const appendOnce = Effect.fn('evidence.appendOnce')(function* (records: readonly EvidenceRecord[]) {
  const { duplicates } = yield* append(records);
  const store = yield* StoreService;
  const foreign: EvidenceRecord[] = [];
  for (const index of duplicates) {
    const record = records[index];
    if (record === undefined) continue;
    const stored = yield* store
      .find(evidenceLogName, evidenceKey(record))
      .pipe(Effect.mapError(toStoreFailure));
    if (!isDeepStrictEqual(stored?.value, JSON.parse(JSON.stringify(record)))) foreign.push(record);
  }
  return foreign;
});

/** Every readable record after `after` and up to `upTo`, in order. Records that do not decode are left out. */
export const readEvidence = Effect.fn('evidence.read')(function* (range: {
  readonly after: number;
  readonly upTo: number;
  readonly onRecord: (entry: SequencedRecord) => void;
}) {
  const store = yield* StoreService;
  let after = range.after;
  let unreadable = 0;
  while (after < range.upTo) {
    const page = yield* store
      .read(evidenceLogName, { after, upTo: range.upTo, limit: pageRecords })
      .pipe(Effect.mapError(toStoreFailure));
    const last = page.at(-1);
    if (last === undefined) break;
    for (const { seq, value } of page) {
      const record = decodeEvidence(value);
      if (record.ok) range.onRecord({ seq, record: record.value });
      else unreadable += 1;
    }
    after = last.seq;
  }
  if (unreadable > 0) {
    yield* Effect.logWarning('evidence records that this version cannot read were left out', { unreadable });
  }
  return { unreadable };
});

/** The record of a scored epoch; null when it was not scored, or by a version that this one cannot read. */
export const findScoredEpoch = Effect.fn('evidence.findScoredEpoch')(function* (epoch: EpochIndex) {
  const store = yield* StoreService;
  const stored = yield* store
    .find(evidenceLogName, scoredEpochKey(epoch))
    .pipe(Effect.mapError(toStoreFailure));
  if (stored === null) return null;
  const decoded = decodeEvidence(stored.value);
  return decoded.ok && decoded.value.type === 'epoch.scored' ? (decoded.value satisfies EpochScored) : null;
});

/** Sequence number of the newest record; 0 for an empty log. */
export const lastEvidenceSeq: Effect.Effect<number, StoreFailure, StoreService> = Effect.flatMap(
  StoreService,
  (store) => store.lastSeq(evidenceLogName),
).pipe(Effect.mapError(toStoreFailure));
