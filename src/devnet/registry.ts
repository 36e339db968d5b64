/** The portable type registry of the metadata: every type once, children before parents, named by number. */
import type { V14Lookup } from '@polkadot-api/substrate-bindings';
import type { AnyType, FieldInfo, TypeDef, TypeInfo } from './scale.ts';

export type LookupEntry = V14Lookup[number];

export type TypeRegistry = {
  /** Number of a type, entering it and its children when they are new. */
  idOf(type: AnyType): number;
  readonly entries: readonly LookupEntry[];
};

/** Types with equal path, parameters and definition are one, however often they were declared. */
export const createTypeRegistry = (): TypeRegistry => {
  const ids = new Map<TypeInfo, number>();
  const byContent = new Map<string, number>();
  const entries: LookupEntry[] = [];

  const fields = (infos: readonly FieldInfo[]) =>
    infos.map(({ name, type }) => ({ name, type: idOf(type), typeName: typeName(type), docs: [] }));
  const define = (def: TypeDef): LookupEntry['def'] => {
    switch (def.tag) {
      case 'primitive':
        return { tag: 'primitive', value: { tag: def.name, value: undefined } };
      case 'compact':
      case 'sequence':
        return { tag: def.tag, value: idOf(def.type) };
      case 'array':
        return { tag: 'array', value: { len: def.len, type: idOf(def.type) } };
      case 'tuple':
        return { tag: 'tuple', value: def.types.map(idOf) };
      case 'composite':
        return { tag: 'composite', value: fields(def.fields) };
      case 'variant':
        return {
          tag: 'variant',
          value: def.cases.map(({ name, index, fields: infos }) => ({
            name,
            index,
            fields: fields(infos),
            docs: [],
          })),
        };
    }
  };
  const idOf = (type: AnyType): number => {
    const { info } = type;
    const known = ids.get(info);
    if (known !== undefined) return known;
    const content = {
      path: [...info.path],
      params: info.params.map((param) => ({
        name: param.name,
        type: param.type === undefined ? undefined : idOf(param.type),
      })),
      def: define(info.def),
      docs: [],
    };
    const key = JSON.stringify(content);
    const id = byContent.get(key) ?? entries.length;
    if (id === entries.length) entries.push({ id, ...content });
    byContent.set(key, id);
    ids.set(info, id);
    return id;
  };
  return { idOf, entries };
};

/** The name under which Rust code would refer to a type: shown by clients, never parsed by them. */
const typeName = ({ info: { path, def } }: AnyType): string | undefined => {
  const last = path.at(-1);
  if (last !== undefined) return last;
  switch (def.tag) {
    case 'primitive':
      return def.name;
    case 'sequence':
      return `Vec<${typeName(def.type) ?? '_'}>`;
    case 'compact':
      return `Compact<${typeName(def.type) ?? '_'}>`;
    case 'array':
      return `[${typeName(def.type) ?? '_'}; ${def.len}]`;
    default:
      return undefined;
  }
};
