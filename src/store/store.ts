import * as Context from 'effect/Context';
import type * as Effect from 'effect/Effect';

import type { StoreError } from './errors.ts';

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
}

/** The store of this process, whichever kind it is. */
export class StoreService extends Context.Service<StoreService, Store>()('store/Store') {}
