import type { StateValue } from 'xstate';

/** Innermost state names, regions from first to last: `['following']`. */
export const leavesOf = (value: StateValue | undefined): readonly string[] => {
  if (value === undefined) return [];
  if (typeof value === 'string') return [value];
  return Object.entries(value).flatMap(([key, inner]) => {
    const leaves = leavesOf(inner);
    return leaves.length === 0 ? [key] : leaves;
  });
};

/** `running.validating`; the regions of a parallel state are joined by ` + `. */
export const pathOf = (value: StateValue | undefined): string => {
  if (value === undefined) return '';
  if (typeof value === 'string') return value;
  return Object.entries(value)
    .map(([key, inner]) => {
      const rest = pathOf(inner);
      return rest === '' ? key : `${key}.${rest}`;
    })
    .join(' + ');
};

/** The path of a root machine without the state that lasts all its life. */
export const rootPath = (value: StateValue | undefined): string => pathOf(value).replace(/^alive\./, '');
