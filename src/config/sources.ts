import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';

import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import type { Flags } from './commandLine.ts';
import { type Role, settingsOf } from './roles.ts';
import type { Place, Setting } from './setting.ts';

export type Environment = { readonly [name: string]: string | undefined };
export type EnvFile = { readonly name: string; readonly values: Environment };
export type Given = { readonly text: string; readonly source: string };

const isMissing = (cause: unknown): boolean =>
  cause instanceof Error && 'code' in cause && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR');

/** The first of these files that exists in the folder; null without any. */
export const firstEnvFile = (names: readonly string[], cwd: string): Outcome<EnvFile | null, string> => {
  for (const name of names) {
    try {
      return succeed({ name, values: parseEnv(readFileSync(join(cwd, name), 'utf8')) });
    } catch (cause) {
      if (isMissing(cause)) continue;
      const detail = cause instanceof Error ? cause.message : String(cause);
      return fail(`cannot read ${join(cwd, name)} (${detail}): correct its permissions or move it away`);
    }
  }
  return succeed(null);
};

/** `.env.<role>`, or `.env` where that one does not exist; null without either. */
export const readEnvFile = (role: Role, cwd: string): Outcome<EnvFile | null, string> =>
  firstEnvFile([`.env.${role}`, '.env'], cwd);

const SHOWN_LENGTH = 200;

/** A refused text for its message, without what stands in URLs as a credential: user, password and path. */
const shownText = (text: string): string =>
  JSON.stringify(
    text
      .slice(0, SHOWN_LENGTH)
      .replace(/:\/\/([^\s,/?#]*@)?([^\s,/?#]*)([^\s,]*)/g, (_url, user = '', host = '', rest = '') =>
        ['://', user === '' ? '' : '***@', host, rest.length > 1 ? '/***' : rest].join(''),
      ),
  );

export type ReadValue = { readonly value: unknown; readonly source: string };

/** Reads one setting, from its default where nobody gave it; fails with the message for the operator. */
export const readSetting = (
  setting: Setting<unknown>,
  given: Given | null,
  place: Place,
): Outcome<ReadValue, string> => {
  if (given === null && 'value' in setting.default)
    return succeed({ value: setting.default.value(), source: 'default' });
  const { text, source } = given ?? {
    text: 'text' in setting.default ? setting.default.text : '',
    source: 'default',
  };
  const value = setting.decode(text, place);
  if (value.ok) return succeed({ value: value.value, source });
  const shown = setting.secret ? 'the value' : shownText(text);
  return fail(`${setting.flag}: ${shown} (from ${source}) is not allowed: give ${setting.allowed}`);
};

/** A variable that is set to nothing counts as not set, as in the files of Docker and systemd. */
const variableOf = (setting: Setting<unknown>, values: Environment) => {
  for (const name of [setting.env, ...setting.envAliases]) {
    const text = values[name]?.trim();
    if (text !== undefined && text !== '') return { name, text };
  }
  return null;
};

/** The text of a setting from the highest source that has one: flag, environment, file. Null: the default applies. */
export const givenFor = (
  setting: Setting<unknown>,
  from: {
    readonly flag: { readonly text: string; readonly flag: string } | undefined;
    readonly env: Environment;
    readonly file: EnvFile | null;
  },
): Given | null => {
  if (from.flag !== undefined) return { text: from.flag.text, source: `flag ${from.flag.flag}` };
  const variable = variableOf(setting, from.env);
  if (variable !== null) return { text: variable.text, source: `environment ${variable.name}` };
  const line = from.file === null ? null : variableOf(setting, from.file.values);
  return line === null ? null : { text: line.text, source: `${from.file?.name} ${line.name}` };
};

/** Names that no setting of either role has; a shared file may hold both roles' settings. */
export const unknownNames = (env: Environment, file: EnvFile | null): readonly string[] => {
  const known = new Set(
    Object.values(settingsOf).flatMap((settings) =>
      Object.values(settings).flatMap((setting) => [setting.env, ...setting.envAliases]),
    ),
  );
  const ours = Object.keys(env).filter((name) => name.startsWith('MIAOAI_'));
  const names = new Set([...ours, ...Object.keys(file?.values ?? {})]);
  return [...names].filter((name) => !known.has(name)).toSorted();
};

export type Sources = { readonly flags: Flags; readonly env: Environment; readonly file: EnvFile | null };
