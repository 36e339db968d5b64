/** What travels between the store's client and its worker thread. Plain data on both sides. */

export type AppendWrite = {
  readonly kind: 'append';
  readonly log: string;
  readonly records: readonly { readonly key: string | null; readonly text: string }[];
};

export type SnapshotWrite = {
  readonly kind: 'snapshot';
  readonly name: string;
  readonly version: number;
  readonly text: string;
  /** Revision that must be current; null: nothing may be stored; undefined: whatever there is. */
  readonly expected: number | null | undefined;
};

export type Write = AppendWrite | SnapshotWrite;

export type WriteResult =
  | { readonly kind: 'appended'; readonly lastSeq: number; readonly duplicates: readonly number[] }
  | { readonly kind: 'saved'; readonly revision: number }
  | { readonly kind: 'conflict'; readonly actual: number | null };

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

/** Questions and answers by kind; the worker answers in the order it was asked. */
export type Exchanges = {
  readonly commit: { readonly ask: readonly Write[]; readonly answer: readonly WriteResult[] };
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
    readonly ask: readonly { readonly name: string; readonly seq: number | null; readonly reason: string }[];
    readonly answer: null;
  };
  readonly setAside: { readonly ask: null; readonly answer: readonly RawSetAside[] };
  readonly close: { readonly ask: null; readonly answer: null };
};

export type ExchangeKind = keyof Exchanges;

export type Question = {
  [Kind in ExchangeKind]: { readonly id: number; readonly kind: Kind; readonly ask: Exchanges[Kind]['ask'] };
}[ExchangeKind];

/** A failure as it crosses the thread; the client makes an error of it. */
export type ThreadFailure =
  | { readonly _tag: 'StoreUnavailable' | 'StoreCorrupt' | 'DiskFull'; readonly message: string }
  | { readonly _tag: 'SchemaTooNew'; readonly found: number; readonly supported: number }
  | { readonly _tag: 'StoreForeign'; readonly owner: string };

/** `id` 0 answers the opening of the database itself. */
export type Reply =
  | { readonly id: number; readonly ok: true; readonly answer: unknown }
  | { readonly id: number; readonly ok: false; readonly failure: ThreadFailure };

export type ThreadInput = {
  readonly file: string;
  readonly readOnly: boolean;
  /** Identity the store belongs to; null: whoever. */
  readonly owner: string | null;
};
