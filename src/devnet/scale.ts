/**
 * SCALE type descriptors: each carries its codec and what the metadata's portable registry says about it.
 *
 * Values in JavaScript: number for u8..u32 and the compact forms of these, bigint from u64 on, Uint8Array for
 * byte strings, arrays for vectors and tuples, objects with camelCase keys for structs (the metadata shows
 * them in snake_case, as the chain does), `undefined` for an absent option, and
 * `{ tag, value }` for enums, where `value` is a tuple or an object as the case's fields are unnamed or named.
 *
 * Encoders refuse numbers outside of their type's range instead of wrapping around.
 */
import * as scale from 'scale-ts';

/** A type of the chain: codec and description. Methods, so that a `ScaleType<number>` is a `ScaleType<unknown>`. */
export interface ScaleType<T> {
  enc(value: T): Uint8Array;
  dec(bytes: Uint8Array): T;
  readonly info: TypeInfo;
}
export type AnyType = ScaleType<unknown>;
export type ValueOf<S> = S extends ScaleType<infer T> ? T : never;

export type TypeInfo = {
  readonly path: readonly string[];
  readonly params: readonly TypeParam[];
  readonly def: TypeDef;
};
export type TypeParam = { readonly name: string; readonly type: AnyType | undefined };
export type PrimitiveName =
  | 'bool'
  | 'str'
  | 'u8'
  | 'u16'
  | 'u32'
  | 'u64'
  | 'u128'
  | 'i8'
  | 'i16'
  | 'i32'
  | 'i64'
  | 'i128';
export type TypeDef =
  | { readonly tag: 'primitive'; readonly name: PrimitiveName }
  | { readonly tag: 'compact' | 'sequence'; readonly type: AnyType }
  | { readonly tag: 'array'; readonly len: number; readonly type: AnyType }
  | { readonly tag: 'tuple'; readonly types: readonly AnyType[] }
  | { readonly tag: 'composite'; readonly fields: readonly FieldInfo[] }
  | { readonly tag: 'variant'; readonly cases: readonly CaseInfo[] };
export type FieldInfo = { readonly name: string | undefined; readonly type: AnyType };
export type CaseInfo = {
  readonly name: string;
  readonly index: number;
  readonly fields: readonly FieldInfo[];
  /** What it means, for people. */
  readonly docs: readonly string[];
};

/** Fields of a struct, of a call's arguments or of a named enum case, in SCALE order. */
export type NamedFields = { readonly [name: string]: AnyType };
/** Fields of an unnamed enum case, in SCALE order. */
export type UnnamedFields = readonly AnyType[];
export type Fields = NamedFields | UnnamedFields;
export type FieldValues<F> = { readonly [K in keyof F]: ValueOf<F[K]> };

const plain = (def: TypeDef, path: readonly string[] = []): TypeInfo => ({ path, params: [], def });
const pathOf = (path: string): readonly string[] => (path === '' ? [] : path.split('::'));

/** Any type from a codec of scale-ts. */
export const describe = <T>(codec: scale.Codec<T>, info: TypeInfo): ScaleType<T> => ({
  enc: codec.enc,
  dec: codec.dec,
  info,
});
const codecOf = <T>(type: ScaleType<T>): scale.Codec<T> =>
  scale.createCodec(
    (value) => type.enc(value),
    scale.createDecoder((bytes) => type.dec(bytes)),
  );

/** By name, for those who only need to know whether a value fits. Throw RangeError. */
const rangeChecks = new Map<PrimitiveName, (value: unknown) => void>();

