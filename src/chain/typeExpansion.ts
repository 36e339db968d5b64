import type { TypeRegistry } from '@polkadot/types/create';
import type { SiLookupTypeId, SiTypeDef } from '@polkadot/types/interfaces/scaleInfo';

/** Values in one instance of a type, at most. The types of a real runtime have some thousand. */
const MAX_VALUES = 100_000;

type Extent = {
  readonly values: number;
  /** Whether it takes no bytes, so that an answer of a few bytes may hold any number of it. */
  readonly isEmpty: boolean;
};

const ONE: Extent = { values: 1, isEmpty: false };

const together = (parts: readonly Extent[]): Extent => ({
  values: parts.reduce((sum, { values }) => sum + values, 1),
  isEmpty: parts.every(({ isEmpty }) => isEmpty),
});

const repeated = ({ values, isEmpty }: Extent, length: number): Extent => ({
  values: 1 + length * values,
  isEmpty: isEmpty || length === 0,
});

const extentOf = (def: SiTypeDef, inner: (id: SiLookupTypeId) => Extent): Extent => {
  if (def.isTuple) return together(def.asTuple.map(inner));
  if (def.isComposite) return together(def.asComposite.fields.map(({ type }) => inner(type)));
  if (def.isArray) return repeated(inner(def.asArray.type), def.asArray.len.toNumber());
  // The elements of a sequence cost bytes, which frames bound, unless they have none.
  if (def.isSequence) {
    const element = inner(def.asSequence.type);
    return element.isEmpty && element.values > 1 ? repeated(element, MAX_VALUES) : ONE;
  }
  if (!def.isVariant) return ONE;
  const variants = def.asVariant.variants.map(({ fields }) =>
    together(fields.map(({ type }) => inner(type))),
  );
  return { values: Math.max(1, ...variants.map(({ values }) => values)), isEmpty: false };
};

/**
 * The first type of which one instance would have more than `MAX_VALUES` values; null where all are sane. Types name
 * each other: thirty that each hold the next one twice are a kilobyte of metadata, and a billion values to build.
 *
 * @returns its number in the metadata
 */
export const oversizedType = (registry: TypeRegistry): number | null => {
  const known = new Map<number, Extent>();
  const inner = (id: SiLookupTypeId): Extent => {
    const number = id.toNumber();
    const found = known.get(number);
    if (found !== undefined) return found;
    // A type that holds itself ends with its bytes, or at once with the stack.
    known.set(number, ONE);
    const extent = extentOf(registry.lookup.getSiType(id).def, inner);
    known.set(number, extent);
    return extent;
  };
  for (const { id } of registry.lookup.types) {
    if (inner(id).values > MAX_VALUES) return id.toNumber();
  }
  return null;
};
