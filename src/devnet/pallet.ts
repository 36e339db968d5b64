/**
 * How a pallet is declared. The metadata, the storage layout, the extrinsics, the events and the runtime APIs
 * of the embedded chain all follow from these declarations.
 *
 * ```ts
 * const storage = {
 *   // Identity-hashed u16 key, value u16, 360 where nothing is stored
 *   Tempo: storageMap([identity(u16)], u16, 360),
 *   // two keys, an Option: `get` gives undefined where nothing is stored
 *   Uids: storageMap([identity(u16), blake2(accountId)], u16),
 *   StakeThreshold: storageValue(u64, 0n),
 * };
 * const events = { TempoSet: event(50, [u16, u16]) };          // or event(50, { netuid: u16, tempo: u16 })
 * const errors = declareErrors({ SubnetNotExists: 0, NotSubnetOwner: 1 });
 *
 * export const exampleModule = definePallet({
 *   name: 'SubtensorModule', index: 7, storage, events, errors,
 *   constants: { InitialTempo: constant(u16, 360) },
 *   calls: {
 *     set_tempo: call({
 *       index: 139, args: { netuid: u16, tempo: u16 }, pays: true,
 *       checkInPool: (ctx, { netuid }, _signer) => (ctx.has(storage.Tempo, netuid) ? undefined : { custom: 3 }),
 *       dispatch: (ctx, { netuid, tempo }, origin) => {
 *         const owner = ensureSigned(origin);                    // throws BadOrigin
 *         if (!ctx.has(storage.Tempo, netuid)) throw new ModuleError(errors.SubnetNotExists);
 *         ctx.put(storage.Tempo, netuid, tempo);                 // keys first, value last
 *         ctx.emit(events.TempoSet, [netuid, tempo]);
 *       },
 *     }),
 *   },
 *   apis: [{ name: 'SubnetInfoRuntimeApi', version: 2, methods: {
 *     get_tempo: apiMethod({ args: { netuid: u16 }, returns: option(u16),
 *       handle: (ctx, { netuid }) => ctx.get(storage.Tempo, netuid) }),
 *   } }],
 *   onInitialize: (ctx, block) => { ... }, genesis: (ctx, config) => { ... },
 * });
 * ```
 *
 * A call that throws leaves no trace in the state but its nonce, its fee and `System.ExtrinsicFailed`.
 */
import type { GenesisConfig } from './genesis.ts';
import type { AnyType, Fields, FieldValues, NamedFields, ScaleType, UnnamedFields } from './scale.ts';

export type Hasher = 'Identity' | 'Blake2128Concat' | 'Twox64Concat';
export type HashedKey<T> = { readonly hasher: Hasher; readonly type: ScaleType<T> };
export const identity = <T>(type: ScaleType<T>): HashedKey<T> => ({ hasher: 'Identity', type });
export const blake2 = <T>(type: ScaleType<T>): HashedKey<T> => ({ hasher: 'Blake2128Concat', type });
export const twox64 = <T>(type: ScaleType<T>): HashedKey<T> => ({ hasher: 'Twox64Concat', type });

/** `K` are the keys' values, `V` the stored value, `Q` what a query gives: V, or V | undefined without a default. */
export interface StorageItem<K extends readonly unknown[], V, Q> {
  readonly keys: readonly HashedKey<unknown>[];
  readonly type: ScaleType<V>;
  /** Value of an absent key; undefined for an optional item. */
  readonly fallback: V | undefined;
  /** Never called: keeps `K` and `Q` in the type. */
  readonly phantom?: (...keys: K) => Q;
}
export type AnyStorageItem = {
  readonly keys: readonly HashedKey<unknown>[];
  readonly type: AnyType;
  readonly fallback: unknown;
};
type KeyValues<K extends readonly HashedKey<unknown>[]> = {
  -readonly [I in keyof K]: K[I] extends HashedKey<infer T> ? T : never;
};

export function storageValue<V>(type: ScaleType<V>): StorageItem<[], V, V | undefined>;
export function storageValue<V>(type: ScaleType<V>, fallback: V): StorageItem<[], V, V>;
export function storageValue<V>(type: ScaleType<V>, fallback?: V): StorageItem<[], V, V | undefined> {
  return { keys: [], type, fallback };
}

