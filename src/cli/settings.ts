import { homedir } from 'node:os';
import { type Command, Option } from 'commander';

import { defaultText, type Setting, type Settings, type ValuesOf } from '../config/setting.ts';
import { firstEnvFile, givenFor, readSetting } from '../config/sources.ts';
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

const flagOf = (command: Command, setting: Setting<unknown>) => {
  for (const flag of [setting.flag, ...setting.flagAliases]) {
    const text: unknown = command.getOptionValue(new Option(flag).attributeName());
    if (typeof text === 'string') return { text, flag };
  }
  return undefined;
};

/** The flags of these settings that were given to a command, as a daemon takes them. */
export const flagsGiven = (command: Command, settings: Settings): readonly string[] =>
  Object.values(settings).flatMap((setting) => {
    const given = flagOf(command, setting);
    return given === undefined ? [] : [`${given.flag}=${given.text}`];
  });

/** Values of these settings from flags, environment, `.env` and defaults, in this order; all wrong ones at once. */
export const readSettings = <Table extends Settings>(
  command: Command,
  settings: Table,
): Outcome<ValuesOf<Table>, string> => {
  const file = firstEnvFile(['.env'], process.cwd());
  if (!file.ok) return file;
  const place = { cwd: process.cwd(), home: homedir() };
  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [name, setting] of Object.entries(settings)) {
    const from = { flag: flagOf(command, setting), env: process.env, file: file.value };
    const given = givenFor(setting, from);
    const read = readSetting(setting, given, place);
    if (read.ok) values[name] = read.value.value;
    else problems.push(read.error);
  }
  // The table gives each name the type it has in the values; the compiler cannot follow a loop over it.
  return problems.length > 0 ? fail(problems.join('\n')) : succeed(values as ValuesOf<Table>);
};
