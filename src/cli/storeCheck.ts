import * as Effect from 'effect/Effect';

import { evidenceLogName } from '../actors/evidenceLog.ts';
import { writerLeaseName } from '../actors/writerLease.actor.ts';
import { checkStore } from '../store/backup.ts';
import { forEachEntry, type ReadableStore } from '../store/exportFileContents.ts';
import type { Lease } from '../store/lease.ts';
import { readMark, unusableBecause } from '../store/moved.ts';
import { type RestoredMark, readRestored } from '../store/restored.ts';
import type { LogInfo } from '../store/store.ts';
import { type Ending, reported } from './ending.ts';
import { progress } from './storeEnding.ts';
import { describePlace, openPlace, readLeaseAt, type StorePlace } from './storePlaces.ts';
import { type RequestReport, requestBooks } from './storeRequests.ts';

export type StoreCheck = {
  readonly place: string;
  readonly owner: string | null;
  readonly isSound: boolean;
  /** Sentences; empty when nothing is wrong. */
  readonly problems: readonly string[];
  readonly logs: readonly (LogInfo & { readonly gaps: number })[];
  readonly snapshots: readonly string[];
  readonly counters: Readonly<Record<string, number>>;
  /** Used ids by set. */
  readonly usedIds: Readonly<Record<string, number>>;
  /** Values that did not parse and were put away, the newest thousand. */
  readonly setAside: number;
  /** Of the process that writes; `holder` null after it ended. */
  readonly writer: Lease | null;
  /** Why no daemon may use it: it was moved, or is a copy that was not finished. Null when one may. */
  readonly unusable: string | null;
  /** When a backup was put in its place, and the newest record that each log had in it; null when never. */
  readonly restored: RestoredMark | null;
  readonly requests: RequestReport;
};

/** Everything is read once, through the decoder of each value. */
const readThrough = Effect.fnUntraced(function* (store: ReadableStore) {
  const books = requestBooks();
  const tell = progress('values read');
  const gaps = new Map<string, number>();
  const usedIds: Record<string, number> = {};
  let place = { log: '', seq: 0 };
  yield* forEachEntry(store, (entries) =>
    Effect.sync(() => {
      for (const entry of entries) {
        if ('set' in entry) usedIds[entry.set] = (usedIds[entry.set] ?? 0) + entry.ids.length;
        if (!('log' in entry)) continue;
        const { log, seq, value } = entry;
        if (place.log === log && seq > place.seq + 1) gaps.set(log, (gaps.get(log) ?? 0) + 1);
        place = { log, seq };
        if (log === evidenceLogName) books.accept(seq, value);
      }
      tell(entries.length);
    }),
  );
  return { requests: books.finish(), gaps, usedIds };
});

/** The embedded store knows more about its own file: SQLite's integrity check, counts, values of each row. */
const fileProblems = (place: StorePlace) =>
  place.kind === 'redis'
    ? Effect.succeed([])
    : Effect.map(checkStore({ dir: place.dir }), ({ problems, damage }) => [
        ...new Set([...damage.map((line) => `the file is damaged: ${line}`), ...problems]),
      ]);

const setAsideProblem = (count: number): readonly string[] =>
  count === 0
    ? []
    : [`${count} values did not parse and were set aside: \`miaoai store export\` leaves them out`];

export const checkPlace = Effect.fn('cli.checkPlace')(function* (place: StorePlace) {
  const found = yield* fileProblems(place);
  const store = yield* openPlace(place);
  const { requests, gaps, usedIds } = yield* readThrough(store);
  const setAside = (yield* store.setAside).length;
  const mark = yield* readMark(store);
  const problems = [...found, ...setAsideProblem(found.length > 0 ? 0 : setAside), ...requests.problems];
  const logs = (yield* store.logs).map((info) => ({ ...info, gaps: gaps.get(info.name) ?? 0 }));
  return {
    place: describePlace(place),
    owner: yield* store.owner,
    isSound: problems.length === 0,
    problems,
    logs,
    snapshots: yield* store.snapshotNames,
    counters: yield* store.counters,
    usedIds,
    setAside,
    writer: yield* readLeaseAt(place, writerLeaseName),
    unusable: unusableBecause(mark),
    restored: yield* readRestored(store),
    requests,
  } satisfies StoreCheck;
});

const sum = (counts: RequestReport['decided']): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

const restoredText = ({ atMs, fromSeq }: RestoredMark): string => {
  const ends = Object.entries(fromSeq).map(([log, seq]) => `${log} up to ${seq}`);
  return `restored from a backup at ${new Date(atMs).toISOString()}: ${ends.join(', ') || 'no log'}`;
};

const describe = (check: StoreCheck): string => {
  const { requests, writer } = check;
  const outcomes = Object.entries(requests.decided).map(([name, count]) => `${name} ${count}`);
  return [
    `${check.place}, of ${check.owner ?? 'nobody in particular'}`,
    ...check.logs.map(
      ({ name, firstSeq, lastSeq, records, bytes, gaps }) =>
        `log ${name}: ${records} records (${firstSeq} to ${lastSeq}), ${bytes} bytes${gaps === 0 ? '' : `, ${gaps} gaps`}`,
    ),
    `${check.snapshots.length} snapshots: ${check.snapshots.join(', ') || 'none'}`,
    ...Object.entries(check.counters).map(([name, value]) => `counter ${name}: ${value}`),
    ...Object.entries(check.usedIds).map(([name, count]) => `used ids ${name}: ${count}`),
    `requests: ${requests.planned} planned = ${sum(requests.decided)} decided (${outcomes.join(', ')}) + ${requests.open} open + ${requests.abandoned} abandoned`,
    `writer: ${writer === null ? 'none yet' : `${writer.holder ?? 'nobody now'}, token ${writer.token}`}`,
    ...(check.restored === null ? [] : [restoredText(check.restored)]),
    ...(check.unusable === null ? [] : [check.unusable]),
    ...check.problems.map((problem) => `PROBLEM: ${problem}`),
    check.isSound ? 'sound' : 'NOT SOUND',
  ].join('\n');
};

export const checkCommandWork = (place: StorePlace) =>
  Effect.map(checkPlace(place), (check): Ending => reported(check.isSound, describe(check), check));
