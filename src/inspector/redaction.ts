/**
 * Values as a viewer may see them: plain data, bounded in depth, length and number, whatever the value does when it is
 * looked at. Nothing here throws.
 */

const maxDepth = 4;
const maxStringChars = 240;
const maxItems = 24;
const maxKeys = 24;

/** Left out at any depth, even below a path that is allowed: a second fence behind the list of what is shown. */
const neverShown: ReadonlySet<string> = new Set([
  'vector',
  'sealed',
  'prepared',
  'values',
  'weights',
  'requestKey',
  'requestKeys',
  'truth',
  'truths',
  'secret',
  'seed',
  'mnemonic',
  'password',
  'privateKey',
  'signature',
]);

const unreadable = '[unreadable]';

/** Text cut to what a line of a viewer holds. */
export const shortened = (text: string): string =>
  text.length > maxStringChars ? `${text.slice(0, maxStringChars - 1)}…` : text;

const listOf = (values: readonly unknown[], depth: number): readonly unknown[] => {
  const items = values.slice(0, maxItems).map((item) => visible(item, depth + 1));
  return values.length > maxItems ? [...items, `… ${values.length - maxItems} more`] : items;
};

const recordOf = (value: object, depth: number): Readonly<Record<string, unknown>> => {
  const shown: Record<string, unknown> = {};
  const keys = Object.keys(value);
  for (const key of keys.slice(0, maxKeys)) {
    if (neverShown.has(key)) continue;
    const inner = safely(() => visible((value as Readonly<Record<string, unknown>>)[key], depth + 1));
    if (inner !== undefined) Object.defineProperty(shown, shortened(key), { value: inner, enumerable: true });
  }
  if (keys.length > maxKeys) shown['…'] = `${keys.length - maxKeys} more`;
  return shown;
};

/** Instances are named and not looked into: what they hold, and what reading it does, is theirs. */
const instanceOf = (value: object): string => {
  if (value instanceof Error) return shortened(`${value.name}: ${value.message}`);
  if (value instanceof Date) return String(value.getTime());
  if (value instanceof Map || value instanceof Set) return `[${value.constructor.name} of ${value.size}]`;
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  return `[${shortened(String(value.constructor?.name ?? 'object'))}]`;
};

const objectOf = (value: object, depth: number): unknown => {
  if (depth >= maxDepth) return Array.isArray(value) ? `[${value.length} items]` : '[…]';
  if (Array.isArray(value)) return listOf(value, depth);
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null ? recordOf(value, depth) : instanceOf(value);
};

const visible = (value: unknown, depth: number): unknown => {
  switch (typeof value) {
    case 'string':
      return shortened(value);
    case 'boolean':
    case 'undefined':
      return value;
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'bigint':
      return String(value);
    case 'object':
      return value === null ? null : objectOf(value, depth);
    default:
      return `[${typeof value}]`;
  }
};

const safely = (read: () => unknown): unknown => {
  try {
    return read();
  } catch {
    return unreadable;
  }
};

/**
 * A copy of a value that is fit to leave the process: at most 4 levels, 24 items or keys on each, 240 characters in a
 * text. Undefined stays undefined; getters that throw, proxies and instances become a word.
 */
export const redacted = (value: unknown): unknown => safely(() => visible(value, 0));

/** A path of the list of what is shown, cut into its parts once. */
export type ShownPath = { readonly name: string; readonly keys: readonly string[] };

export const shownPaths = (paths: readonly string[] | undefined): readonly ShownPath[] =>
  (paths ?? []).map((name) => ({ name, keys: name.split('.') }));

/** What stands at a path; undefined where there is nothing, or where reading it fails. */
export const valueAt = (source: unknown, keys: readonly string[]): unknown => {
  let value = source;
  try {
    for (const key of keys) {
      if (value === null || value === undefined) return undefined;
      value = (value as Readonly<Record<string, unknown>>)[key];
    }
    return value;
  } catch {
    return unreadable;
  }
};

const nothing: Readonly<Record<string, unknown>> = Object.freeze({});

/** The allowed parts of an event or a context, by path. */
export const shownOf = (
  source: unknown,
  paths: readonly ShownPath[] | undefined,
): Readonly<Record<string, unknown>> => {
  if (paths === undefined || paths.length === 0) return nothing;
  const shown: Record<string, unknown> = {};
  for (const { name, keys } of paths) {
    const value = redacted(valueAt(source, keys));
    if (value !== undefined) shown[name] = value;
  }
  return shown;
};
