import * as Effect from 'effect/Effect';

import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import { StoreConflict, type StoreError, StoreInvalid, StoreUnavailable } from './errors.ts';
import type { GroupCommit } from './groupCommit.ts';
import { awaitAnswer, requireName } from './sqliteReader.ts';
import type { Appended, NewRecord, NewSnapshot, Store } from './store.ts';
import { encodeValue, keyProblem, MAX_RECORD_BYTES, MAX_SNAPSHOT_BYTES } from './storedValue.ts';
import type { AppendWrite } from './storeThread.ts';

/** Most records of one call, so that one caller cannot hold the disk for long. */
const MAX_RECORDS = 4_096;

const encodeRecords = (records: readonly NewRecord[]): Outcome<AppendWrite['records'], StoreInvalid> => {
  const encoded: { readonly key: string | null; readonly text: string }[] = [];
  for (const [index, { key, value }] of records.entries()) {
    const problem = key === undefined ? null : keyProblem(key);
    const text = encodeValue(value, MAX_RECORD_BYTES);
    if (problem !== null) return fail(new StoreInvalid({ message: `record ${index}: ${problem}` }));
    if (!text.ok) return fail(new StoreInvalid({ message: `record ${index}: ${text.error}` }));
    encoded.push({ key: key ?? null, text: text.value });
  }
  return succeed(encoded);
};

const unexpected = (): StoreUnavailable =>
  new StoreUnavailable({ message: "the store's thread answered another question than was asked" });

const conflict = (name: string, actual: number | null): StoreConflict =>
  new StoreConflict({
    name,
    actual,
    message: `the snapshot ${name} is now at revision ${actual ?? 'none'}: load it again before saving`,
  });

const appendTo = (group: GroupCommit) =>
  Effect.fnUntraced(function* (
    log: string,
    records: readonly NewRecord[],
  ): Effect.fn.Return<Appended, StoreError> {
    yield* requireName(log);
    if (records.length > MAX_RECORDS)
      return yield* new StoreInvalid({
        message: `a call appends at most ${MAX_RECORDS} records, this one ${records.length}`,
      });
    const encoded = encodeRecords(records);
    if (!encoded.ok) return yield* encoded.error;
    const result = yield* awaitAnswer(() => group.submit({ kind: 'append', log, records: encoded.value }));
    if (result.kind !== 'appended') return yield* unexpected();
    return { lastSeq: result.lastSeq, duplicates: result.duplicates };
  });

const saveTo = (group: GroupCommit) =>
  Effect.fn('store.saveSnapshot')(function* ({
    name,
    version,
    value,
    revision,
  }: NewSnapshot): Effect.fn.Return<number, StoreError> {
    yield* requireName(name);
    if (!Number.isSafeInteger(version))
      return yield* new StoreInvalid({ message: `version is an integer, not ${version}` });
    const text = encodeValue(value, MAX_SNAPSHOT_BYTES);
    if (!text.ok) return yield* new StoreInvalid({ message: `snapshot ${name}: ${text.error}` });
    const result = yield* awaitAnswer(() =>
      group.submit({ kind: 'snapshot', name, version, text: text.value, expected: revision }),
    );
    if (result.kind === 'conflict') return yield* conflict(name, result.actual);
    if (result.kind !== 'saved') return yield* unexpected();
    return result.revision;
  });

/** The writing operations over a group commit. */
export const openWriter = (group: GroupCommit): Pick<Store, 'append' | 'saveSnapshot'> => ({
  append: appendTo(group),
  saveSnapshot: saveTo(group),
});
