/**
 * The chain's state: storage key → bytes, with the versions of the recent blocks.
 *
 * Every key has the list of its versions, oldest first. Reading at a block takes the last version that is not
 * younger, so a block costs only what it writes. There are no forks: block numbers identify states.
 */

/** Hex digits and `0x` of the 32 bytes that name a pallet and an item: the unit in which keys are listed. */
const BUCKET_LENGTH = 66;

type Version = { readonly block: number; readonly value: Uint8Array | undefined };
type Undo = { readonly key: string; readonly versions: readonly Version[] | undefined };

export type State = {
  /** Bytes at a key after `block`; undefined when nothing was stored. */
  get(key: string, block: number): Uint8Array | undefined;
  /** Keys that start with `prefix` (with `0x`) and exist after `block`, sorted by their bytes. */
  keys(prefix: string, block: number): readonly string[];
  /** Writes, or removes with undefined, in the newest block. */
  set(key: string, value: Uint8Array | undefined, block: number): void;
  /** A mark to return to with `undoTo`. */
  mark(): number;
  undoTo(mark: number): void;
  /** Ends a block: forgets how to undo it and gives the keys that it wrote, sorted. */
  seal(block: number): readonly string[];
  /** Forgets states before `oldestBlock`. */
  prune(oldestBlock: number): void;
};

export const createState = (): State => {
  const buckets = new Map<string, Map<string, readonly Version[]>>();
  const touchedByBlock = new Map<number, ReadonlySet<string>>();
  let journal: Undo[] = [];

  const bucketOf = (key: string): Map<string, readonly Version[]> | undefined =>
    buckets.get(key.slice(0, BUCKET_LENGTH));
  const read = (versions: readonly Version[], block: number): Uint8Array | undefined =>
    versions.findLast((version) => version.block <= block)?.value;
  const write = (key: string, versions: readonly Version[] | undefined): void => {
    const name = key.slice(0, BUCKET_LENGTH);
    const bucket = buckets.get(name) ?? new Map<string, readonly Version[]>();
    buckets.set(name, bucket);
    if (versions === undefined) bucket.delete(key);
    else bucket.set(key, versions);
    if (bucket.size === 0) buckets.delete(name);
  };
  const pruneKey = (key: string, oldestBlock: number): void => {
    const versions = bucketOf(key)?.get(key);
    if (versions === undefined) return;
    const first = versions.findLastIndex((version) => version.block <= oldestBlock);
    const kept = first <= 0 ? versions : versions.slice(first);
    const isGone = kept.length === 1 && kept[0]?.value === undefined;
    if (isGone) write(key, undefined);
    else if (kept !== versions) write(key, kept);
  };

  return {
    get: (key, block) => {
      const versions = bucketOf(key)?.get(key);
      return versions === undefined ? undefined : read(versions, block);
    },
    keys: (prefix, block) => {
      const found: string[] = [];
      for (const [name, bucket] of buckets) {
        if (!name.startsWith(prefix.slice(0, BUCKET_LENGTH))) continue;
        for (const [key, versions] of bucket)
          if (key.startsWith(prefix) && read(versions, block) !== undefined) found.push(key);
      }
      return found.sort();
    },
    set: (key, value, block) => {
      const versions = bucketOf(key)?.get(key);
      journal.push({ key, versions });
      const older = versions === undefined ? [] : versions.filter((version) => version.block < block);
      if (value === undefined && older.length === 0) write(key, undefined);
      else write(key, [...older, { block, value }]);
    },
    mark: () => journal.length,
    undoTo: (mark) => {
      for (const { key, versions } of journal.splice(mark).reverse()) write(key, versions);
    },
    seal: (block) => {
      const touched = new Set(journal.map(({ key }) => key));
      touchedByBlock.set(block, touched);
      journal = [];
      return [...touched].sort();
    },
    prune: (oldestBlock) => {
      for (const [block, touched] of touchedByBlock) {
        if (block > oldestBlock) break;
        for (const key of touched) pruneKey(key, oldestBlock);
        touchedByBlock.delete(block);
      }
    },
  };
};
