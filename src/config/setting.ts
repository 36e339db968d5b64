import { resolve } from 'node:path';
import * as Result from 'effect/Result';
import * as Schema from 'effect/Schema';

import { fail, type Outcome, succeed } from '../domain/outcome.ts';

/** Where relative paths and `~` lead. */
export type Place = { readonly cwd: string; readonly home: string };

/** `text` is what a user would write; `value` is for what cannot be written, described by `note`. */
type Default<A> = { readonly text: string } | { readonly value: () => A; readonly note: string };

/** Names, words and default of one setting: what `--help`, the environment, `.env` files and the docs are made of. */
export type Setting<A> = {
  readonly flag: `--${string}`;
  /** Further spellings that users of the Python SDK know; accepted, not shown. */
  readonly flagAliases: readonly string[];
  readonly env: string;
  readonly envAliases: readonly string[];
  readonly group: string;
  readonly description: string;
  /** What stands after the flag in the help. */
  readonly placeholder: string;
  /** Ends the sentence "give …". */
  readonly allowed: string;
  readonly default: Default<A>;
  /** Never shown, not even in an error about it. */
  readonly secret: boolean;
  /** A yes-or-no setting: the flag works without a value and with `--no-` before its name. */
  readonly isSwitch: boolean;
  /** Reads the text of a flag or variable; fails without a message, `allowed` says it. */
  readonly decode: (text: string, place: Place) => Outcome<A, null>;
};

export type Settings = { readonly [name: string]: Setting<unknown> };
export type ValuesOf<Table extends Settings> = {
  readonly [Name in keyof Table]: Table[Name] extends Setting<infer A> ? A : never;
};

type Words = {
  readonly flag: `--${string}`;
  readonly flagAliases?: readonly string[];
  readonly env: string;
  readonly envAliases?: readonly string[];
  readonly group: string;
  readonly description: string;
  readonly secret?: boolean;
};

type Shape<A> = Pick<Setting<A>, 'placeholder' | 'allowed' | 'default' | 'decode'>;

const setting = <A>(words: Words, shape: Shape<A>): Setting<A> => ({
  flagAliases: [],
  envAliases: [],
  secret: false,
  isSwitch: false,
  ...words,
  ...shape,
});

/** Decoder of one text from its schema. */
const bySchema =
  <A>(schema: Schema.Codec<A, string>) =>
  (text: string): Outcome<A, null> => {
    const result = Schema.decodeUnknownResult(schema)(text);
    return Result.isSuccess(result) ? succeed(result.success) : fail(null);
  };

/** Only what a person would write: `FiniteFromString` alone also takes "", "0x10" and "1e3". */
const Decimal = Schema.String.check(Schema.isPattern(/^\d+(\.\d+)?$/));
const WholeDecimal = Schema.String.check(Schema.isPattern(/^\d{1,16}$/));

type Bounds = { readonly minimum: number; readonly maximum: number };

const wholeNumber = ({ minimum, maximum }: Bounds, unit: string) => ({
  placeholder: '<number>',
  allowed: `a whole number${unit} from ${minimum} to ${maximum}`,
  decode: bySchema(
    WholeDecimal.pipe(Schema.decodeTo(Schema.FiniteFromString.check(Schema.isBetween({ minimum, maximum })))),
  ),
});

/** A whole number within bounds; `unit` as in "of milliseconds". */
export const integer = (
  words: Words & Bounds & { readonly text: string; readonly unit?: string },
): Setting<number> => {
  const { minimum, maximum, text, unit, ...rest } = words;
  return setting(rest, {
    ...wholeNumber({ minimum, maximum }, unit === undefined ? '' : ` ${unit}`),
    default: { text },
  });
};

/** A whole number whose default depends on the machine, or means that something else decides. */
export const integerOr = <A>(
  words: Words & Bounds & { readonly value: () => A; readonly note: string },
): Setting<number | A> => {
  const { minimum, maximum, value, note, ...rest } = words;
  return setting<number | A>(rest, { ...wholeNumber({ minimum, maximum }, ''), default: { value, note } });
};

/** A decimal number within bounds. */
export const decimal = (words: Words & Bounds & { readonly text: string }): Setting<number> => {
  const { minimum, maximum, text, ...rest } = words;
  return setting(rest, {
    placeholder: '<number>',
    allowed: `a number from ${minimum} to ${maximum}`,
    default: { text },
    decode: bySchema(
      Decimal.pipe(Schema.decodeTo(Schema.FiniteFromString.check(Schema.isBetween({ minimum, maximum })))),
    ),
  });
};

