import type { CommitFailure } from './groupCommit.ts';
import type { Lease } from './lease.ts';
import type { LogInfo } from './store.ts';
import type { StoreReport } from './storeReport.ts';
import type { Fence, Write, WriteResult } from './write.ts';

/** What travels between the store's client and its worker thread. Plain data on both sides. */

export type RawRecord = { readonly seq: number; readonly key: string | null; readonly text: unknown };
export type RawSnapshot = {
  readonly version: number;
  readonly text: unknown;
  readonly revision: number;
  readonly savedAtMs: number;
};
export type RawSetAside = {
  readonly kind: 'record' | 'snapshot';
  readonly name: string;
  readonly seq: number | null;
  readonly key: string | null;
  readonly reason: string;
  readonly atMs: number;
};

export type BadValue = {
  readonly name: string;
  /** Null for a snapshot. */
  readonly seq: number | null;
  /** Of a snapshot as it was read: one that was saved since stays. 0 where nothing tells. */
  readonly revision: number;
  readonly reason: string;
};

export type CommitAnswer =
  | { readonly ok: true; readonly results: readonly WriteResult[] }
  | { readonly ok: false; readonly failure: CommitFailure };

/** Room that the embedded store takes on the disk, in bytes. */
export type StoreSize = {
  readonly fileBytes: number;
  readonly walBytes: number;
  /** Of the file, no longer used: new data goes there first. */
  readonly freeBytes: number;
};

/** Questions and answers by kind; the worker answers in the order it was asked. */
export type Exchanges = {
  readonly commit: {
    readonly ask: { readonly writes: readonly Write[]; readonly fence: Fence | null };
    readonly answer: CommitAnswer;
  };
  readonly read: {
    readonly ask: {
      readonly log: string;
      readonly after: number;
      readonly upTo: number;
      readonly limit: number;
    };
    readonly answer: readonly RawRecord[];
  };
  readonly find: {
    readonly ask: { readonly log: string; readonly key: string };
    readonly answer: RawRecord | null;
  };
  readonly lastSeq: { readonly ask: string; readonly answer: number };
  readonly loadSnapshot: { readonly ask: string; readonly answer: RawSnapshot | null };
  /** Marks values that did not parse: `seq` names a record of the log `name`, null the snapshot `name`. */
  readonly quarantine: {
    readonly ask: {
      readonly values: readonly BadValue[];
      /** Nothing is marked where the fence does not hold. */
      readonly fence: Fence | null;
    };
    readonly answer: null;
  };
  readonly setAside: { readonly ask: null; readonly answer: readonly RawSetAside[] };
  readonly owner: { readonly ask: null; readonly answer: string | null };
  readonly logs: { readonly ask: null; readonly answer: readonly LogInfo[] };
  readonly snapshotNames: { readonly ask: null; readonly answer: readonly string[] };
  readonly counters: { readonly ask: null; readonly answer: Readonly<Record<string, number>> };
  readonly idSets: { readonly ask: null; readonly answer: readonly string[] };
  readonly usedIds: {
    readonly ask: { readonly set: string; readonly after: string; readonly limit: number };
    readonly answer: readonly string[];
  };
  readonly size: { readonly ask: null; readonly answer: StoreSize };
  readonly readLease: { readonly ask: string; readonly answer: Lease | null };
  /** `lease`: as stored afterwards. `isDone`: false where what is stored was not what the caller had seen. */
  readonly takeLease: {
    readonly ask: { readonly name: string; readonly holder: string; readonly over: Lease | null };
    readonly answer: { readonly isDone: boolean; readonly lease: Lease | null };
  };
  readonly renewLease: {
    readonly ask: Lease;
    readonly answer: { readonly isDone: boolean; readonly lease: Lease | null };
  };
  readonly releaseLease: { readonly ask: Lease; readonly answer: null };
  /** Gives each lease, and each of `tokens`, up under a token that is higher by `by` than any known. */
  readonly raiseTokens: {
    readonly ask: { readonly tokens: Readonly<Record<string, number>>; readonly by: number };
    readonly answer: null;
  };
  /** The following are of a thread that was started for maintenance. */
  readonly copyTo: { readonly ask: string; readonly answer: null };
  readonly check: { readonly ask: null; readonly answer: StoreReport };
  readonly leaseTokens: { readonly ask: null; readonly answer: Readonly<Record<string, number>> };
  readonly close: { readonly ask: null; readonly answer: null };
};

export type ExchangeKind = keyof Exchanges;

export type Question = {
  [Kind in ExchangeKind]: { readonly id: number; readonly kind: Kind; readonly ask: Exchanges[Kind]['ask'] };
}[ExchangeKind];

/** A failure as it crosses the thread; the client makes an error of it. */
export type ThreadFailure =
  | {
      readonly _tag: 'StoreUnavailable' | 'StoreCorrupt' | 'DiskFull' | 'SchemaOlder';
      readonly message: string;
    }
  | { readonly _tag: 'SchemaTooNew'; readonly found: number; readonly supported: number }
  | { readonly _tag: 'StoreForeign'; readonly owner: string };

/** `id` 0 answers the opening of the database itself. */
export type Reply =
  | { readonly id: number; readonly ok: true; readonly answer: unknown }
  | { readonly id: number; readonly ok: false; readonly failure: ThreadFailure };

export type ThreadInput = {
  readonly file: string;
  readonly readOnly: boolean;
  /** Others may have it open: an older schema is then left alone. */
  readonly isShared?: boolean;
  /** Only for copies and checks, also of an older schema; opened read-only. */
  readonly isMaintenance?: boolean;
  /** Identity the store belongs to; null: whoever. */
  readonly owner: string | null;
};
