import * as Effect from 'effect/Effect';

import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import { StoreConflict, type StoreError, StoreInvalid, StoreUnavailable } from './errors.ts';
import type { GroupCommit } from './groupCommit.ts';
import type {
  Appended,
  NewRecord,
  NewSnapshot,
  Snapshot,
  Store,
  StoredRecord,
  StoreImport,
} from './store.ts';
import { encodeValue, keyProblem, MAX_RECORD_BYTES, MAX_SNAPSHOT_BYTES, nameProblem } from './storedValue.ts';
import type { AppendWrite, Write, WriteResult } from './write.ts';

/** Most records or ids of one call, so that one caller cannot hold the disk for long. */
const MAX_RECORDS = 4_096;

/** The writing half of a store: for any backend, over its group commit. */
export type StoreWriter = Pick<Store, 'append' | 'saveSnapshot' | 'useIds' | 'addTo' | 'dropRecords'> &
  StoreImport;

type Encoded = AppendWrite['records'][number];

const encodeRecord = (
  place: string,
  { key, value }: { readonly key?: string | null | undefined; readonly value: NewRecord['value'] },
): Outcome<Encoded, StoreInvalid> => {
  const problem = key === undefined || key === null ? null : keyProblem(key);
  const text = encodeValue(value, MAX_RECORD_BYTES);
  if (problem !== null) return fail(new StoreInvalid({ message: `${place}: ${problem}` }));
  return text.ok
    ? succeed({ key: key ?? null, text: text.value })
    : fail(new StoreInvalid({ message: `${place}: ${text.error}` }));
};

const encodeRecords = (records: readonly NewRecord[]): Outcome<readonly Encoded[], StoreInvalid> => {
  const encoded: Encoded[] = [];
  for (const [index, record] of records.entries()) {
    const one = encodeRecord(`record ${index}`, record);
    if (!one.ok) return one;
    encoded.push(one.value);
  }
  return succeed(encoded);
};

const unexpected = (): StoreUnavailable =>
  new StoreUnavailable({ message: 'the store answered another question than was asked' });

const conflict = (name: string, actual: number | null): StoreConflict =>
  new StoreConflict({
    name,
    actual,
    message: `the snapshot ${name} is now at revision ${actual ?? 'none'}: load it again before saving`,
  });

const invalid = (message: string) => Effect.fail(new StoreInvalid({ message }));

const requireName = (name: string): Effect.Effect<void, StoreInvalid> => {
  const problem = nameProblem(name);
  return problem === null ? Effect.void : invalid(problem);
};

/** Interrupting it ends only the waiting: the group answers in bounded time by itself. */
const submitTo =
  (group: GroupCommit) =>
  (write: Write): Effect.Effect<WriteResult, StoreError> =>
    Effect.flatMap(
      Effect.promise(() => group.submit(write)),
      (outcome) => (outcome.ok ? Effect.succeed(outcome.value) : Effect.fail(outcome.error)),
    );

type Submit = ReturnType<typeof submitTo>;

const appendTo = (submit: Submit) =>
  Effect.fnUntraced(function* (
    log: string,
    records: readonly NewRecord[],
  ): Effect.fn.Return<Appended, StoreError> {
    yield* requireName(log);
    if (records.length > MAX_RECORDS)
      return yield* invalid(`a call appends at most ${MAX_RECORDS} records, this one ${records.length}`);
    const encoded = encodeRecords(records);
    if (!encoded.ok) return yield* encoded.error;
    const result = yield* submit({ kind: 'append', log, records: encoded.value });
    if (result.kind !== 'appended') return yield* unexpected();
    return { lastSeq: result.lastSeq, duplicates: result.duplicates };
  });

const snapshotText = (name: string, version: number, value: NewSnapshot['value']) =>
  Effect.gen(function* (): Effect.fn.Return<string, StoreInvalid> {
    yield* requireName(name);
    if (!Number.isSafeInteger(version)) return yield* invalid(`version is an integer, not ${version}`);
    const text = encodeValue(value, MAX_SNAPSHOT_BYTES);
    return text.ok ? text.value : yield* invalid(`snapshot ${name}: ${text.error}`);
  });

