import type { Random } from '../random.ts';

/**
 * Templates of the synthetic tasks.
 *
 * `[a|b|]` is a choice (it nests, an empty branch is allowed), `{name}` a slot filled from a list of templates, and
 * `%` a digit 1-9. Everything else stands for itself.
 */
export type Slots = { readonly [name: string]: readonly string[] };

/** Deep enough for a slot in a slot in a choice; a template that refers to itself fails instead of spinning. */
const MAX_DEPTH = 12;

/**
 * Expands one template.
 *
 * @throws RangeError when a slot is unknown, a bracket is not closed, or slots refer to each other in a circle:
 * each is a fault of the phrase file, found by its test.
 */
export const expand = (template: string, slots: Slots, random: Random): string =>
  tidy(expandAt({ template, slots, random, depth: 0 }));

type Expansion = {
  readonly template: string;
  readonly slots: Slots;
  readonly random: Random;
  readonly depth: number;
};

const expandAt = ({ template, slots, random, depth }: Expansion): string => {
  if (depth > MAX_DEPTH) throw new RangeError(`template nests too deeply: ${template}`);
  const inner = (next: string): string => expandAt({ template: next, slots, random, depth: depth + 1 });
  let text = '';
  let index = 0;
  while (index < template.length) {
    const character = template.charAt(index);
    if (character === '[') {
      const end = closingBracket(template, index);
      text += inner(random.pick(branches(template.slice(index + 1, end))));
      index = end + 1;
    } else if (character === '{') {
      const end = template.indexOf('}', index);
      if (end < 0) throw new RangeError(`slot is not closed: ${template}`);
      text += inner(random.pick(slotOf(slots, template.slice(index + 1, end))));
      index = end + 1;
    } else {
      text += character === '%' ? String(1 + random.int(9)) : character;
      index += 1;
    }
  }
  return text;
};

const slotOf = (slots: Slots, name: string): readonly string[] => {
  const values = slots[name];
  if (values === undefined || values.length === 0) throw new RangeError(`unknown slot {${name}}`);
  return values;
};

const closingBracket = (template: string, start: number): number => {
  let open = 0;
  for (let index = start; index < template.length; index += 1) {
    const character = template.charAt(index);
    if (character === '[') open += 1;
    if (character === ']') open -= 1;
    if (open === 0) return index;
  }
  throw new RangeError(`choice is not closed: ${template}`);
};

/** Splits `a|[b|c]|d` at its own bars only. */
const branches = (choice: string): string[] => {
  const found: string[] = [];
  let open = 0;
  let start = 0;
  for (let index = 0; index < choice.length; index += 1) {
    const character = choice.charAt(index);
    if (character === '[') open += 1;
    if (character === ']') open -= 1;
    if (character === '|' && open === 0) {
      found.push(choice.slice(start, index));
      start = index + 1;
    }
  }
  found.push(choice.slice(start));
  return found;
};

/** Empty branches leave double spaces and spaces before punctuation behind. */
const tidy = (text: string): string =>
  text
    .replace(/ {2,}/g, ' ')
    .replace(/ +([,.;:?!])/g, '$1')
    .trim();
