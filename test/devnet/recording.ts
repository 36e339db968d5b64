/** Metadata that was recorded from the real chain, and what two metadata can be compared by. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { metadata as metadataCodec, type V15 } from '@polkadot-api/substrate-bindings';

/** Folder with the recordings; undefined where nobody has them, then the tests that need them are skipped. */
export const recordingsDir = process.env['FINNEY_METADATA_DIR'];
export const RECORDED_SPEC = 343;

if (recordingsDir === undefined)
  process.stderr.write(
    'FINNEY_METADATA_DIR is not set: comparisons with the recorded metadata of finney are skipped. Set it to the folder ' +
      `that holds finney-spec${RECORDED_SPEC}-metadata-v14.scale.gz and finney-spec${RECORDED_SPEC}-metadata-v15.scale.gz\n`,
  );

/** Bytes as the node gave them, from the magic `meta` on. */
export const recordedBytes = (version: 14 | 15): Uint8Array => {
  if (recordingsDir === undefined) throw new Error('FINNEY_METADATA_DIR is not set');
  const file = `finney-spec${RECORDED_SPEC}-metadata-v${version}.scale.gz`;
  return new Uint8Array(gunzipSync(readFileSync(join(recordingsDir, file))));
};

type Pallet = V15['pallets'][number];
type StorageEntry = NonNullable<Pallet['storage']>['items'][number];
type Named = { readonly name: string; readonly index: number };

/** A storage item by what decides its keys and values on the wire. */
export type ItemShape = {
  readonly hashers: readonly string[];
  readonly key: string;
  readonly value: string;
  readonly isOptional: boolean;
  readonly fallback: string;
};
/** A call, an event or an error: its index and `name: type` of its fields. */
export type CaseShape = { readonly index: number; readonly fields: readonly string[] };

export type PalletShape = {
  readonly index: number;
  readonly storage: ReadonlyMap<string, ItemShape>;
  readonly calls: ReadonlyMap<string, CaseShape>;
  readonly events: ReadonlyMap<string, CaseShape>;
  readonly errors: ReadonlyMap<string, CaseShape>;
};
export type MethodShape = { readonly inputs: readonly string[]; readonly output: string };
export type MetadataShape = {
  /** By `Api_method`, as `state_call` names it; empty in version 14. */
  readonly methods: ReadonlyMap<string, MethodShape>;
  readonly pallets: ReadonlyMap<string, PalletShape>;
  readonly extensions: readonly {
    readonly name: string;
    readonly extra: string;
    readonly implicit: string;
  }[];
};

/**
 * Writes types by their bytes and field names, not by their paths: a struct of one field is what the field is, so that
 * `TaoBalance(u64)`, `NetUid(u16)` and `BoundedVec<u8>` are `u64`, `u16` and `Vec<u8>`.
 */
const typeWriter = (lookup: V15['lookup']): ((id: number) => string) => {
  const byId = new Map(lookup.map((entry) => [entry.id, entry]));
  const written = new Map<number, string>();
  const open = new Set<number>();
  const fieldsOf = (
    fields: readonly { readonly name?: string | undefined; readonly type: number }[],
  ): string =>
    fields.map(({ name, type }) => (name === undefined ? write(type) : `${name}: ${write(type)}`)).join(', ');
  const define = (id: number): string => {
    const entry = byId.get(id);
    if (entry === undefined) throw new Error(`type ${id} is not in the lookup`);
    // Lists all calls of all pallets, which are compared one by one
    if (entry.path.at(-1) === 'RuntimeCall') return 'RuntimeCall';
    const { def } = entry;
    switch (def.tag) {
      case 'primitive':
        return def.value.tag;
      case 'compact':
        return `Compact<${write(def.value)}>`;
      case 'sequence':
        return `Vec<${write(def.value)}>`;
      case 'array':
        return `[${write(def.value.type)}; ${def.value.len}]`;
      case 'tuple':
        return def.value.length === 1 ? write(def.value[0] ?? 0) : `(${def.value.map(write).join(', ')})`;
      case 'composite': {
        const [only, ...rest] = def.value;
        return only !== undefined && rest.length === 0 ? write(only.type) : `{ ${fieldsOf(def.value)} }`;
      }
      case 'variant': {
        const cases = def.value.toSorted((a: Named, b: Named) => a.index - b.index);
        return `enum { ${cases.map(({ name, index, fields }) => `${index} ${name}(${fieldsOf(fields)})`).join('; ')} }`;
      }
      case 'bitSequence':
        return 'BitVec';
    }
  };
  const write = (id: number): string => {
    const known = written.get(id);
    if (known !== undefined) return known;
    // A call holds calls: the inner ones are named only.
    if (open.has(id)) return `recursive ${byId.get(id)?.path.at(-1) ?? id}`;
    open.add(id);
    const text = define(id);
    open.delete(id);
    written.set(id, text);
    return text;
  };
  return write;
};

const itemShape = ({ type, modifier, fallback }: StorageEntry, write: (id: number) => string): ItemShape => ({
  hashers: type.tag === 'map' ? type.value.hashers.map(({ tag }) => tag) : [],
  key: type.tag === 'map' ? write(type.value.key) : '',
  value: write(type.tag === 'map' ? type.value.value : type.value),
  isOptional: modifier === 0,
  fallback,
});

/** What the metadata of either version says, in one form. Written here independent of the code under test. */
export const shapeOf = (bytes: Uint8Array): MetadataShape => {
  const decoded = metadataCodec.dec(bytes).metadata;
  if (decoded.tag !== 'v14' && decoded.tag !== 'v15') throw new Error(`metadata ${decoded.tag}`);
  const { lookup, pallets, extrinsic } = decoded.value;
  const write = typeWriter(lookup);
  const casesOf = (id: number | undefined): ReadonlyMap<string, CaseShape> => {
    const def = lookup.find((entry) => entry.id === id)?.def;
    if (def?.tag !== 'variant') return new Map();
    return new Map(
      def.value.map(({ name, index, fields }) => [
        name,
        { index, fields: fields.map((field) => `${field.name ?? '_'}: ${write(field.type)}`) },
      ]),
    );
  };
  return {
    pallets: new Map(
      pallets.map(({ name, index, storage, calls, events, errors }) => [
        name,
        {
          index,
          storage: new Map(storage?.items.map((item) => [item.name, itemShape(item, write)])),
          calls: casesOf(calls),
          events: casesOf(events),
          errors: casesOf(errors),
        },
      ]),
    ),
    methods: new Map(
      decoded.value.apis.flatMap(({ name, methods }) =>
        methods.map(({ name: method, inputs, output }) => [
          `${name}_${method}`,
          { inputs: inputs.map((input) => `${input.name}: ${write(input.type)}`), output: write(output) },
        ]),
      ),
    ),
    extensions: extrinsic.signedExtensions.map(({ identifier, type, additionalSigned }) => ({
      name: identifier,
      extra: write(type),
      implicit: write(additionalSigned),
    })),
  };
};
