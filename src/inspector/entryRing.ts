import type { InspectionEntry } from '../domain/view/inspection.ts';

/** The last entries, by number. */
export type EntryRing = {
  readonly push: (entry: InspectionEntry) => void;
  /** Entries with a number above `seq`, oldest first, as far as they are still held. */
  readonly after: (seq: number) => readonly InspectionEntry[];
  /** Number of the newest entry; 0 before the first. */
  readonly last: () => number;
  /** Entries that had to make room. */
  readonly evicted: () => number;
};

/** @param capacity entries held; a slot is written over when its turn comes, so that nothing is moved */
export const createEntryRing = (capacity: number): EntryRing => {
  const slots: (InspectionEntry | undefined)[] = new Array(capacity).fill(undefined);
  let last = 0;
  const first = (): number => Math.max(1, last - capacity + 1);
  return {
    push: (entry) => {
      last = entry.seq;
      slots[last % capacity] = entry;
    },
    after: (seq) => {
      const entries: InspectionEntry[] = [];
      for (let number = Math.max(seq + 1, first()); number <= last; number += 1) {
        const entry = slots[number % capacity];
        if (entry !== undefined) entries.push(entry);
      }
      return entries;
    },
    last: () => last,
    evicted: () => first() - 1,
  };
};