export function storageMap<const K extends readonly HashedKey<unknown>[], V>(
  keys: K,
  type: ScaleType<V>,
): StorageItem<KeyValues<K>, V, V | undefined>;
export function storageMap<const K extends readonly HashedKey<unknown>[], V>(
  keys: K,
  type: ScaleType<V>,
  fallback: V,
): StorageItem<KeyValues<K>, V, V>;
export function storageMap<V>(
  keys: readonly HashedKey<unknown>[],
  type: ScaleType<V>,
  fallback?: V,
): StorageItem<unknown[], V, V | undefined> {
  return { keys, type, fallback };
}

export interface EventDeclaration<F extends Fields> {
  readonly index: number;
  readonly fields: F;
}
export const event = <const F extends NamedFields | UnnamedFields = readonly []>(
  index: number,
  fields?: F,
): EventDeclaration<F> => ({ index, fields: fields ?? ([] as UnnamedFields as F) });

export type ErrorDeclaration = { readonly name: string; readonly index: number };
/** Errors of a pallet with their indices, to be thrown as `new ModuleError(errors.Name)`. */
export const declareErrors = <const E extends { readonly [name: string]: number }>(
  indices: E,
): { readonly [K in keyof E]: ErrorDeclaration } =>
  Object.fromEntries(Object.entries(indices).map(([name, index]) => [name, { name, index }])) as {
    readonly [K in keyof E]: ErrorDeclaration;
  };

/** A pallet's error; the transaction's changes are undone and `System.ExtrinsicFailed` names it. */
export class ModuleError extends Error {
  readonly declaration: ErrorDeclaration;
  constructor(declaration: ErrorDeclaration) {
    super(declaration.name);
    this.declaration = declaration;
  }
}
/** Fails with the error unless the condition holds. */
export const ensure = (isFine: boolean, error: ErrorDeclaration): void => {
  if (!isFine) throw new ModuleError(error);
};
/** The errors of `sp_runtime::DispatchError` that do not belong to a pallet. */
export type GeneralError =
  | { readonly tag: 'BadOrigin' | 'CannotLookup' | 'Other' | 'Unavailable' }
  | {
      readonly tag: 'Token';
      readonly token: 'FundsUnavailable' | 'OnlyProvider' | 'BelowMinimum' | 'NotExpendable';
    }
  | { readonly tag: 'Arithmetic'; readonly arithmetic: 'Underflow' | 'Overflow' | 'DivisionByZero' };
export class DispatchFailure extends Error {
  readonly failure: GeneralError;
  constructor(failure: GeneralError) {
    super(failure.tag);
    this.failure = failure;
  }
}

export type Origin =
  | { readonly kind: 'signed'; readonly account: Uint8Array }
  | { readonly kind: 'root' }
  | { readonly kind: 'none' };
export const ROOT_ORIGIN: Origin = { kind: 'root' };
/** BadOrigin for everybody but root. */
export const ensureRoot = (origin: Origin): void => {
  if (origin.kind !== 'root') throw new DispatchFailure({ tag: 'BadOrigin' });
};
/** The signer's account, 32 bytes; BadOrigin for root and unsigned calls. */
export const ensureSigned = (origin: Origin): Uint8Array => {
  if (origin.kind !== 'signed') throw new DispatchFailure({ tag: 'BadOrigin' });
  return origin.account;
};

