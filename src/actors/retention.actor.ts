import * as Effect from 'effect/Effect';

import type { StoreFailure } from '../domain/failures.ts';
import type { ArchivedStretch, ArchiveEvidence, DropEvidence } from '../machines/retention.machine.ts';
import { writeArchive } from '../store/archive.ts';
import { type StoreError, toStoreFailure } from '../store/errors.ts';
import type { ExportRefused } from '../store/exportFileErrors.ts';
import { type Json, type Store, StoreService } from '../store/store.ts';
import { type ActorRuntime, fromEffect } from './bridge.ts';
import { evidenceLogName } from './evidenceLog.ts';
import { keptEpochs } from './retentionEpochs.ts';
import { closedCut, dropPoints, type RoundSpan } from './retentionPlan.ts';

export type RetentionSettings = {
  /** Scored epochs whose evidence stays in the store. */
  readonly keepEpochs: number;
  /** The archive is a folder in it. */
  readonly dataDir: string;
  /** Identity of the store. */
  readonly owner: string;
};

const PAGE_RECORDS = 500;

const toFailure = (error: StoreError | ExportRefused): StoreFailure =>
  error._tag === 'ExportRefused'
    ? { _tag: 'StoreUnavailable', message: `the archive cannot be written: ${error.message}` }
    : toStoreFailure(error);

/** Type and round of a record, whatever version wrote it. */
const roundOf = (value: Json): { readonly type: unknown; readonly roundId: string } | null => {
  if (typeof value !== 'object' || value === null || !('type' in value) || !('roundId' in value)) return null;
  const { type, roundId } = value;
  return typeof roundId === 'string' ? { type, roundId } : null;
};

/** Rounds planned below `cut`, with their ends as far as they are below it too. */
const roundsBelow = Effect.fnUntraced(function* (store: Store, firstSeq: number, cut: number) {
  const rounds = new Map<string, RoundSpan>();
  for (let after = firstSeq - 1; after < cut - 1; ) {
    const page = yield* store.read(evidenceLogName, { after, upTo: cut - 1, limit: PAGE_RECORDS });
    const last = page.at(-1);
    if (last === undefined) break;
    for (const { seq, value } of page) {
      const round = roundOf(value);
      if (round === null) continue;
      if (round.type === 'round.planned') rounds.set(round.roundId, { planSeq: seq, endSeq: null });
      const span = rounds.get(round.roundId);
      if (span !== undefined && (round.type === 'round.settled' || round.type === 'round.abandoned'))
        rounds.set(round.roundId, { ...span, endSeq: seq });
    }
    after = last.seq;
  }
  return rounds.values();
});

/**
 * Copies the oldest evidence that is no longer kept into the archive; null when there is none. Nothing is dropped
 * here, so it may be asked again at any time.
 */
export const archiveOldest = Effect.fn('retention.archive')(function* (
  settings: RetentionSettings,
  upToEpoch: number,
) {
  const store = yield* StoreService;
  const [first] = yield* store.read(evidenceLogName, { after: 0, limit: 1 });
  if (first === undefined) return null;
  const firstSeq = first.seq;
  const epochs = yield* keptEpochs({ firstSeq, upToEpoch });
  for (const { cut, epoch } of dropPoints(epochs, settings.keepEpochs)) {
    const closed = closedCut(cut, yield* roundsBelow(store, firstSeq, cut));
    // An open round at the very beginning: perhaps the next cut is behind its end.
    if (closed <= firstSeq) continue;
    const stretch = { log: evidenceLogName, firstSeq, lastSeq: closed - 1 };
    const { dataDir, owner } = settings;
    const at = new Date(epoch.at).toISOString();
    const { file, records } = yield* writeArchive({ store, dataDir, owner, stretch, at });
    return { firstSeq, lastSeq: closed - 1, records, file } satisfies ArchivedStretch;
  }
  return null;
});

export const archiveEvidence = (
  runtime: ActorRuntime<StoreService>,
  settings: RetentionSettings,
): ArchiveEvidence =>
  fromEffect(runtime)(({ epoch }) => Effect.mapError(archiveOldest(settings, epoch), toFailure));

/** Drops what the archive has. Dropped already, it drops nothing. */
export const dropEvidence = (runtime: ActorRuntime<StoreService>): DropEvidence =>
  fromEffect(runtime)(({ upTo }) =>
    Effect.flatMap(StoreService, (store) => store.dropRecords(evidenceLogName, upTo)).pipe(
      Effect.map((dropped) => ({ dropped })),
      Effect.mapError(toStoreFailure),
    ),
  );
