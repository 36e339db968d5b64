const MAX_SHOWN_CHARS = 120;
const show = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, MAX_SHOWN_CHARS);

/**
 * First place where two JSON-like values differ, as `path: expected …, recorded …`; null when they are equal.
 * Numbers are compared by bits (`Object.is`), keys without regard to order.
 */
export const findDifference = (expected: unknown, recorded: unknown, path: string): string | null => {
  if (Object.is(expected, recorded)) return null;
  const differs = `${path}: expected ${show(expected)}, recorded ${show(recorded)}`;
  if (!isObject(expected) || !isObject(recorded) || Array.isArray(expected) !== Array.isArray(recorded)) {
    return differs;
  }
  const isList = Array.isArray(expected);
  for (const key of new Set([...Object.keys(expected), ...Object.keys(recorded)])) {
    const at = isList ? `${path}[${key}]` : `${path}.${key}`;
    const difference = findDifference(ownValue(expected, key), ownValue(recorded, key), at);
    if (difference !== null) return difference;
  }
  return null;
};

type JsonLikeObject = { readonly [key: string]: unknown };
const isObject = (value: unknown): value is JsonLikeObject => typeof value === 'object' && value !== null;
const ownValue = (object: JsonLikeObject, key: string): unknown =>
  Object.hasOwn(object, key) ? object[key] : undefined;
