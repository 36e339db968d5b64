import * as Effect from 'effect/Effect';

import type { Outcome } from '../domain/outcome.ts';
import { type StoreError, StoreInvalid, StoreUnavailable } from './errors.ts';
import type { ReadRange, SetAside, StoreContents, StoredRecord, StoreReader } from './store.ts';
import { decodeValue, keyProblem, nameProblem } from './storedValue.ts';
import type { BadValue, Exchanges, RawRecord } from './storeThread.ts';
import type { Fence } from './write.ts';

/** Kinds of questions that a reader asks its backend. */
type ReadKind =
  | 'read'
  | 'find'
  | 'lastSeq'
  | 'loadSnapshot'
  | 'setAside'
  | 'quarantine'
  | 'owner'
  | 'logs'
  | 'snapshotNames'
  | 'counters'
  | 'idSets'
  | 'usedIds';

/** Where the stored texts come from. Always resolves. */
export type ReadBackend = {
  readonly ask: <Kind extends ReadKind>(
    kind: Kind,
    ask: Exchanges[Kind]['ask'],
  ) => Promise<Outcome<Exchanges[Kind]['answer'], StoreError>>;
};

export type ReaderOptions = {
  /** Values that do not parse are reported, but not moved. */
  readonly readOnly: boolean;
  /** Under what the moving holds. */
  readonly fence?: () => Fence | null;
};

/** One answer of the backend; a large page takes some hundred milliseconds on a slow disk. */
const ANSWER_PATIENCE_MS = 30_000;
const MAX_PAGE_ROWS = 10_000;

/** Waits for an answer of the backend, no longer than any disk takes. */
export const awaitAnswer = <A>(
  ask: () => Promise<Outcome<A, StoreError>>,
  patienceMs: number = ANSWER_PATIENCE_MS,
): Effect.Effect<A, StoreError> =>
  Effect.promise(ask).pipe(
    Effect.flatMap((outcome) => (outcome.ok ? Effect.succeed(outcome.value) : Effect.fail(outcome.error))),
    Effect.timeoutOrElse({
      duration: patienceMs,
      orElse: () =>
        Effect.fail(new StoreUnavailable({ message: `no answer of the store within ${patienceMs} ms` })),
    }),
  );

/** Fails where a caller names something that no store can hold. */
export const requireName = (name: string): Effect.Effect<void, StoreInvalid> => {
  const problem = nameProblem(name);
  return problem === null ? Effect.void : Effect.fail(new StoreInvalid({ message: problem }));
};

const rangeProblem = ({ after, upTo, limit }: ReadRange): string | null => {
  if (!Number.isSafeInteger(after) || after < 0) return `after is a sequence number or 0, not ${after}`;
  if (upTo !== undefined && !Number.isSafeInteger(upTo)) return `upTo is a sequence number, not ${upTo}`;
  return Number.isSafeInteger(limit) && limit >= 1 ? null : `limit is at least 1, not ${limit}`;
};

const parsePage = (log: string, rows: readonly RawRecord[]) => {
  const records: StoredRecord[] = [];
  const bad: BadValue[] = [];
  for (const { seq, key, text } of rows) {
    const value = decodeValue(text);
    if (value.ok) records.push({ seq, key, value: value.value });
    else bad.push({ name: log, seq, revision: 0, reason: value.error });
  }
  return { records, bad };
};

/** Reports values that do not parse, and moves them out of the way where this process may write. */
const openQuarantine = (backend: ReadBackend, { readOnly, fence }: ReaderOptions) => {
  const reported = new Set<string>();
  return Effect.fn('store.quarantine')(function* (bad: readonly BadValue[]) {
    for (const { name, seq, reason } of bad) {
      const place = seq === null ? `snapshot ${name}` : `record ${seq} of ${name}`;
      if (!reported.has(place))
        yield* Effect.logWarning(`${place} does not parse and is set aside: ${reason}`);
      // A reader that may not write meets the same values again; a bounded memory of them keeps its log readable.
      if (reported.size < MAX_PAGE_ROWS) reported.add(place);
    }
    // That a bad value cannot be moved now must not keep anybody from reading the good ones.
    if (!readOnly && bad.length > 0)
      yield* Effect.ignore(
        awaitAnswer(() => backend.ask('quarantine', { values: bad, fence: fence?.() ?? null })),
      );
  });
};

const openContentsReader = (backend: ReadBackend): StoreContents => ({
  owner: awaitAnswer(() => backend.ask('owner', null)),
  logs: awaitAnswer(() => backend.ask('logs', null)),
  snapshotNames: awaitAnswer(() => backend.ask('snapshotNames', null)),
  counters: awaitAnswer(() => backend.ask('counters', null)),
  idSets: awaitAnswer(() => backend.ask('idSets', null)),
  usedIds: Effect.fn('store.usedIds')(function* (set: string, { after, limit }) {
    yield* requireName(set);
    if (!Number.isSafeInteger(limit) || limit < 1)
      return yield* new StoreInvalid({ message: `limit is at least 1, not ${limit}` });
    return yield* awaitAnswer(() =>
      backend.ask('usedIds', { set, after, limit: Math.min(limit, MAX_PAGE_ROWS) }),
    );
  }),
});

/** The reading operations of a backend. */
export const openReader = (backend: ReadBackend, options: ReaderOptions): StoreReader & StoreContents => {
  const quarantine = openQuarantine(backend, options);

  const read = Effect.fn('store.read')(function* (log: string, range: ReadRange) {
    yield* requireName(log);
    const problem = rangeProblem(range);
    if (problem !== null) return yield* new StoreInvalid({ message: problem });
    const upTo = range.upTo ?? Number.MAX_SAFE_INTEGER;
    const limit = Math.min(range.limit, MAX_PAGE_ROWS);
    let after = range.after;
    for (;;) {
      const ask = { log, after, upTo, limit };
      const rows = yield* awaitAnswer(() => backend.ask('read', ask));
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
    const row = yield* awaitAnswer(() => backend.ask('find', { log, key }));
    if (row === null) return null;
    const { records, bad } = parsePage(log, [row]);
    yield* quarantine(bad);
    return records[0] ?? null;
  });

  const lastSeq = Effect.fn('store.lastSeq')(function* (log: string) {
    yield* requireName(log);
    return yield* awaitAnswer(() => backend.ask('lastSeq', log));
  });

  const loadSnapshot = Effect.fn('store.loadSnapshot')(function* (name: string) {
    yield* requireName(name);
    const raw = yield* awaitAnswer(() => backend.ask('loadSnapshot', name));
    if (raw === null) return null;
    const value = decodeValue(raw.text);
    if (value.ok)
      return { version: raw.version, value: value.value, revision: raw.revision, savedAtMs: raw.savedAtMs };
    yield* quarantine([{ name, seq: null, revision: raw.revision, reason: value.error }]);
    return null;
  });

  const setAside: Effect.Effect<readonly SetAside[], StoreError> = awaitAnswer(() =>
    backend.ask('setAside', null),
  );

  return { read, find, lastSeq, loadSnapshot, setAside, ...openContentsReader(backend) };
};
