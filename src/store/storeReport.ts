import type { LogInfo } from './store.ts';
import type { StoreSize } from './storeThread.ts';

/** What a check of the embedded store found. Lists are cut at 100 entries, counts are whole. */

export type LogReport = LogInfo & {
  /** Numbers missing between two records; what was dropped from the beginning is no gap. Imports may bring some. */
  readonly gaps: readonly { readonly after: number; readonly before: number }[];
  readonly gapCount: number;
  /** Sequence numbers of values that do not parse and were not yet set aside. */
  readonly unreadable: readonly number[];
  readonly unreadableCount: number;
  /** Records whose value was set aside earlier. */
  readonly setAside: number;
  /** Whether what the log holds is what it counts. */
  readonly isCountRight: boolean;
};

export type SnapshotReport = {
  readonly name: string;
  readonly version: number;
  readonly savedAtMs: number;
  readonly bytes: number;
  readonly isReadable: boolean;
};

export type StoreReport = {
  readonly file: string;
  /** Version of the schema; an older one is brought up at the next start, its logs are not looked at. */
  readonly schema: number;
  readonly owner: string | null;
  /** Nothing is wrong with it. */
  readonly isSound: boolean;
  /** What is wrong, in sentences. */
  readonly problems: readonly string[];
  /** Lines of SQLite's own integrity check. */
  readonly damage: readonly string[];
  readonly logs: readonly LogReport[];
  readonly snapshots: readonly SnapshotReport[];
  /** Values that were set aside since the store was made. */
  readonly setAside: number;
  readonly size: StoreSize;
};
