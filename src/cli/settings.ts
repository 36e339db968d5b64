import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { type Command, Option } from 'commander';

import { defaultText, type Setting, type Settings, type ValuesOf } from '../config/setting.ts';
import { type EnvFile, givenFor } from '../config/sources.ts';
import { fail, type Outcome, succeed } from '../domain/outcome.ts';

/** Settings of the daemons that a command has too: the same flags, variables, words and defaults, `.env` included. */

/** Further flag of a setting within one command, shown first: `--name` for `--wallet-name`. */
type ShortFlags = { readonly [name: string]: string };

/** Adds the flags of these settings to a command. */
export const addSettings = (command: Command, settings: Settings, short: ShortFlags = {}): Command => {
  for (const [name, setting] of Object.entries(settings)) {
    const flags = [short[name], `${setting.flag} ${setting.placeholder}`].filter(
      (flag) => flag !== undefined,
    );
    const words = `${setting.description} [env ${setting.env}] [default ${defaultText(setting)}]`;
    command.addOption(new Option(flags.join(', '), words));
    for (const alias of setting.flagAliases) command.addOption(new Option(`${alias} <value>`).hideHelp());
  }
  return command;
};

const readEnvFile = (cwd: string): Outcome<EnvFile | null, string> => {
  const file = join(cwd, '.env');
  try {
    return succeed({ name: '.env', values: parseEnv(readFileSync(file, 'utf8')) });
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : null;
    return code === 'ENOENT' ? succeed(null) : fail(`cannot read ${file} (${String(code)})`);
  }
};

const flagOf = (command: Command, setting: Setting<unknown>) => {
  for (const flag of [setting.flag, ...setting.flagAliases]) {
    const text: unknown = command.getOptionValue(new Option(flag).attributeName());
    if (typeof text === 'string') return { text, flag };
  }
  return undefined;
};

/** Values of these settings from flags, environment, `.env` and defaults, in this order; all wrong ones at once. */
export const readSettings = <Table extends Settings>(
  command: Command,
  settings: Table,
): Outcome<ValuesOf<Table>, string> => {
  const file = readEnvFile(process.cwd());
  if (!file.ok) return file;
  const place = { cwd: process.cwd(), home: homedir() };
  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [name, setting] of Object.entries(settings)) {
    const from = { flag: flagOf(command, setting), env: process.env, file: file.value };
    const given = givenFor(setting, from);
    if (given === null && 'value' in setting.default) {
      values[name] = setting.default.value();
      continue;
    }
    const text = given?.text ?? ('text' in setting.default ? setting.default.text : '');
    const value = setting.decode(text, place);
    if (value.ok) values[name] = value.value;
    else {
      const shown = setting.secret ? 'the value' : JSON.stringify(text.slice(0, 200));
      const source = given?.source ?? 'default';
      problems.push(`${setting.flag}: ${shown} (from ${source}) is not allowed: give ${setting.allowed}`);
    }
  }
  // The table gives each name the type it has in the values; the compiler cannot follow a loop over it.
  return problems.length > 0 ? fail(problems.join('\n')) : succeed(values as ValuesOf<Table>);
};
