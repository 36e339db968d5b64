import type { PlainValue } from './pickleBounds.ts';
import { PickleDefect } from './pickleReader.ts';

/**
 * Python writes some plain values as a call of a class. These few are recognised by name and made here from their
 * arguments; nothing is looked up, imported or called by what a pickle says. Every other name is refused.
 */

/** A name on the stack of the reader. It never gets into a value. */
export class PickleName {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

export type StackValue = PlainValue | PickleName;

type Make = (args: readonly StackValue[]) => PlainValue;

const wrong = (name: string): never => {
  throw new PickleDefect(`${name} is called in a way that is not known here`);
};

const isPlainList = (value: StackValue | undefined): value is readonly PlainValue[] => Array.isArray(value);

const makeSet: Make = (args) => {
  const [items] = args;
  if (args.length === 0) return new Set<PlainValue>();
  return args.length === 1 && isPlainList(items) ? new Set(items) : wrong('set');
};

const makeDict: Make = (args) => {
  const [pairs] = args;
  if (args.length === 0) return new Map<PlainValue, PlainValue>();
  if (args.length !== 1 || !isPlainList(pairs)) return wrong('OrderedDict');
  return new Map(
    pairs.map((pair) => {
      if (!Array.isArray(pair) || pair.length !== 2) return wrong('OrderedDict');
      return [pair[0] ?? null, pair[1] ?? null] as const;
    }),
  );
};

/** Its argument is the factory of missing values, which a plain dict does not have. */
const makeDefaultDict: Make = (args) =>
  args.length <= 1 && (args[0] === undefined || args[0] === null || args[0] instanceof PickleName)
    ? new Map<PlainValue, PlainValue>()
    : wrong('defaultdict');

/** Protocols below 3 have no bytes and write them as text of ISO 8859-1. */
const makeEncoded: Make = ([text, encoding]) =>
  typeof text === 'string' && (encoding === 'latin1' || encoding === 'latin-1')
    ? Uint8Array.from(Buffer.from(text, 'latin1'))
    : wrong('encode');

const makeBytes: Make = (args) => {
  const [content] = args;
  if (args.length === 0) return new Uint8Array();
  return args.length === 1 && content instanceof Uint8Array ? content : wrong('bytes');
};

const two = (value: number): string => String(value).padStart(2, '0');

/** Ten bytes as CPython packs them: year (2), month, day, hour, minute, second, microsecond (3). */
const makeDateTime: Make = (args) => {
  const [packed] = args;
  const bytes = typeof packed === 'string' ? Uint8Array.from(Buffer.from(packed, 'latin1')) : packed;
  if (args.length !== 1 || !(bytes instanceof Uint8Array) || bytes.length !== 10) return wrong('datetime');
  const [high = 0, low = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, a = 0, b = 0, c = 0] =
    bytes;
  const year = high * 256 + low;
  const micros = a * 65_536 + b * 256 + c;
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59)
    return wrong('datetime');
  const fraction = micros === 0 ? '' : `.${String(micros).padStart(6, '0')}`;
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}${fraction}`;
};

const calls: ReadonlyMap<string, Make> = new Map([
  ['builtins.set', makeSet],
  ['builtins.frozenset', makeSet],
  ['builtins.bytes', makeBytes],
  ['builtins.bytearray', makeBytes],
  ['collections.OrderedDict', makeDict],
  ['collections.defaultdict', makeDefaultDict],
  ['_codecs.encode', makeEncoded],
  ['datetime.datetime', makeDateTime],
]);

/** Factories of a `defaultdict`; they are dropped. */
const factories: ReadonlySet<string> = new Set([
  'builtins.list',
  'builtins.dict',
  'builtins.int',
  'builtins.float',
  'builtins.str',
  'builtins.bool',
]);

/** The name where it is one of the known ones; refuses all others before anything is done with them. */
export const knownName = (module: string, name: string): PickleName => {
  const full = `${module === '__builtin__' ? 'builtins' : module}.${name}`;
  if (calls.has(full) || factories.has(full)) return new PickleName(full);
  throw new PickleDefect(`it asks for ${JSON.stringify(full.slice(0, 120))}: only plain data is read`);
};

/** What the call of a known name stands for. */
export const plainCall = (callee: StackValue, args: StackValue): PlainValue => {
  if (!(callee instanceof PickleName)) throw new PickleDefect('it calls something that has no name');
  const make = calls.get(callee.name);
  if (make === undefined || !Array.isArray(args)) return wrong(callee.name);
  return make(args);
};
