import * as Effect from 'effect/Effect';

import { writerLeaseName } from '../actors/writerLease.actor.ts';
import { parseHolder } from '../actors/writerLeaseHolder.ts';
import { StoreConflict, type StoreError, StoreInvalid } from '../store/errors.ts';
import { entryDigest } from '../store/exportFile.ts';
import { forEachEntry, importEntries, occupiedBy, storeDigest } from '../store/exportFileContents.ts';
import type { ExportEntry, ExportFooter } from '../store/exportFileFormat.ts';
import { readExport } from '../store/exportFileReader.ts';
import { readMark, unusableBecause, writeMark } from '../store/moved.ts';
import type { StoreHandle } from '../store/store.ts';
import { progress } from './storeEnding.ts';
import { describePlace, openPlaceAlone, type StorePlace } from './storePlaces.ts';

/** How often a lease is looked at while a living holder might beat. */
const LOOK_MS = 500;

const invalid = (message: string) => new StoreInvalid({ message });

/**
 * Becomes the one that writes: at once where nobody holds the lease, else after no beat for `leaseMs`, or for as long
 * as its holder says that it may be silent. Refused while a daemon lives; one that only sleeps is shut out by the token, which the store checks with every write.
 */
export const becomeWriter = Effect.fn('cli.becomeWriter')(function* (store: StoreHandle, leaseMs: number) {
  const seen = yield* store.readLease(writerLeaseName);
  const patienceMs = Math.max(leaseMs, parseHolder(seen?.holder ?? '')?.leaseMs ?? 0);
  for (
    let waitedMs = 0;
    seen !== null && seen.holder !== null && waitedMs < patienceMs;
    waitedMs += LOOK_MS
  ) {
    if (waitedMs === 0)
      process.stderr.write(`waiting for ${patienceMs} ms to see whether ${seen.holder} lives\n`);
    yield* Effect.sleep(LOOK_MS);
    const now = yield* store.readLease(writerLeaseName);
    if (now?.token !== seen.token || now.beat !== seen.beat)
      return yield* new StoreConflict({
        name: writerLeaseName,
        actual: now?.token ?? null,
        message: `the store is in use by ${now?.holder ?? 'another process'}: stop it first`,
      });
  }
  const holder = `miaoai store, process ${process.pid}`;
  const lease = yield* store.takeLease({ name: writerLeaseName, holder, over: seen });
  store.fence(lease);
  yield* Effect.addFinalizer(() => Effect.ignore(store.releaseLease(lease)));
});

/** Opens the place a copy goes to, which must be empty, and marks it as not usable yet. */
const openTarget = Effect.fnUntraced(function* (
  place: StorePlace,
  options: { readonly owner: string | null; readonly from: string },
) {
  const store = yield* openPlaceAlone(place, { owner: options.owner, isNew: true });
  const obstacle = yield* occupiedBy(store);
  if (obstacle !== null) {
    const reason = unusableBecause(yield* readMark(store));
    return yield* invalid(
      `${describePlace(place)} is not empty: it has ${obstacle}${reason === null ? '' : ` (${reason})`}; choose another place`,
    );
  }
  yield* writeMark(store, { state: 'incomplete', from: options.from, atMs: Date.now() });
  return store;
});

const sameContent = (a: ExportFooter, b: ExportFooter): boolean => a.sha256 === b.sha256;

/** Reads a copy back and lets it be used when it holds exactly what was copied. */
const finishCopy = Effect.fnUntraced(function* (
  store: StoreHandle,
  copied: ExportFooter,
  given: {
    readonly place: StorePlace;
    readonly beforeUse: Effect.Effect<unknown, StoreError>;
    readonly from: string;
  },
) {
  process.stderr.write('reading the copy back\n');
  const found = yield* storeDigest(store);
  if (!sameContent(found, copied))
    return yield* invalid(
      `${describePlace(given.place)} does not hold what was copied (${found.end.records} of ${copied.end.records} records): remove it, and copy again`,
    );
  yield* given.beforeUse;
  yield* writeMark(store, { state: 'whole', from: given.from, atMs: Date.now() });
  return copied;
});

export type Copied = ExportFooter & { readonly owner: string | null };

/** Puts an export into an empty store. The file is read to its end before anything is written. */
export const importFile = Effect.fn('cli.importFile')(function* (given: {
  readonly file: string;
  readonly place: StorePlace;
  /** Identity of the new store; null: the one of the file. */
  readonly asOwner: string | null;
}) {
  const { file, place, asOwner } = given;
  const digest = entryDigest();
  const tellRead = progress('entries looked at');
  const look = (entries: readonly ExportEntry[]) =>
    Effect.sync(() => {
      for (const entry of entries) digest.entry(entry);
      tellRead(entries.length);
    });
  const { header } = yield* readExport(file, look);
  if (header.kind !== 'store')
    return yield* invalid(
      `${file} is a part of an evidence log, which \`miaoai audit\` reads; give an export`,
    );
  const owner = asOwner ?? header.owner;
  const store = yield* openTarget(place, { owner, from: file });
  const tell = progress('entries imported');
  yield* readExport(file, (entries) =>
    Effect.tap(importEntries(store, entries), () => Effect.sync(() => tell(entries.length))),
  );
  const copied = yield* finishCopy(store, digest.finish(), { place, beforeUse: Effect.void, from: file });
  return { ...copied, owner } satisfies Copied;
});

/** A move that was interrupted between its two marks: the copy is whole, and only has to be said so. */
const resumeMove = Effect.fnUntraced(function* (source: StoreHandle, to: StorePlace, owner: string | null) {
  const target = yield* openPlaceAlone(to, { owner, isNew: true });
  const [from, there] = [yield* storeDigest(source), yield* storeDigest(target)];
  const mark = yield* readMark(target);
  if (!sameContent(from, there) || mark?.state !== 'incomplete') return null;
  yield* writeMark(target, { state: 'whole', from: mark.from, atMs: Date.now() });
  return { ...from, owner } satisfies Copied;
});

/**
 * Copies a store to another place, reads the copy back, and marks the source so that nobody starts on it by mistake. A
 * crash leaves either the source as it was, or both marked, which a second call finishes.
 */
export const moveStore = Effect.fn('cli.moveStore')(function* (given: {
  readonly from: StorePlace;
  readonly to: StorePlace;
  readonly leaseMs: number;
}) {
  const { from, to, leaseMs } = given;
  const places = { from: describePlace(from), to: describePlace(to) };
  const source = yield* openPlaceAlone(from, { owner: null, isNew: false });
  const owner = yield* source.owner;
  const mark = yield* readMark(source);
  yield* becomeWriter(source, leaseMs);
  if (mark?.state === 'moved' && mark.to === places.to) {
    const resumed = yield* resumeMove(source, to, owner);
    if (resumed !== null) return resumed;
  }
  const reason = unusableBecause(mark);
  if (reason !== null) return yield* invalid(`${places.from}: ${reason}`);
  const target = yield* openTarget(to, { owner, from: places.from });
  const digest = entryDigest();
  const tell = progress('entries copied');
  yield* forEachEntry(source, (entries) =>
    Effect.gen(function* () {
      for (const entry of entries) digest.entry(entry);
      yield* importEntries(target, entries);
      tell(entries.length);
    }),
  );
  const beforeUse = writeMark(source, { state: 'moved', to: places.to, atMs: Date.now() });
  const copied = yield* finishCopy(target, digest.finish(), { place: to, beforeUse, from: places.from });
  return { ...copied, owner } satisfies Copied;
});
