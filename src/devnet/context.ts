/** What pallets see of the state: typed storage items over raw keys, events, nested transactions. */
import { fromHex, hashBytes, hashKey, toHex, twox128Hex } from './hashing.ts';
import type { AnyStorageItem, Context, EventDeclaration, Hasher, Pallet, ReadContext } from './pallet.ts';
import { type AnyType, concatBytes, decodeAll, decodePrefix, type Fields, fieldsCodec } from './scale.ts';
import type { State, StateView } from './state.ts';

/** Where an item lies: `0x`, twox128 of the pallet's and of the item's name. */
export type StorageLayout = { prefixOf(item: AnyStorageItem): string };

export const storagePrefix = (pallet: string, item: string): string =>
  `0x${twox128Hex(pallet)}${twox128Hex(item)}`;

/** Where an item lies that a runtime keeps and does not show: no client would compute it. */
export const hiddenPrefix = (pallet: string, item: string): string => storagePrefix(`${pallet} hidden`, item);

export const createStorageLayout = (
  pallets: readonly Pallet[],
  hidden: { readonly [pallet: string]: readonly string[] } = {},
): StorageLayout => {
  const prefixes = new Map<AnyStorageItem, string>();
  for (const pallet of pallets)
    for (const [name, item] of Object.entries(pallet.storage ?? {})) {
      const isHidden = hidden[pallet.name]?.includes(name) === true;
      prefixes.set(item, (isHidden ? hiddenPrefix : storagePrefix)(pallet.name, name));
    }
  return {
    prefixOf: (item) => {
      const prefix = prefixes.get(item);
      if (prefix === undefined) throw new Error('storage item of a pallet that the runtime does not include');
      return prefix;
    },
  };
};

/** Accounts whose hashes are kept: those of a few full subnets. Hashing them is what most reads would spend time on. */
const MAX_KEPT_PARTS = 20_000;
const ACCOUNT_BYTES = 32;
const NETUID_BYTES = 2;
const keptParts: { readonly [H in Hasher]: Map<string, string> } = {
  Identity: new Map(),
  Blake2128Concat: new Map(),
  Twox64Concat: new Map(),
};
/** Hex digits of a key's part, hashed. */
const keyPart = (hasher: Hasher, plain: Uint8Array): string => {
  const digits = toHex(plain).slice(2);
  if (hasher === 'Identity') return digits;
  // Accounts and netuids come again and again; block numbers never do
  if (plain.length !== ACCOUNT_BYTES && plain.length !== NETUID_BYTES)
    return toHex(hashKey(hasher, plain)).slice(2);
  const kept = keptParts[hasher];
  const known = kept.get(digits);
  if (known !== undefined) return known;
  const part = toHex(hashKey(hasher, plain)).slice(2);
  if (kept.size >= MAX_KEPT_PARTS) kept.clear();
  kept.set(digits, part);
  return part;
};

/** Raw storage key of an item, or the prefix of all entries under its first keys. */
export const storageKey = (layout: StorageLayout, item: AnyStorageItem, keys: readonly unknown[]): string => {
  let key = layout.prefixOf(item);
  for (const [index, { hasher, type }] of item.keys.entries()) {
    if (index >= keys.length) break;
    key += keyPart(hasher, type.enc(keys[index]));
  }
  return key;
};

const PREFIX_BYTES = 32;
const decodeKeys = (item: AnyStorageItem, key: string): readonly unknown[] => {
  let rest = (fromHex(key) ?? new Uint8Array()).slice(PREFIX_BYTES);
  return item.keys.map(({ hasher, type }) => {
    const [value, read] = decodePrefix(type, rest.slice(hashBytes[hasher]));
    rest = rest.slice(hashBytes[hasher] + read);
    return value;
  });
};

/** An event as it goes into `System.Events`, without its phase. */
export type EmittedEvent = { readonly pallet: number; readonly data: Uint8Array };
/** Which pallet declared an event; `undefined` for events that this runtime does not have and so drops. */
export type EventOwners = ReadonlyMap<EventDeclaration<Fields>, number | undefined>;