/** The state as of one block. */
export interface ReadContext {
  /** Number of the block being built; in runtime APIs, of the block whose state is read. */
  readonly block: number;
  /** Spec version of the runtime that runs, for what the real chain does differently between versions. */
  readonly specVersion: number;
  /** `Timestamp.Now`, Unix time in ms: of the block being built once its inherent ran. */
  readonly nowMs: number;
  get<K extends readonly unknown[], V, Q>(item: StorageItem<K, V, Q>, ...keys: K): Q;
  has<K extends readonly unknown[], V, Q>(item: StorageItem<K, V, Q>, ...keys: K): boolean;
  /** Stored entries in the order of their storage keys, all or those under the first keys. */
  iterate<K extends readonly unknown[], V, Q>(
    item: StorageItem<K, V, Q>,
    ...prefixKeys: Partial<K>
  ): readonly { readonly keys: K; readonly value: V }[];
}
/** The state of the block that is being built. */
export interface Context extends ReadContext {
  /** `ctx.put(item, key1, key2, value)`. */
  put<K extends readonly unknown[], V, Q>(item: StorageItem<K, V, Q>, ...keysAndValue: [...K, V]): void;
  remove<K extends readonly unknown[], V, Q>(item: StorageItem<K, V, Q>, ...keys: K): void;
  /** `get`, then `remove`. */
  take<K extends readonly unknown[], V, Q>(item: StorageItem<K, V, Q>, ...keys: K): Q;
  /** Removes all entries, or all under the first keys. */
  clear<K extends readonly unknown[], V, Q>(item: StorageItem<K, V, Q>, ...prefixKeys: Partial<K>): void;
  emit<F extends Fields>(declaration: EventDeclaration<F>, values: FieldValues<F>): void;
  /** Runs `change`; when it throws, undoes its changes and events and throws on. */
  transaction<T>(change: () => T): T;
}

/**
 * The signed extension's verdict, given to the client as "Custom error: N" with code 1010. `error` is what the same
 * check raises where the call is nested in another one and never was in the pool.
 */
export type PoolRefusal =
  | { readonly custom: number; readonly error?: ErrorDeclaration }
  | { readonly reason: 'BadSigner' };

export interface CallDeclaration<A extends NamedFields> {
  readonly index: number;
  readonly args: A;
  /** false: Pays::No, free even when it fails. */
  readonly pays: boolean;
  /** Weight in picoseconds of `ref_time`, 0.0005 rao each; 100 µs when not given. */
  readonly refTimePs?: bigint;
  /** Checked when the transaction enters the pool, after each block and when a block takes it in. */
  checkInPool?(ctx: ReadContext, args: FieldValues<A>, signer: Uint8Array): PoolRefusal | undefined;
  dispatch(ctx: Context, args: FieldValues<A>, origin: Origin): void;
}
export const call = <A extends NamedFields>(declaration: CallDeclaration<A>): CallDeclaration<A> =>
  declaration;

export interface ApiMethod<A extends NamedFields, R> {
  readonly args: A;
  readonly returns: ScaleType<R>;
  handle(ctx: ReadContext, args: FieldValues<A>): R;
}
export const apiMethod = <A extends NamedFields, R>(method: ApiMethod<A, R>): ApiMethod<A, R> => method;
export type RuntimeApi = {
  readonly name: string;
  readonly version: number;
  readonly methods: { readonly [name: string]: ApiMethod<NamedFields, unknown> };
};

export type Constant<T> = { readonly type: ScaleType<T>; readonly value: T };
export const constant = <T>(type: ScaleType<T>, value: T): Constant<T> => ({ type, value });

export type Pallet = {
  readonly name: string;
  readonly index: number;
  /** Rust crate of the pallet in type paths: `pallet_subtensor`. Derived from the name when not given. */
  readonly crate?: string;
  readonly storage?: { readonly [name: string]: AnyStorageItem };
  readonly calls?: { readonly [name: string]: CallDeclaration<NamedFields> };
  readonly events?: { readonly [name: string]: EventDeclaration<Fields> };
  readonly errors?: { readonly [name: string]: ErrorDeclaration };
  readonly constants?: { readonly [name: string]: { readonly type: AnyType; readonly value: unknown } };
  readonly apis?: readonly RuntimeApi[];
  /** Before the first extrinsic of each block. */
  onInitialize?(ctx: Context, block: number): void;
  /**
   * Stands in for the pallet's off-chain worker: unsigned calls, as bytes, that the node brings into the block being
   * built, before all transactions. The context has the block's timestamp.
   */
  offchainWorker?(ctx: ReadContext): readonly Uint8Array[];
  /** After the last extrinsic of each block. */
  onFinalize?(ctx: Context, block: number): void;
  /** Writes the state of block 0. Accounts are funded before. */
  genesis?(ctx: Context, config: GenesisConfig): void;
};
export const definePallet = (pallet: Pallet): Pallet => pallet;
