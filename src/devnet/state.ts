/**
 * The chain's state: storage key → bytes, with the versions of the recent blocks.
 *
 * Every key has the list of its versions, oldest first. Reading at a block takes the last version that is not
 * younger, so a block costs only what it writes. Block numbers identify states; a fork that is left is rolled back, and
 * what it had written stays readable through a view.
 */

/** Hex digits and `0x` of the 32 bytes that name a pallet and an item: the unit in which keys are listed. */
const BUCKET_LENGTH = 66;

export type StateVersion = { readonly block: number; readonly value: Uint8Array | undefined };
export type StateEntry = readonly [key: string, versions: readonly StateVersion[]];
type Undo = { readonly key: string; readonly before: StateVersion | undefined };
type Bucket = {
  readonly names: Set<string>;
  /** Keys in their order; undefined after keys came or went. */
  sorted: readonly string[] | undefined;
};

/** Reads only. */
export type StateView = Pick<State, 'get' | 'keys'>;

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
  /** Keys that a sealed block wrote, sorted; undefined once its state is forgotten. */
  writtenIn(block: number): readonly string[] | undefined;
  /** Forgets states before `oldestBlock`. */
  prune(oldestBlock: number): void;
  /** Takes back what the sealed blocks after `block` wrote; the view still reads their states. */
  rollback(block: number): StateView;
  /** Everything that is kept; the lists are the state's own and change with it. */
  dump(): Iterable<StateEntry>;
  /** Replaces everything by what `dump` gave. */
  load(entries: Iterable<StateEntry>): void;
};

/** Index of the first key that is not before `prefix`. */
const lowerBound = (sorted: readonly string[], prefix: string): number => {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? '') < prefix) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** Index of the last version not younger than `block`, -1 for none. The newest is what is asked for most. */
const versionIndex = (versions: readonly StateVersion[], block: number): number => {
  let high = versions.length - 1;
  if ((versions[high]?.block ?? -1) <= block) return high;
  let low = -1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((versions[middle]?.block ?? 0) <= block) low = middle;
    else high = middle - 1;
  }
  return low;
};

/** The versions by key, in buckets of one storage item each. */
const createVersionMap = () => {
  const buckets = new Map<string, Bucket>();
  const all = new Map<string, StateVersion[]>();
  return {
    find: (key: string): StateVersion[] | undefined => all.get(key),
    put: (key: string, versions: StateVersion[]): void => {
      all.set(key, versions);
      const name = key.slice(0, BUCKET_LENGTH);
      const bucket = buckets.get(name) ?? { names: new Set<string>(), sorted: undefined };
      buckets.set(name, bucket);
      if (!bucket.names.has(key)) bucket.sorted = undefined;
      bucket.names.add(key);
    },
    remove: (key: string): void => {
      if (!all.delete(key)) return;
      const name = key.slice(0, BUCKET_LENGTH);
      const bucket = buckets.get(name);
      if (bucket === undefined) return;
      bucket.names.delete(key);
      bucket.sorted = undefined;
      if (bucket.names.size === 0) buckets.delete(name);
    },
    *under(prefix: string): Iterable<StateEntry> {
      const isWithinOne = prefix.length >= BUCKET_LENGTH;
      const names = isWithinOne
        ? [prefix.slice(0, BUCKET_LENGTH)]
        : [...buckets.keys()].filter((name) => name.startsWith(prefix)).sort();
      for (const name of names) {
        const bucket = buckets.get(name);
        if (bucket === undefined) continue;
        bucket.sorted ??= [...bucket.names].sort();
        for (let at = lowerBound(bucket.sorted, prefix); at < bucket.sorted.length; at += 1) {
          const key = bucket.sorted[at] ?? '';
          if (!key.startsWith(prefix)) break;
          yield [key, all.get(key) ?? []];
        }
      }
    },
    clear: (): void => {
      buckets.clear();
      all.clear();
    },
  };
};

type Fork = { readonly base: number; trunk: StateView; readonly view: StateView };