export const eventOwners = (pallets: readonly Pallet[]): EventOwners =>
  new Map(pallets.flatMap(({ events, index }) => Object.values(events ?? {}).map((event) => [event, index])));

export type ContextParts = {
  readonly state: State;
  readonly layout: StorageLayout;
  readonly owners: EventOwners;
  readonly specVersion: number;
  /** Reads `Timestamp.Now`. */
  readonly nowMs: (ctx: ReadContext) => number;
};

export type ReadParts = Omit<ContextParts, 'state'> & { readonly state: StateView };

/**
 * The interfaces are generic in the item, which cannot be checked inside: what is stored under an item's key
 * was encoded by the item's own type.
 */
type Read = Pick<ReadContext, 'block' | 'specVersion' | 'nowMs' | 'get' | 'has' | 'iterate'>;

const createReader = (parts: ReadParts, stateBlock: number, block: number): Read => {
  const { state, layout } = parts;
  const get = (item: AnyStorageItem, ...keys: readonly unknown[]): unknown => {
    const raw = state.get(storageKey(layout, item, keys), stateBlock);
    return raw === undefined ? item.fallback : decodeAll(item.type, raw);
  };
  const has = (item: AnyStorageItem, ...keys: readonly unknown[]): boolean =>
    state.get(storageKey(layout, item, keys), stateBlock) !== undefined;
  const iterate = (item: AnyStorageItem, ...prefixKeys: readonly unknown[]) =>
    state.keys(storageKey(layout, item, prefixKeys), stateBlock).map((key) => ({
      keys: decodeKeys(item, key),
      value: decodeAll(item.type, state.get(key, stateBlock) ?? new Uint8Array()),
    }));
  const reader = {
    block,
    specVersion: parts.specVersion,
    get nowMs(): number {
      return parts.nowMs(this as unknown as ReadContext);
    },
    get,
    has,
    iterate,
  };
  return reader as unknown as Read;
};

/** Reads the state after `stateBlock`; `block` is the number that pallets see. */
export const createReadContext = (parts: ReadParts, stateBlock: number, block = stateBlock): ReadContext =>
  createReader(parts, stateBlock, block);

/** Writes into the block being built; `onEvent` receives events, `marks` allow them to be undone with the state. */
export const createContext = (parts: ContextParts, block: number, events: EmittedEvent[]): Context => {
  const { state, layout, owners } = parts;
  const reader = createReader(parts, block, block);
  const remove = (item: AnyStorageItem, ...keys: readonly unknown[]): void => {
    const key = storageKey(layout, item, keys);
    if (state.get(key, block) !== undefined) state.set(key, undefined, block);
  };
  const writer = {
    put: (item: AnyStorageItem, ...keysAndValue: readonly unknown[]): void => {
      const value = (item.type as AnyType).enc(keysAndValue.at(-1));
      state.set(storageKey(layout, item, keysAndValue.slice(0, -1)), value, block);
    },
    remove,
    take: (item: AnyStorageItem, ...keys: readonly unknown[]): unknown => {
      const value = (reader.get as (item: AnyStorageItem, ...keys: readonly unknown[]) => unknown)(
        item,
        ...keys,
      );
      remove(item, ...keys);
      return value;
    },
    clear: (item: AnyStorageItem, ...prefixKeys: readonly unknown[]): void => {
      for (const key of state.keys(storageKey(layout, item, prefixKeys), block))
        state.set(key, undefined, block);
    },
    emit: (declaration: EventDeclaration<Fields>, values: never): void => {
      const pallet = owners.get(declaration);
      if (pallet === undefined && owners.has(declaration)) return;
      if (pallet === undefined) throw new Error('event of a pallet that the runtime does not include');
      const fields = fieldsCodec(declaration.fields).enc(values);
      events.push({ pallet, data: concatBytes(Uint8Array.of(pallet, declaration.index), fields) });
    },
    transaction: <T>(change: () => T): T => {
      const mark = state.mark();
      const emitted = events.length;
      try {
        return change();
      } catch (error) {
        state.undoTo(mark);
        events.splice(emitted);
        throw error;
      }
    },
  };
  return Object.defineProperties(writer, Object.getOwnPropertyDescriptors(reader)) as unknown as Context;
};
