/** Writes as they travel from the callers of a store through its group commit to a backend. Plain data, values as JSON text. */

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

export type UseIdsWrite = { readonly kind: 'useIds'; readonly set: string; readonly ids: readonly string[] };

export type AddToWrite = { readonly kind: 'addTo'; readonly counter: string; readonly by: number };

export type DropRecordsWrite = {
  readonly kind: 'dropRecords';
  readonly log: string;
  /** Inclusive. */
  readonly upTo: number;
  /** Most records, the oldest first, so that no commit takes long. */
  readonly limit: number;
};

export type ImportRecordsWrite = {
  readonly kind: 'importRecords';
  readonly log: string;
  /** Ascending by `seq`. */
  readonly records: readonly { readonly seq: number; readonly key: string | null; readonly text: string }[];
};

export type ImportSnapshotWrite = {
  readonly kind: 'importSnapshot';
  readonly name: string;
  readonly version: number;
  readonly text: string;
  readonly savedAtMs: number;
};

/** Something of no meaning, to learn whether writing works. */
export type ProbeWrite = { readonly kind: 'probe' };

export type Write =
  | AppendWrite
  | SnapshotWrite
  | UseIdsWrite
  | AddToWrite
  | DropRecordsWrite
  | ImportRecordsWrite
  | ImportSnapshotWrite
  | ProbeWrite;

export type WriteResult =
  | { readonly kind: 'appended'; readonly lastSeq: number; readonly duplicates: readonly number[] }
  | { readonly kind: 'saved'; readonly revision: number }
  | { readonly kind: 'conflict'; readonly actual: number | null }
  /** Indices of ids that were used before. */
  | { readonly kind: 'used'; readonly duplicates: readonly number[] }
  | { readonly kind: 'added'; readonly value: number }
  | { readonly kind: 'dropped'; readonly records: number }
  | { readonly kind: 'imported' }
  | { readonly kind: 'probed' }
  /** This write can never be stored and wrote nothing; the others of its commit are not concerned. */
  | { readonly kind: 'refused'; readonly message: string };

/** Commits hold only while the lease `lease` is stored with this token. */
export type Fence = { readonly lease: string; readonly token: number };

const textSize = (records: readonly { readonly key: string | null; readonly text: string }[]): number => {
  let size = 0;
  for (const { key, text } of records) size += text.length + (key?.length ?? 0);
  return size;
};

/** What a write counts against the bounds of the queue; bytes are estimated by UTF-16 units. */
export const sizeOf = (write: Write): { readonly rows: number; readonly bytes: number } => {
  switch (write.kind) {
    case 'append':
    case 'importRecords':
      return { rows: write.records.length, bytes: textSize(write.records) };
    case 'snapshot':
    case 'importSnapshot':
      return { rows: 1, bytes: write.text.length };
    case 'useIds':
      return { rows: write.ids.length, bytes: write.ids.reduce((sum, id) => sum + id.length, 0) };
    default:
      return { rows: 1, bytes: 0 };
  }
};
