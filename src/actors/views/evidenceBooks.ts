import * as Effect from 'effect/Effect';

import { decodeEvidence, type EvidenceRecord, scoredEpochKey } from '../../domain/evidence.ts';
import type { StoreError } from '../../store/errors.ts';
import type { Appended, NewRecord, Store, StoreReader } from '../../store/store.ts';
import { evidenceLogName } from '../evidenceLog.ts';
import { createMinerBook, type MinerBook } from './minerBook.ts';
import { createRoundHistory, type RoundHistory } from './roundHistory.ts';
import { createScoredHistory, maxEpochs, type ScoredHistory } from './scoredHistory.ts';

/** Records of the end of the log that a start reads: the last answers of a few miners, or the last rounds of many. */
const recalledRecords = 20_000;
/** Decoding a page takes about ten milliseconds; the event loop turns between two of them. */
const pageRecords = 500;
/** What is tapped while the past is read waits for it, up to this many batches. */
const maxWaiting = 10_000;

type Batch = { readonly records: readonly EvidenceRecord[]; readonly lastSeq: number };

export type EvidenceBooks = {
  readonly miners: MinerBook;
  readonly rounds: RoundHistory;
  readonly epochs: ScoredHistory;
  /** Of the evidence log, as far as known; null before it was read. */
  readonly lastSeq: () => number | null;
  readonly tap: <S extends Store>(store: S) => S;
  readonly recall: (store: StoreReader) => Promise<void>;
};

/** Only what a page may show is kept: no request, no truth, no key, no answer. */
const enter =
  ({ miners, rounds, epochs }: Pick<EvidenceBooks, 'miners' | 'rounds' | 'epochs'>) =>
  (record: EvidenceRecord): void => {
    if (record.type === 'round.planned') {
      const { roundId, epoch, block, at, deadlineMs, tasks, cohort } = record;
      const sizes = { tasks: tasks.length, cohort: cohort.length };
      rounds.planned({ roundId, epoch, block, at, deadlineMs, ...sizes });
    } else if (record.type === 'answer.judged') {
      const { at, roundId, kind, outcome, accuracy, chance, responseMs, uid, hotkey } = record;
      const answer = { at, roundId, kind, outcome, accuracy, chance, responseMs, uid, hotkey };
      rounds.judged(answer);
      miners.add(answer);
    } else if (record.type === 'round.settled') rounds.settled(record);
    else if (record.type === 'round.abandoned') rounds.abandoned(record);
    else epochs.add(record);
  };

/** The last records of the log, page by page, then the epochs before them that are still kept. */
const readBack = Effect.fn('views.recall')(function* (
  store: StoreReader,
  onRecord: (record: EvidenceRecord) => void,
) {
  const end = yield* store.lastSeq(evidenceLogName);
  let after = Math.max(0, end - recalledRecords);
  let newest: number | null = null;
  while (after < end) {
    const page = yield* store.read(evidenceLogName, { after, upTo: end, limit: pageRecords });
    const last = page.at(-1);
    if (last === undefined) break;
    for (const { value } of page) {
      const decoded = decodeEvidence(value);
      if (!decoded.ok) continue;
      onRecord(decoded.value);
      if (decoded.value.type === 'epoch.scored') newest = decoded.value.epoch;
    }
    after = last.seq;
    yield* Effect.yieldNow;
  }
  return { end, newest };
});

/** Scored epochs by their key, newest first: each is one read of one record. */
const readEpochs = Effect.fn('views.recallEpochs')(function* (
  store: StoreReader,
  newest: number | null,
  onRecord: (record: EvidenceRecord) => void,
) {
  if (newest === null) return;
  const first = Math.max(0, newest - maxEpochs + 1);
  for (let epoch = newest; epoch >= first; epoch -= 1) {
    const stored = yield* store.find(evidenceLogName, scoredEpochKey(epoch));
    const decoded = stored === null ? null : decodeEvidence(stored.value);
    if (decoded?.ok) onRecord(decoded.value);
    yield* Effect.yieldNow;
  }
});

const seen = (records: readonly NewRecord[], { duplicates }: Appended): readonly EvidenceRecord[] => {
  const known = new Set(duplicates);
  // What is appended to this log is evidence: every writer of it says so by its type.
  return records.flatMap(({ value }, index) =>
    known.has(index) ? [] : [value as unknown as EvidenceRecord],
  );
};

/** What the view keeps of the evidence, fed by what is appended and, at the start, by the end of the log. */
export const createEvidenceBooks = (): EvidenceBooks => {
  const books = { miners: createMinerBook(), rounds: createRoundHistory(), epochs: createScoredHistory() };
  const enterRecord = enter(books);
  // What a page is told must not be able to fail what is written.
  const record = (one: EvidenceRecord): void => {
    try {
      enterRecord(one);
    } catch {
      // A record of another release that lacks something: the page does without it.
    }
  };
  let waiting: Batch[] | null = null;
  let lastSeq: number | null = null;
  /** What was read of the past; the tap may tell of the same a moment later. */
  let recalledUpTo = 0;

  const take = (batch: Batch): void => {
    if (waiting !== null) {
      if (waiting.length < maxWaiting) waiting.push(batch);
    } else if (batch.lastSeq > recalledUpTo) for (const one of batch.records) record(one);
  };
  const append =
    (store: Store): Store['append'] =>
    (log, records) => {
      const written = store.append(log, records);
      if (log !== evidenceLogName) return written;
      return Effect.tap(written, (appended) =>
        Effect.sync(() => {
          lastSeq = Math.max(lastSeq ?? 0, appended.lastSeq);
          take({ records: seen(records, appended), lastSeq: appended.lastSeq });
        }),
      );
    };
  return {
    ...books,
    lastSeq: () => lastSeq,
    tap: (store) => ({ ...store, append: append(store) }),
    recall: async (store) => {
      waiting = [];
      const reading: Effect.Effect<void, StoreError> = Effect.gen(function* () {
        const { end, newest } = yield* readBack(store, record);
        lastSeq = Math.max(lastSeq ?? 0, end);
        recalledUpTo = end;
        yield* readEpochs(store, newest, record);
      });
      // A store in trouble costs the past on the page, and nothing else.
      await Effect.runPromise(Effect.ignore(reading));
      const tapped = waiting;
      waiting = null;
      for (const batch of tapped) take(batch);
    },
  };
};