/** Little-endian bytes; shifts are several times faster here than a DataView for each number. */
const encodeNumber = (value: number, length: number): Uint8Array => {
  const encoded = new Uint8Array(length);
  for (let at = 0; at < length; at += 1) encoded[at] = value >> (8 * at);
  return encoded;
};
/** `length` bytes of an integer from `min` to `max`. */
const integer = (
  name: PrimitiveName,
  codec: scale.Codec<number>,
  length: number,
  [min, max]: Range<number>,
) => {
  const check = (value: unknown): void => {
    if (!Number.isInteger(value) || (value as number) < min || (value as number) > max)
      throw new RangeError(`${value} is no ${name}: expected an integer from ${min} to ${max}`);
  };
  rangeChecks.set(name, check);
  const encode = (value: number): Uint8Array => {
    check(value);
    return encodeNumber(value, length);
  };
  return describe(scale.createCodec(encode, codec.dec), plain({ tag: 'primitive', name }));
};
type Range<T> = readonly [min: T, max: T];
const bigInteger = (name: PrimitiveName, codec: scale.Codec<bigint>, [min, max]: Range<bigint>) => {
  const check = (value: unknown): void => {
    if (typeof value !== 'bigint' || value < min || value > max)
      throw new RangeError(`${value} is no ${name}: expected a bigint from ${min} to ${max}`);
  };
  rangeChecks.set(name, check);
  const encode = (value: bigint): Uint8Array => {
    check(value);
    return codec.enc(value);
  };
  return describe(scale.createCodec(encode, codec.dec), plain({ tag: 'primitive', name }));
};

export const u8 = integer('u8', scale.u8, 1, [0, 0xff]);
export const u16 = integer('u16', scale.u16, 2, [0, 0xffff]);
export const u32 = integer('u32', scale.u32, 4, [0, 0xffff_ffff]);
export const i16 = integer('i16', scale.i16, 2, [-0x8000, 0x7fff]);
export const i32 = integer('i32', scale.i32, 4, [-0x8000_0000, 0x7fff_ffff]);
export const u64 = bigInteger('u64', scale.u64, [0n, (1n << 64n) - 1n]);
export const u128 = bigInteger('u128', scale.u128, [0n, (1n << 128n) - 1n]);
export const i64 = bigInteger('i64', scale.i64, [-(1n << 63n), (1n << 63n) - 1n]);
export const i128 = bigInteger('i128', scale.i128, [-(1n << 127n), (1n << 127n) - 1n]);
export const str = describe(scale.str, plain({ tag: 'primitive', name: 'str' }));
export const bool = describe(
  scale.enhanceCodec(
    scale.u8,
    (value: boolean) => (value ? 1 : 0),
    (byte) => {
      if (byte > 1) throw new RangeError(`${byte} is no bool: expected 0 or 1`);
      return byte === 1;
    },
  ),
  plain({ tag: 'primitive', name: 'bool' }),
);

/** `Compact<T>` of an unsigned integer; the value is a number for u8..u32 and a bigint for u64 and u128. */
export const compact = <T extends number | bigint>(type: ScaleType<T>): ScaleType<T> => {
  const { def } = type.info;
  const isBig = def.tag === 'primitive' && (def.name === 'u64' || def.name === 'u128');
  const known = def.tag === 'primitive' ? rangeChecks.get(def.name) : undefined;
  const check = known ?? ((value: unknown) => void type.enc(value as T)); // encoding checks the range too
  const codec = scale.enhanceCodec(
    scale.compact,
    (value: T) => {
      check(value);
      return value;
    },
    (value) => {
      const typed = (isBig ? BigInt(value) : Number(value)) as T;
      check(typed);
      return typed;
    },
  );
  return describe(codec, plain({ tag: 'compact', type }));
};

/** Entries take at least a byte each, so a claimed length is refused before anything is reserved for it. */
const decodeVec = <T>(type: ScaleType<T>, input: Uint8Array): T[] => {
  const length = Number(scale.compact.dec(input));
  const left = input.length - positionOf(input);
  if (length > left) throw new RangeError(`a vector claims ${length} entries in ${left} bytes`);
  const entries: T[] = [];
  for (let index = 0; index < length; index += 1) entries.push(type.dec(input));
  return entries;
};
export const vec = <T>(type: ScaleType<T>): ScaleType<T[]> =>
  describe(
    scale.createCodec(
      scale.Vector(codecOf(type)).enc,
      scale.createDecoder((input) => decodeVec(type, input)),
    ),
    plain({ tag: 'sequence', type }),
  );

/** `[T; len]` of anything but bytes, for which there is `fixedBytes`. */
export const array = <T>(type: ScaleType<T>, len: number): ScaleType<T[]> =>
  describe(scale.Vector(codecOf(type), len), plain({ tag: 'array', len, type }));

/** `Vec<u8>`. */
export const bytes: ScaleType<Uint8Array> = describe(scale.Bytes(), plain({ tag: 'sequence', type: u8 }));

