/** The portable type registry of the metadata: every type once, children before parents, named by number. */
import type { V14Lookup } from '@polkadot-api/substrate-bindings';
import { accountId } from './chainTypes.ts';
import type { AnyType, FieldInfo, TypeDef, TypeInfo } from './scale.ts';

export type LookupEntry = V14Lookup[number];

export type TypeRegistry = {
  /** Number of a type, entering it and its children when they are new. */
  idOf(type: AnyType): number;
  readonly entries: readonly LookupEntry[];
};

/**
 * Types with equal path, parameters and definition are one, however often they were declared. Type 0 is the account, as
 * in every FRAME chain, where it is the first that the first pallet names: clients, the official SDK among them, know
 * accounts by that number. A type that contains itself (a call that takes calls) gets its number when it is met inside
 * itself and its entry once it is complete.
 */
export const createTypeRegistry = (): TypeRegistry => {
  const ids = new Map<TypeInfo, number>();
  const byContent = new Map<string, number>();
  const entries: (LookupEntry | undefined)[] = [undefined];
  const open = new Set<TypeInfo>();

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
          value: def.cases.map(({ name, index, fields: infos, docs }) => ({
            name,
            index,
            fields: fields(infos),
            docs: [...docs],
          })),
        };
    }
  };
  const content = ({ path, params, def }: TypeInfo): Omit<LookupEntry, 'id'> => ({
    path: [...path],
    params: params.map((param) => ({
      name: param.name,
      type: param.type === undefined ? undefined : idOf(param.type),
    })),
    def: define(def),
    docs: [],
  });
  /** A number for a type that is still being entered, whose entry follows. */
  const reserve = (): number => entries.push(undefined) - 1;
  const enter = (info: TypeInfo): number => {
    open.add(info);
    const entry = content(info);
    open.delete(info);
    const key = JSON.stringify(entry);
    const reserved = ids.get(info) ?? (info === accountId.info ? 0 : undefined);
    const id = reserved ?? byContent.get(key) ?? reserve();
    if (entries[id] === undefined) entries[id] = { id, ...entry };
    byContent.set(key, id);
    return id;
  };
  const idOf = ({ info }: AnyType): number => {
    const known = ids.get(info);
    if (known !== undefined) return known;
    const id = open.has(info) ? reserve() : enter(info);
    ids.set(info, id);
    return id;
  };
  idOf(accountId);
  return {
    idOf,
    get entries() {
      return entries.filter((entry) => entry !== undefined);
    },
  };
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