const saveTo = (submit: Submit) =>
  Effect.fn('store.saveSnapshot')(function* ({
    name,
    version,
    value,
    revision,
  }: NewSnapshot): Effect.fn.Return<number, StoreError> {
    const text = yield* snapshotText(name, version, value);
    const result = yield* submit({ kind: 'snapshot', name, version, text, expected: revision });
    if (result.kind === 'conflict') return yield* conflict(name, result.actual);
    return result.kind === 'saved' ? result.revision : yield* unexpected();
  });

const useIdsOf = (submit: Submit) =>
  Effect.fn('store.useIds')(function* (
    set: string,
    ids: readonly string[],
  ): Effect.fn.Return<readonly number[], StoreError> {
    yield* requireName(set);
    if (ids.length > MAX_RECORDS)
      return yield* invalid(`a call uses at most ${MAX_RECORDS} ids, this one ${ids.length}`);
    for (const [index, id] of ids.entries()) {
      const problem = keyProblem(id);
      if (problem !== null) return yield* invalid(`id ${index}: ${problem}`);
    }
    const result = yield* submit({ kind: 'useIds', set, ids });
    return result.kind === 'used' ? result.duplicates : yield* unexpected();
  });

const addToOf = (submit: Submit) =>
  Effect.fn('store.addTo')(function* (counter: string, by: number): Effect.fn.Return<number, StoreError> {
    yield* requireName(counter);
    if (!Number.isSafeInteger(by)) return yield* invalid(`a counter grows by a whole number, not ${by}`);
    const result = yield* submit({ kind: 'addTo', counter, by });
    return result.kind === 'added' ? result.value : yield* unexpected();
  });

const dropFrom = (submit: Submit) =>
  Effect.fn('store.dropRecords')(function* (log: string, upTo: number): Effect.fn.Return<number, StoreError> {
    yield* requireName(log);
    if (!Number.isSafeInteger(upTo) || upTo < 0)
      return yield* invalid(`upTo is a sequence number or 0, not ${upTo}`);
    let records = 0;
    for (;;) {
      const result = yield* submit({ kind: 'dropRecords', log, upTo, limit: MAX_RECORDS });
      if (result.kind !== 'dropped') return yield* unexpected();
      records += result.records;
      if (result.records < MAX_RECORDS) return records;
    }
  });

const importTo = (submit: Submit) =>
  Effect.fn('store.importRecords')(function* (
    log: string,
    records: readonly StoredRecord[],
  ): Effect.fn.Return<void, StoreError> {
    yield* requireName(log);
    const encoded: (Encoded & { readonly seq: number })[] = [];
    for (const { seq, key, value } of records) {
      if (!Number.isSafeInteger(seq) || seq < 1)
        return yield* invalid(`a sequence number is a whole number from 1, not ${seq}`);
      if (seq <= (encoded.at(-1)?.seq ?? 0))
        return yield* invalid(`record ${seq} follows record ${encoded.at(-1)?.seq}: give them in order`);
      const one = encodeRecord(`record ${seq}`, { key, value });
      if (!one.ok) return yield* one.error;
      encoded.push({ seq, ...one.value });
    }
    for (let from = 0; from < encoded.length; from += MAX_RECORDS) {
      const part = encoded.slice(from, from + MAX_RECORDS);
      const result = yield* submit({ kind: 'importRecords', log, records: part });
      if (result.kind !== 'imported') return yield* unexpected();
    }
  });

const importSnapshotTo = (submit: Submit) =>
  Effect.fn('store.importSnapshot')(function* ({
    name,
    version,
    value,
    savedAtMs,
  }: Omit<NewSnapshot, 'revision'> & Pick<Snapshot, 'savedAtMs'>): Effect.fn.Return<void, StoreError> {
    if (!Number.isSafeInteger(savedAtMs))
      return yield* invalid(`savedAtMs is a whole number, not ${savedAtMs}`);
    const text = yield* snapshotText(name, version, value);
    const result = yield* submit({ kind: 'importSnapshot', name, version, text, savedAtMs });
    if (result.kind !== 'imported') return yield* unexpected();
  });

/** The writing operations over a group commit. */
export const openWriter = (group: GroupCommit): StoreWriter => {
  const submit = submitTo(group);
  return {
    append: appendTo(submit),
    saveSnapshot: saveTo(submit),
    useIds: useIdsOf(submit),
    addTo: addToOf(submit),
    dropRecords: dropFrom(submit),
    importRecords: importTo(submit),
    importSnapshot: importSnapshotTo(submit),
  };
};
