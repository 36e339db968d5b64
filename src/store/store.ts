import * as Context from 'effect/Context';
import type * as Effect from 'effect/Effect';

import type { StoreError } from './errors.ts';
import type { StoreVitals } from './health.ts';
import type { Leases } from './lease.ts';

/** What JSON can hold without loss. Numbers are finite; anything else is refused at the door. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json | undefined };

/** `key` names the fact: a log holds it once, whoever reports it how often. At most 512 characters. */
export type NewRecord = { readonly key?: string; readonly value: Json };

/** `seq` counts from 1 per log, without gaps, in the order of appending. */
export type StoredRecord = { readonly seq: number; readonly key: string | null; readonly value: Json };

/**
 * `lastSeq` is where the last record of the call stands, be it new or known. `duplicates` are the indices of the
 * records that were ignored because their key was already there; the first value stays.
 */
export type Appended = { readonly lastSeq: number; readonly duplicates: readonly number[] };

export type ReadRange = {
  /** Exclusive; 0 reads from the beginning. */
  readonly after: number;
  /** Inclusive; without it, to the end. */
  readonly upTo?: number;
  /** Most records of one page, at most 10,000. */
  readonly limit: number;
};

export type NewSnapshot = {
  readonly name: string;
  /** Version of the value's shape, chosen by the owner of the snapshot. */
  readonly version: number;
  readonly value: Json;
  /**
   * Compare-and-set: save only over this revision (null: only where nothing is stored). Without it the latest wins.
   */
  readonly revision?: number | null;
};

export type Snapshot = {
  readonly version: number;
  readonly value: Json;
  /** Grows with each save; never given twice. */
  readonly revision: number;
  /** Wall clock of the save in milliseconds since the Unix epoch, for rules about staleness. */
  readonly savedAtMs: number;
};

/** A stored value that did not parse. It is kept for inspection and skipped by all reads. */
export type SetAside = {
  readonly kind: 'record' | 'snapshot';
  /** Of the log or the snapshot. */
  readonly name: string;
  readonly seq: number | null;
  readonly key: string | null;
  readonly reason: string;
  readonly atMs: number;
};

/** What an audit needs, also while a daemon writes. */
export interface StoreReader {
  /**
   * A page of a log in ascending order. May be shorter than `limit` (pages are also bounded in bytes); only an empty
   * page means that nothing follows. Values that do not parse are set aside, reported in the log, and left out.
   */
  read(log: string, range: ReadRange): Effect.Effect<readonly StoredRecord[], StoreError>;
  /** The record of a key. Null when the log has none, or its value did not parse and was set aside. */
  find(log: string, key: string): Effect.Effect<StoredRecord | null, StoreError>;
  /** Sequence number of the newest record of a log, 0 when it has none. */
  lastSeq(log: string): Effect.Effect<number, StoreError>;
  /** Null when none is stored, or the stored one did not parse and was set aside. */
  loadSnapshot(name: string): Effect.Effect<Snapshot | null, StoreError>;
  /** The newest thousand values that were set aside. */
  readonly setAside: Effect.Effect<readonly SetAside[], StoreError>;
}

export type LogInfo = {
  readonly name: string;
  /** Oldest record still kept; 0 for a log without records. */
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly records: number;
  /** Of keys and values, without what the store adds to them. */
  readonly bytes: number;
};

/** What there is, for `miaoai store`. */
export interface StoreContents {
  /** Identity the store was made for, e.g. `finney/86/5F3s…/validator`; null when it was made for none. */
  readonly owner: Effect.Effect<string | null, StoreError>;
  readonly logs: Effect.Effect<readonly LogInfo[], StoreError>;
  readonly snapshotNames: Effect.Effect<readonly string[], StoreError>;
  readonly counters: Effect.Effect<Readonly<Record<string, number>>, StoreError>;
  /** Names of the sets that `useIds` made. */
  readonly idSets: Effect.Effect<readonly string[], StoreError>;
  /** Ids of a set, ascending by their UTF-8 bytes, from the first after `after` ('' reads from the beginning). */
  usedIds(
    set: string,
    page: { readonly after: string; readonly limit: number },
  ): Effect.Effect<readonly string[], StoreError>;
}

/**
 * Where a daemon keeps what must outlive it: append-only logs (evidence, verdicts, weight intents) and named
 * snapshots with compare-and-set. Nothing expires. An answer means that the data is on disk; interrupting a write
 * only stops the waiting for it.
 */
export interface Store extends StoreReader {
  /** Appends in order, all or nothing, once per `key`; at most 4,096 records of at most 1 MiB each per call. */
  append(log: string, records: readonly NewRecord[]): Effect.Effect<Appended, StoreError>;
  /** Answers the new revision, or `StoreConflict` where `revision` was given and is no longer current. */
  saveSnapshot(snapshot: NewSnapshot): Effect.Effect<number, StoreError>;
  /**
   * Uses up ids that may be used once, at most 4,096 per call. Answers the indices of those that were used before, or
   * stand twice in the call; the others are used from now on.
   */
  useIds(set: string, ids: readonly string[]): Effect.Effect<readonly number[], StoreError>;
  /** Adds a whole number to a counter, which begins at 0, and answers its new value. Not idempotent. */
  addTo(counter: string, by: number): Effect.Effect<number, StoreError>;
  /** Drops the records of a log up to `upTo` (inclusive) and answers how many. Sequence numbers go on; keys are freed. */
  dropRecords(log: string, upTo: number): Effect.Effect<number, StoreError>;
}

/** For copies of a whole store: what was stored comes back as it was. */
export interface StoreImport {
  /**
   * Appends records under the sequence numbers they had, ascending and above the log's last one; gaps stay gaps.
   * `StoreInvalid` for any other order, or for a key that the log has.
   */
  importRecords(log: string, records: readonly StoredRecord[]): Effect.Effect<void, StoreError>;
  /** Saves a snapshot with the time at which it was saved first; its revision is a new one. */
  importSnapshot(
    snapshot: Omit<NewSnapshot, 'revision'> & Pick<Snapshot, 'savedAtMs'>,
  ): Effect.Effect<void, StoreError>;
}

/** A store that was opened for writing, with what its process needs beside the data. */
export interface StoreHandle extends Store, StoreContents, StoreImport, Leases, StoreVitals {}

/** The store of this process, whichever kind it is. */
export class StoreService extends Context.Service<StoreService, Store>()('store/Store') {}
