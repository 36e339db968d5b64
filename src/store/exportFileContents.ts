import * as Effect from 'effect/Effect';

import type { StoreError } from './errors.ts';
import { entryDigest } from './exportFile.ts';
import type { ExportEntry, ExportFooter } from './exportFileFormat.ts';
import { movedSnapshot } from './moved.ts';
import type { Store, StoreContents, StoredRecord, StoreImport, StoreReader } from './store.ts';

const PAGE_RECORDS = 1_000;
const PAGE_IDS = 4_000;
/** A call of `importRecords` and its kind takes so many. */
const MAX_CALL = 4_096;

export type ReadableStore = StoreReader & StoreContents;

type OnEntries<E, R> = (entries: readonly ExportEntry[]) => Effect.Effect<void, E, R>;

const recordsOf = Effect.fnUntraced(function* <E, R>(
  store: ReadableStore,
  log: string,
  onEntries: OnEntries<E, R>,
) {
  for (let after = 0; ; ) {
    const page: readonly StoredRecord[] = yield* store.read(log, { after, limit: PAGE_RECORDS });
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.seq;
    yield* onEntries(page.map(({ seq, key, value }) => ({ log, seq, key, value })));
  }
});

/** In chunks of one size whatever the pages of the store are: equal contents make equal lines. */
const idsOf = Effect.fnUntraced(function* <E, R>(
  store: ReadableStore,
  set: string,
  onEntries: OnEntries<E, R>,
) {
  let waiting: string[] = [];
  for (let after = ''; ; ) {
    const ids: readonly string[] = yield* store.usedIds(set, { after, limit: PAGE_IDS });
    const last = ids.at(-1);
    if (last === undefined) break;
    after = last;
    waiting.push(...ids);
    for (; waiting.length >= PAGE_IDS; waiting = waiting.slice(PAGE_IDS))
      yield* onEntries([{ set, ids: waiting.slice(0, PAGE_IDS) }]);
  }
  if (waiting.length > 0) yield* onEntries([{ set, ids: waiting }]);
});

/**
 * All that a store holds, page by page and always in the same order: logs, snapshots, counters and used ids, each by
 * name. What was set aside, leases, and the mark of a move are not part of it.
 */
export const forEachEntry = Effect.fnUntraced(function* <E, R>(
  store: ReadableStore,
  onEntries: OnEntries<E, R>,
) {
  const byName = (names: readonly string[]): readonly string[] => [...names].sort();
  for (const log of byName((yield* store.logs).map(({ name }) => name)))
    yield* recordsOf(store, log, onEntries);
  for (const name of byName(yield* store.snapshotNames)) {
    const found = name === movedSnapshot ? null : yield* store.loadSnapshot(name);
    if (found === null) continue;
    const { version, value, savedAtMs } = found;
    yield* onEntries([{ snapshot: name, version, value, savedAtMs }]);
  }
  const counters = Object.entries(yield* store.counters).sort(([a], [b]) => (a < b ? -1 : 1));
  yield* onEntries(counters.map(([counter, value]) => ({ counter, value })));
  for (const set of byName(yield* store.idSets)) yield* idsOf(store, set, onEntries);
});

/** Counts and SHA-256 of all that a store holds: equal for equal contents, whichever kind of store it is. */
export const storeDigest = (store: ReadableStore): Effect.Effect<ExportFooter, StoreError> =>
  Effect.suspend(() => {
    const digest = entryDigest();
    const reading = forEachEntry(store, (entries) =>
      Effect.sync(() => {
        for (const entry of entries) digest.entry(entry);
      }),
    );
    return Effect.map(reading, () => digest.finish());
  });

const importRun = (
  store: Store & StoreImport,
  log: string,
  records: readonly StoredRecord[],
): Effect.Effect<void, StoreError> =>
  records.length === 0 ? Effect.void : store.importRecords(log, records);

/** Puts entries into a store, in their order; `StoreInvalid` where it has something of theirs already. */
export const importEntries = Effect.fnUntraced(function* (
  store: Store & StoreImport,
  entries: readonly ExportEntry[],
) {
  let log = '';
  let run: StoredRecord[] = [];
  for (const entry of entries) {
    if (run.length > 0 && (!('log' in entry) || entry.log !== log || run.length >= MAX_CALL)) {
      yield* importRun(store, log, run);
      run = [];
    }
    if ('log' in entry) {
      log = entry.log;
      run.push({ seq: entry.seq, key: entry.key, value: entry.value });
    } else if ('snapshot' in entry) {
      const { snapshot: name, version, value, savedAtMs } = entry;
      yield* store.importSnapshot({ name, version, value, savedAtMs });
    } else if ('counter' in entry) {
      if (entry.value !== 0) yield* store.addTo(entry.counter, entry.value);
    } else {
      for (let from = 0; from < entry.ids.length; from += MAX_CALL)
        yield* store.useIds(entry.set, entry.ids.slice(from, from + MAX_CALL));
    }
  }
  yield* importRun(store, log, run);
});

/** What keeps a copy from being put into a store, or null: the first thing it has. */
export const occupiedBy = Effect.fnUntraced(function* (store: ReadableStore) {
  const log = (yield* store.logs).find(({ lastSeq }) => lastSeq > 0);
  if (log !== undefined) return `${log.records} records in the log ${log.name}`;
  const snapshot = (yield* store.snapshotNames).find((name) => name !== movedSnapshot);
  if (snapshot !== undefined) return `the snapshot ${snapshot}`;
  const [counter] = Object.keys(yield* store.counters);
  if (counter !== undefined) return `the counter ${counter}`;
  const [set] = yield* store.idSets;
  return set === undefined ? null : `the used ids ${set}`;
});