const fixedBytesCodec = (len: number): scale.Codec<Uint8Array> =>
  scale.enhanceCodec(
    scale.Bytes(len),
    (value: Uint8Array) => {
      if (value.length !== len) throw new RangeError(`${value.length} bytes given where ${len} are needed`);
      return value;
    },
    (value) => value,
  );
/** `[u8; len]`. */
export const fixedBytes = (len: number): ScaleType<Uint8Array> =>
  describe(fixedBytesCodec(len), plain({ tag: 'array', len, type: u8 }));

/** Bounds the length on both ways: a client's too long vector does not decode. */
const bounded = <T extends { readonly length: number }>(type: ScaleType<T>, max: number): scale.Codec<T> => {
  const check = (value: T): T => {
    if (value.length > max) throw new RangeError(`${value.length} items given where ${max} are allowed`);
    return value;
  };
  return scale.enhanceCodec(codecOf(type), check, check);
};
const boundedInfo = (element: AnyType, inner: AnyType): TypeInfo => ({
  path: ['bounded_collections', 'bounded_vec', 'BoundedVec'],
  params: [
    { name: 'T', type: element },
    { name: 'S', type: undefined },
  ],
  def: { tag: 'composite', fields: [{ name: undefined, type: inner }] },
});
/** `BoundedVec<T, ConstU32<max>>`. */
export const boundedVec = <T>(type: ScaleType<T>, max: number): ScaleType<T[]> => {
  const inner = vec(type);
  return describe(bounded(inner, max), boundedInfo(type, inner));
};
/** `BoundedVec<u8, ConstU32<max>>`. */
export const boundedBytes = (max: number): ScaleType<Uint8Array> =>
  describe(bounded(bytes, max), boundedInfo(u8, bytes));

export const option = <T>(type: ScaleType<T>): ScaleType<T | undefined> =>
  describe(scale.Option(codecOf(type)), {
    path: ['Option'],
    params: [{ name: 'T', type }],
    def: {
      tag: 'variant',
      cases: [
        { name: 'None', index: 0, fields: [], docs: [] },
        { name: 'Some', index: 1, fields: [{ name: undefined, type }], docs: [] },
      ],
    },
  });

type FieldList = readonly (readonly [key: string, type: AnyType])[];
/** Looked through once for each list, not once for each value. */
const fieldLists = new WeakMap<Fields, FieldList>();
const listOf = (fields: Fields): FieldList => {
  const known = fieldLists.get(fields);
  if (known !== undefined) return known;
  const list = Object.entries(fields) as FieldList;
  fieldLists.set(fields, list);
  return list;
};
const encodeFields = (fields: Fields, values: unknown): Uint8Array => {
  const source = values as { readonly [key: string]: unknown };
  return concatBytes(...listOf(fields).map(([key, type]) => type.enc(source[key])));
};
const decodeFields = (fields: Fields, input: Uint8Array): unknown => {
  const list = listOf(fields);
  if (Array.isArray(fields)) return list.map(([, type]) => type.dec(input));
  return Object.fromEntries(list.map(([key, type]) => [key, type.dec(input)]));
};
/** Codec of fields one after the other, as in a struct, a tuple, a call's arguments or an event. */
export const fieldsCodec = <F extends Fields>(fields: F): scale.Codec<FieldValues<F>> =>
  scale.createCodec(
    (values) => encodeFields(fields, values),
    scale.createDecoder((input) => decodeFields(fields, input) as FieldValues<F>),
  );

/** `placeholder1` → `placeholder1`, `ipType` → `ip_type`. */
export const snakeCase = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** What the metadata says about a list of fields. */
export const fieldInfos = (fields: Fields): readonly FieldInfo[] =>
  Array.isArray(fields)
    ? (fields as UnnamedFields).map((type) => ({ name: undefined, type }))
    : Object.entries(fields as NamedFields).map(([name, type]) => ({ name: snakeCase(name), type }));

export const tuple = <const F extends UnnamedFields>(...fields: F): ScaleType<FieldValues<F>> =>
  describe(fieldsCodec(fields), plain({ tag: 'tuple', types: fields }));