/** One of a few words, in any case; `spellings` maps other words that are in use. */
export const choice = <const Word extends string>(
  words: Words & {
    readonly words: readonly Word[];
    readonly placeholder?: string;
    readonly spellings?: { readonly [other: string]: Word };
    readonly text: Word;
  },
): Setting<Word> => {
  const { words: allowed, placeholder, spellings, text, ...rest } = words;
  const decode = bySchema(Schema.Literals(allowed));
  return setting(rest, {
    placeholder: placeholder ?? `<${allowed.join('|')}>`,
    allowed: `one of ${allowed.join(', ')}`,
    default: { text },
    decode: (given) => {
      const lower = given.toLowerCase();
      return decode(spellings?.[lower] ?? lower);
    },
  });
};

/** Yes or no. */
export const flag = (words: Words & { readonly text: 'true' | 'false' }): Setting<boolean> => {
  const { text, ...rest } = words;
  const decode = bySchema(Schema.Literals(['true', 'yes', 'on', '1', 'false', 'no', 'off', '0']));
  return {
    ...setting<boolean>(rest, {
      placeholder: '[true|false]',
      allowed: 'true or false',
      default: { text },
      decode: (given) => {
        const word = decode(given.toLowerCase());
        return word.ok ? succeed(['true', 'yes', 'on', '1'].includes(word.value)) : word;
      },
    }),
    isSwitch: true,
  };
};

type TextShape<A> = {
  readonly placeholder: string;
  readonly allowed: string;
  readonly schema: Schema.Codec<A, string>;
};

/** A text of a given form. */
export const text = <A>(words: Words & TextShape<A> & { readonly text: string }): Setting<A> => {
  const { placeholder, allowed, schema, text: written, ...rest } = words;
  return setting(rest, { placeholder, allowed, default: { text: written }, decode: bySchema(schema) });
};

/** A text of a given form, or null where nobody gives one. */
export const optionalText = <A>(
  words: Words & TextShape<A> & { readonly note: string },
): Setting<A | null> => {
  const { placeholder, allowed, schema, note, ...rest } = words;
  return setting<A | null>(rest, {
    placeholder,
    allowed,
    default: { value: () => null, note },
    decode: bySchema(schema),
  });
};

/** Items between commas, each of a given form, at least one. */
const items =
  <A>(decode: (item: string) => Outcome<A, null>) =>
  (given: string): Outcome<readonly A[], null> => {
    const values: A[] = [];
    for (const part of given.split(',')) {
      const value = decode(part.trim());
      if (!value.ok) return value;
      values.push(value.value);
    }
    return succeed(values);
  };

/** A list written with commas. */
export const list = <A>(words: Words & TextShape<A> & { readonly text: string }): Setting<readonly A[]> => {
  const { placeholder, allowed, schema, text: written, ...rest } = words;
  return setting(rest, { placeholder, allowed, default: { text: written }, decode: items(bySchema(schema)) });
};

/** A list written with commas, or null where nobody gives one. */
export const optionalList = <A>(
  words: Words & TextShape<A> & { readonly note: string },
): Setting<readonly A[] | null> => {
  const { placeholder, allowed, schema, note, ...rest } = words;
  const decode = items(bySchema(schema));
  return setting<readonly A[] | null>(rest, {
    placeholder,
    allowed,
    default: { value: () => null, note },
    decode,
  });
};

const resolvePath = (given: string, { cwd, home }: Place): Outcome<string, null> => {
  if (given.length === 0 || given.includes('\0')) return fail(null);
  return succeed(resolve(cwd, given === '~' || given.startsWith('~/') ? `${home}${given.slice(1)}` : given));
};

/** A path, made absolute; `~` is the home directory. */
export const path = (words: Words & { readonly text: string }): Setting<string> => {
  const { text: written, ...rest } = words;
  return setting(rest, {
    placeholder: '<path>',
    allowed: 'a path',
    default: { text: written },
    decode: resolvePath,
  });
};

/** A path that something else decides where nobody gives one. */
export const optionalPath = (words: Words & { readonly note: string }): Setting<string | null> => {
  const { note, ...rest } = words;
  return setting<string | null>(rest, {
    placeholder: '<path>',
    allowed: 'a path',
    default: { value: () => null, note },
    decode: resolvePath,
  });
};

/** Paths between commas. */
export const paths = (
  words: Words & { readonly value: () => readonly string[]; readonly note: string },
): Setting<readonly string[]> => {
  const { value, note, ...rest } = words;
  return setting(rest, {
    placeholder: '<path,…>',
    allowed: 'paths with commas between them',
    default: { value, note },
    decode: (given, place) => items((part) => resolvePath(part, place))(given),
  });
};

/** The default as help and docs show it. */
export const defaultText = (given: Setting<unknown>): string =>
  'text' in given.default ? given.default.text : given.default.note;
