import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import type { Json } from './store.ts';

/** Largest value of one record. Evidence of one answer is a few KiB. */
export const MAX_RECORD_BYTES = 1_048_576;
/** Largest snapshot. Scores of 256 miners are below 1 MiB. */
export const MAX_SNAPSHOT_BYTES = 33_554_432;
/** Longest key of a record, in UTF-16 units. */
export const MAX_KEY_CHARACTERS = 512;
/** Deeper values are someone's recursion, and would overflow the stack of `JSON.stringify`. */
const MAX_DEPTH = 64;

/** Names travel to other stores as parts of their keys: a small alphabet, no separators of theirs. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/;

/** What is wrong with the name of a log or snapshot, or null. */
export const nameProblem = (name: string): string | null =>
  NAME.test(name)
    ? null
    : `the name ${JSON.stringify(name.slice(0, 140))} is not allowed: use 1 to 128 letters, digits, ".", "_", "/" or "-"`;

/** What is wrong with a record's key, or null. Ill-formed UTF-16 would make different keys equal in UTF-8. */
export const keyProblem = (key: string): string | null => {
  if (key.length === 0 || key.length > MAX_KEY_CHARACTERS)
    return `a key has 1 to ${MAX_KEY_CHARACTERS} characters, this one ${key.length}`;
  if (!key.isWellFormed() || key.includes('\0')) return 'a key is well-formed text without NUL';
  return null;
};

/**
 * Path of the first part that JSON would drop or change without a word, with what is wrong about it, or null. The path
 * is put together on the way back alone: nearly every value has no such part, and there are a thousand a second.
 */
const lossyPart = (value: unknown, depth: number): string | null => {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return null;
  if (typeof value === 'number') return Number.isFinite(value) ? null : ` is ${value}`;
  if (typeof value !== 'object') return ` is a ${typeof value}`;
  if (depth >= MAX_DEPTH) return ` is nested deeper than ${MAX_DEPTH}`;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      const problem = lossyPart(value[index], depth + 1);
      if (problem !== null) return `[${index}]${problem}`;
    }
    return null;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return ' is not a plain object';
  for (const [name, part] of Object.entries(value)) {
    const problem = part === undefined ? null : lossyPart(part, depth + 1);
    if (problem !== null) return `.${name}${problem}`;
  }
  return null;
};

/**
 * JSON text of a value, or why it cannot be stored as it is: `NaN`, `Map`, `Date` and the like would come back as
 * something else.
 */
export const encodeValue = (value: Json, maxBytes: number): Outcome<string, string> => {
  const lossy = lossyPart(value, 0);
  if (lossy !== null) return fail(`value${lossy}, which JSON cannot hold`);
  const text = JSON.stringify(value);
  // A UTF-16 unit takes at most 3 bytes in UTF-8, so that most texts need no counting.
  const bytes = text.length * 3 <= maxBytes ? 0 : Buffer.byteLength(text);
  return bytes <= maxBytes
    ? succeed(text)
    : fail(`the value has ${bytes} bytes, at most ${maxBytes} are kept`);
};

/** The value of a stored text, or why it does not parse. */
export const decodeValue = (text: unknown): Outcome<Json, string> => {
  if (typeof text !== 'string') return fail(`stored as ${typeof text}, not as text`);
  try {
    return succeed(JSON.parse(text) as Json);
  } catch (cause) {
    return fail(cause instanceof Error ? cause.message : String(cause));
  }
};