/** `()`. */
export const unit: ScaleType<readonly []> = tuple();

/** A struct with named fields; `path` as in Rust, for example `pallet_subtensor::pallet::AxonInfo`. */
export const struct = <F extends NamedFields>(
  path: string,
  fields: F,
  params: readonly TypeParam[] = [],
): ScaleType<FieldValues<F>> =>
  describe(fieldsCodec(fields), {
    path: pathOf(path),
    params,
    def: { tag: 'composite', fields: fieldInfos(fields) },
  });

/** `struct Name(T)`: the bytes and the value are those of the inner type. */
export const newtype = <T>(
  path: string,
  type: ScaleType<T>,
  params: readonly TypeParam[] = [],
): ScaleType<T> =>
  describe(codecOf(type), {
    path: pathOf(path),
    params,
    def: { tag: 'composite', fields: [{ name: undefined, type }] },
  });

export type Case = {
  readonly index: number;
  readonly fields?: Fields;
  readonly docs?: readonly string[];
};
export type Cases = { readonly [name: string]: Case };
export type CaseValue<C extends Cases> = {
  [K in keyof C]: C[K] extends { readonly fields: infer F }
    ? { readonly tag: K; readonly value: FieldValues<F> }
    : { readonly tag: K; readonly value?: undefined };
}[keyof C];

/**
 * A Rust enum. Cases carry their SCALE index and their fields:
 * `variant('a::B', { None: { index: 0 }, Id: { index: 1, fields: [u32] }, At: { index: 2, fields: { block: u64 } } })`.
 */
export const variant = <const C extends Cases>(
  path: string,
  cases: C,
  params: readonly TypeParam[] = [],
): ScaleType<CaseValue<C>> => {
  const byIndex = new Map(Object.entries(cases).map(([name, value]) => [value.index, { name, ...value }]));
  const codec = scale.createCodec(
    (value: CaseValue<C>) => {
      const chosen = cases[value.tag];
      if (chosen === undefined) throw new RangeError(`${path} has no case ${String(value.tag)}`);
      return concatBytes(Uint8Array.of(chosen.index), encodeFields(chosen.fields ?? [], value.value ?? []));
    },
    scale.createDecoder((input) => {
      const index = scale.u8.dec(input);
      const chosen = byIndex.get(index);
      if (chosen === undefined) throw new RangeError(`${path} has no case with index ${index}`);
      const value = chosen.fields === undefined ? undefined : decodeFields(chosen.fields, input);
      return { tag: chosen.name, value } as CaseValue<C>;
    }),
  );
  const infos = Object.entries(cases).map(([name, { index, fields, docs }]) => ({
    name,
    index,
    fields: fieldInfos(fields ?? []),
    docs: docs ?? [],
  }));
  return describe(codec, { path: pathOf(path), params, def: { tag: 'variant', cases: infos } });
};

export const concatBytes = (...parts: readonly Uint8Array[]): Uint8Array => {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
};

/** scale-ts reads the whole ArrayBuffer behind a view, so a view into a larger one is copied first. */
const owned = (input: Uint8Array): Uint8Array =>
  input.byteOffset === 0 && input.byteLength === input.buffer.byteLength ? input : new Uint8Array(input);

/** How far a decoder got: scale-ts keeps its position in the array that it hands down. */
const positionOf = (input: Uint8Array): number => (input as Uint8Array & { readonly i: number }).i;

/** Decodes from the start of `input`; also says how many bytes were read. Throws RangeError when too short. */
export const decodePrefix = <T>(
  type: { dec(input: Uint8Array): T },
  input: Uint8Array,
): readonly [T, number] =>
  scale.createDecoder((bytes) => {
    const value = type.dec(bytes);
    const read = positionOf(bytes);
    if (read > bytes.length) throw new RangeError(`${bytes.length} bytes end before byte ${read}`);
    return [value, read] as const;
  })(owned(input));

/** Decodes all of `input`. Throws RangeError when bytes are missing or left over. */
export const decodeAll = <T>(type: { dec(input: Uint8Array): T }, input: Uint8Array): T => {
  const [value, read] = decodePrefix(type, input);
  if (read !== input.length) throw new RangeError(`${input.length - read} bytes left over after the value`);
  return value;
};
