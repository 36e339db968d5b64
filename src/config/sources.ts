import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';

import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import type { Flags } from './commandLine.ts';
import { type Role, settingsOf } from './roles.ts';
import type { Setting } from './setting.ts';

export type Environment = { readonly [name: string]: string | undefined };
export type EnvFile = { readonly name: string; readonly values: Environment };
export type Given = { readonly text: string; readonly source: string };

const isMissing = (cause: unknown): boolean =>
  cause instanceof Error && 'code' in cause && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR');

/** The first of `.env.<role>` and `.env` that exists in the folder; null without either. */
export const readEnvFile = (role: Role, cwd: string): Outcome<EnvFile | null, string> => {
  for (const name of [`.env.${role}`, '.env']) {
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