/** The states of blocks after `base` from the versions that they wrote, on what `trunk` holds. */
const createFork = (
  base: number,
  first: StateView,
  written: ReadonlyMap<string, readonly StateVersion[]>,
): Fork => {
  const own = (key: string, block: number): StateVersion | undefined => {
    const versions = written.get(key) ?? [];
    return versions[versionIndex(versions, block)];
  };
  const fork: Fork = {
    base,
    trunk: first,
    view: {
      get: (key, block) => {
        const version = own(key, block);
        return version === undefined ? fork.trunk.get(key, Math.min(base, block)) : version.value;
      },
      keys: (prefix, block) => {
        const below = fork.trunk.keys(prefix, Math.min(base, block));
        const added = [...written.keys()].filter((key) => key.startsWith(prefix));
        return [...new Set([...below, ...added])]
          .filter((key) => fork.view.get(key, block) !== undefined)
          .sort();
      },
    },
  };
  return fork;
};
/** Forks that are kept readable; more than clients can still ask about. */
const MAX_FORKS = 100;

export const createState = (): State => {
  const map = createVersionMap();
  /** In the order of blocks. */
  const touchedByBlock = new Map<number, readonly string[]>();
  let journal: Undo[] = [];
  let forks: readonly Fork[] = [];

  const pruneKey = (key: string, oldestBlock: number): void => {
    const versions = map.find(key);
    if (versions === undefined) return;
    const first = versionIndex(versions, oldestBlock);
    if (first > 0) versions.splice(0, first);
    if (versions.length === 1 && versions[0]?.value === undefined) map.remove(key);
  };
  /** Gives the versions that were taken back. */
  const rollbackKey = (key: string, block: number): readonly StateVersion[] => {
    const versions = map.find(key);
    if (versions === undefined) return [];
    const taken = versions.splice(versionIndex(versions, block) + 1);
    if (versions.length === 0) map.remove(key);
    return taken;
  };
  const undo = ({ key, before }: Undo): void => {
    const versions = map.find(key) ?? [];
    versions.pop();
    if (before !== undefined) versions.push(before);
    if (versions.length === 0) map.remove(key);
  };

  const state: State = {
    get: (key, block) => {
      const versions = map.find(key);
      return versions?.[versionIndex(versions, block)]?.value;
    },
    keys: (prefix, block) => {
      const found: string[] = [];
      for (const [key, versions] of map.under(prefix))
        if (versions[versionIndex(versions, block)]?.value !== undefined) found.push(key);
      return found;
    },
    set: (key, value, block) => {
      const versions = map.find(key);
      if (versions === undefined) {
        map.put(key, [{ block, value }]);
        journal.push({ key, before: undefined });
        return;
      }
      const last = versions.at(-1);
      const before = last?.block === block ? last : undefined;
      if (before !== undefined) versions.pop();
      versions.push({ block, value });
      journal.push({ key, before });
    },
    mark: () => journal.length,
    undoTo: (mark) => {
      for (const change of journal.splice(mark).reverse()) undo(change);
    },
    seal: (block) => {
      const touched = [...new Set(journal.map(({ key }) => key))].sort();
      touchedByBlock.set(block, touched);
      journal = [];
      return touched;
    },
    writtenIn: (block) => touchedByBlock.get(block),
    prune: (oldestBlock) => {
      for (const [block, touched] of touchedByBlock) {
        if (block > oldestBlock) break;
        for (const key of touched) pruneKey(key, oldestBlock);
        touchedByBlock.delete(block);
      }
    },
    rollback: (block) => {
      const written = new Map<string, readonly StateVersion[]>();
      for (const [later, touched] of [...touchedByBlock].reverse()) {
        if (later <= block) break;
        for (const key of touched) {
          const taken = rollbackKey(key, block);
          if (taken.length > 0) written.set(key, taken);
        }
        touchedByBlock.delete(later);
      }
      const fork = createFork(block, state, written);
      // Older forks that grew on what was taken back now read it there
      for (const older of forks) if (older.base > block && older.trunk === state) older.trunk = fork.view;
      forks = [...forks, fork].slice(-MAX_FORKS);
      return fork.view;
    },
    dump: () => map.under('0x'),
    load: (entries) => {
      map.clear();
      touchedByBlock.clear();
      journal = [];
      const touched = new Map<number, string[]>();
      for (const [key, versions] of entries) {
        map.put(key, [...versions]);
        for (const { block } of versions) {
          const keys = touched.get(block) ?? [];
          touched.set(block, keys);
          keys.push(key);
        }
      }
      for (const [block, keys] of [...touched].sort(([a], [b]) => a - b)) touchedByBlock.set(block, keys);
    },
  };
  return state;
};
