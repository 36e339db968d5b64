import { PickleDefect } from './pickleReader.ts';

/** What a pickle may become here. Lists and tuples are arrays, `datetime` is ISO 8601 without a zone. */
export type PlainValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly PlainValue[]
  | ReadonlyMap<PlainValue, PlainValue>
  | ReadonlySet<PlainValue>;

/** While it is being built. */
export type PlainList = PlainValue[];
export type PlainDict = Map<PlainValue, PlainValue>;

type Container = readonly PlainValue[] | ReadonlyMap<PlainValue, PlainValue> | ReadonlySet<PlainValue>;
type Measure = { readonly weight: number; readonly depth: number };

const isContainer = (value: PlainValue): value is Container =>
  Array.isArray(value) || value instanceof Map || value instanceof Set;

/** Characters or bytes, and something for the value itself. A name that a tuple brought along is no data. */
const leafWeight = (value: PlainValue): number => {
  if (typeof value === 'string' || value instanceof Uint8Array) return 8 + value.length;
  if (typeof value === 'object' && value !== null) throw new PickleDefect('a name stands where data should');
  return 8;
};

const partsOf = (value: Container): Iterator<PlainValue> => {
  if (!(value instanceof Map)) return value[Symbol.iterator]();
  return [...value.entries()].flat().values();
};

type Visit = {
  readonly value: Container;
  readonly parts: Iterator<PlainValue>;
  weight: number;
  depth: number;
};

const visitOf = (value: Container): Visit => ({ value, parts: partsOf(value), weight: 16, depth: 0 });

/**
 * Refuses values that nobody could walk through: containers within themselves, nesting without end, and few bytes
 * that stand for many, because the memo of a pickle lets one part occur a thousand times in another, and so on.
 */
export const requireBounded = (
  root: PlainValue,
  limits: { readonly maxDepth: number; readonly maxWeight: number },
): void => {
  if (!isContainer(root)) return;
  const done = new Map<Container, Measure>();
  const under = new Set<Container>([root]);
  const stack: Visit[] = [visitOf(root)];
  const add = (visit: Visit, { weight, depth }: Measure): void => {
    visit.weight += weight;
    visit.depth = Math.max(visit.depth, depth);
    if (visit.weight > limits.maxWeight) throw new PickleDefect('it unfolds to more than is accepted');
  };
  for (let visit = stack.at(-1); visit !== undefined; visit = stack.at(-1)) {
    const next = visit.parts.next();
    if (next.done === true) {
      const measure = { weight: visit.weight, depth: visit.depth + 1 };
      done.set(visit.value, measure);
      under.delete(visit.value);
      stack.pop();
      const parent = stack.at(-1);
      if (parent !== undefined) add(parent, measure);
    } else if (!isContainer(next.value)) {
      add(visit, { weight: leafWeight(next.value), depth: 0 });
    } else {
      if (under.has(next.value)) throw new PickleDefect('a container is part of itself');
      const known = done.get(next.value);
      if (known !== undefined) add(visit, known);
      else {
        under.add(next.value);
        stack.push(visitOf(next.value));
      }
    }
    if (stack.length + visit.depth > limits.maxDepth)
      throw new PickleDefect(`it is nested deeper than ${limits.maxDepth}`);
  }
};
