import * as Effect from 'effect/Effect';

import type { Outcome } from '../domain/outcome.ts';
import { StoreInvalid, StoreUnavailable } from './errors.ts';
import type { ReadRange, SetAside, StoredRecord, StoreReader } from './store.ts';
import { decodeValue, keyProblem, nameProblem } from './storedValue.ts';
import type { Exchanges, RawRecord } from './storeThread.ts';
import type { ThreadError, WorkerClient } from './workerClient.ts';

/** One answer of the thread; a large page takes some hundred milliseconds on a slow disk. */
const ANSWER_PATIENCE_MS = 30_000;
const MAX_PAGE_ROWS = 10_000;

/** Waits for an answer of the thread, no longer than any disk takes. */
export const awaitAnswer = <A>(ask: () => Promise<Outcome<A, ThreadError>>): Effect.Effect<A, ThreadError> =>
  Effect.promise(ask).pipe(
    Effect.flatMap((outcome) => (outcome.ok ? Effect.succeed(outcome.value) : Effect.fail(outcome.error))),
    Effect.timeoutOrElse({
      duration: ANSWER_PATIENCE_MS,
      orElse: () =>
        Effect.fail(
          new StoreUnavailable({ message: `no answer of the disk within ${ANSWER_PATIENCE_MS} ms` }),
        ),
    }),
  );

/** Fails where a caller names something that no store can hold. */
export const requireName = (name: string): Effect.Effect<void, StoreInvalid> => {
  const problem = nameProblem(name);
  return problem === null ? Effect.void : Effect.fail(new StoreInvalid({ message: problem }));
};

type Bad = Exchanges['quarantine']['ask'][number];

const rangeProblem = ({ after, upTo, limit }: ReadRange): string | null => {
  if (!Number.isSafeInteger(after) || after < 0) return `after is a sequence number or 0, not ${after}`;
  if (upTo !== undefined && !Number.isSafeInteger(upTo)) return `upTo is a sequence number, not ${upTo}`;
  return Number.isSafeInteger(limit) && limit >= 1 ? null : `limit is at least 1, not ${limit}`;
};

const parsePage = (log: string, rows: readonly RawRecord[]) => {
  const records: StoredRecord[] = [];
  const bad: Bad[] = [];
  for (const { seq, key, text } of rows) {
    const value = decodeValue(text);
    if (value.ok) records.push({ seq, key, value: value.value });
    else bad.push({ name: log, seq, reason: value.error });
  }
  return { records, bad };
};

/** Reports values that do not parse, and moves them out of the way where this process may write. */
const openQuarantine = (worker: WorkerClient, readOnly: boolean) => {
  const reported = new Set<string>();
  return Effect.fn('store.quarantine')(function* (bad: readonly Bad[]) {
    for (const { name, seq, reason } of bad) {
      const place = seq === null ? `snapshot ${name}` : `record ${seq} of ${name}`;
      if (!reported.has(place))
        yield* Effect.logWarning(`${place} does not parse and is set aside: ${reason}`);
      // A reader that may not write meets the same values again; a bounded memory of them keeps its log readable.
      if (reported.size < MAX_PAGE_ROWS) reported.add(place);
    }
    if (!readOnly && bad.length > 0) yield* awaitAnswer(() => worker.ask('quarantine', bad));
  });
};

/** The reading operations on a worker thread. */
export const openReader = (worker: WorkerClient, options: { readonly readOnly: boolean }): StoreReader => {
  const quarantine = openQuarantine(worker, options.readOnly);

  const read = Effect.fn('store.read')(function* (log: string, range: ReadRange) {
    yield* requireName(log);
    const problem = rangeProblem(range);
    if (problem !== null) return yield* new StoreInvalid({ message: problem });
    const upTo = range.upTo ?? Number.MAX_SAFE_INTEGER;
    const limit = Math.min(range.limit, MAX_PAGE_ROWS);
    let after = range.after;
    for (;;) {
      const ask = { log, after, upTo, limit };
      const rows = yield* awaitAnswer(() => worker.ask('read', ask));
      const { records, bad } = parsePage(log, rows);
      yield* quarantine(bad);
      const last = rows.at(-1);
      // A page of nothing but unreadable values must not look like the end of the log.
      if (records.length > 0 || last === undefined) return records;
      after = last.seq;
    }
  });

  const find = Effect.fn('store.find')(function* (log: string, key: string) {
    yield* requireName(log);
    const problem = keyProblem(key);
    if (problem !== null) return yield* new StoreInvalid({ message: problem });
    const row = yield* awaitAnswer(() => worker.ask('find', { log, key }));
    if (row === null) return null;
    const { records, bad } = parsePage(log, [row]);
    yield* quarantine(bad);
    return records[0] ?? null;
  });

  const lastSeq = Effect.fn('store.lastSeq')(function* (log: string) {
    yield* requireName(log);
    return yield* awaitAnswer(() => worker.ask('lastSeq', log));
  });

  const loadSnapshot = Effect.fn('store.loadSnapshot')(function* (name: string) {
    yield* requireName(name);
    const raw = yield* awaitAnswer(() => worker.ask('loadSnapshot', name));
    if (raw === null) return null;
    const value = decodeValue(raw.text);
    if (value.ok)
      return { version: raw.version, value: value.value, revision: raw.revision, savedAtMs: raw.savedAtMs };
    yield* quarantine([{ name, seq: null, reason: value.error }]);
    return null;
  });

  const setAside: Effect.Effect<readonly SetAside[], ThreadError> = awaitAnswer(() =>
    worker.ask('setAside', null),
  );

  return { read, find, lastSeq, loadSnapshot, setAside };
};
