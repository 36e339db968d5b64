import { Command, CommanderError, Option } from 'commander';

import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import { exitCodesText } from '../exitCodes.ts';
import { callOf, isTool } from './calledAs.ts';
import { type Role, settingsOf } from './roles.ts';
import { defaultText, type Setting } from './setting.ts';

/** Texts given by flags, by name of the setting, with the spelling that was used. */
export type Flags = ReadonlyMap<string, { readonly text: string; readonly flag: string }>;

/** Fixed, so that the help and the docs made of it do not depend on a terminal. */
const HELP_WIDTH = 110;

const descriptions: { readonly [R in Role]: string } = {
  validator: 'Validator of Bittensor subnet 86: sends tasks to miners, judges their answers, sets weights.',
  miner: 'Miner of Bittensor subnet 86: runs models and answers the tasks of validators.',
};

const helpEnd = (role: Role): string =>
  [
    '',
    `Order of precedence: flag, environment variable, .env.${role} (without one: .env) in the working directory, default.`,
    `Exit codes: ${exitCodesText()}.`,
  ].join('\n');

const optionsOf = (setting: Setting<unknown>): readonly Option[] => {
  const words = `${setting.description} [env ${setting.env}] [default ${defaultText(setting)}]`;
  const main = new Option(`${setting.flag} ${setting.placeholder}`, words).helpGroup(`${setting.group}:`);
  const hidden = setting.flagAliases.map((alias) => new Option(`${alias} <value>`).hideHelp());
  if (!setting.isSwitch) return [main, ...hidden];
  return [main, new Option(setting.flag.replace('--', '--no-')).hideHelp(), ...hidden];
};

const commandOf = (role: Role): Command => {
  const silent = { writeOut: () => undefined, writeErr: () => undefined, getOutHelpWidth: () => HELP_WIDTH };
  const command = new Command(callOf(role))
    .description(descriptions[role])
    .configureOutput({ ...silent, getOutHasColors: () => false })
    .exitOverride()
    .addHelpOption(new Option('-h, --help', 'Show this.').helpGroup('Help:'))
    .allowExcessArguments(false);
  for (const setting of Object.values(settingsOf[role]))
    for (const option of optionsOf(setting)) command.addOption(option);
  // `miaoai status` and the like take these out before; here they are what a misspelt one may have meant.
  if (isTool()) command.option('--role <role>').option('--json').option('--link');
  return command;
};

/** What `--help` prints. */
export const helpText = (role: Role): string => `${commandOf(role).helpInformation()}${helpEnd(role)}\n`;

/** First value that was given under any spelling of a setting. */
const givenText = (command: Command, setting: Setting<unknown>) => {
  for (const flag of [setting.flag, ...setting.flagAliases]) {
    const value: unknown = command.getOptionValue(new Option(flag).attributeName());
    if (typeof value === 'string') return { text: value, flag };
    // Commander gives a switch without a value as a boolean.
    if (value === true) return { text: 'true', flag };
    if (value === false) return { text: 'false', flag: flag.replace('--', '--no-') };
  }
  return null;
};

/** Reads the flags of a role; fails with `help` where it was asked for, else with what is wrong. */
export const parseFlags = (
  role: Role,
  argv: readonly string[],
): Outcome<Flags, { readonly kind: 'help' } | { readonly kind: 'invalid'; readonly message: string }> => {
  const command = commandOf(role);
  try {
    command.parse([...argv], { from: 'user' });
  } catch (cause) {
    if (!(cause instanceof CommanderError)) throw cause;
    if (cause.code === 'commander.helpDisplayed') return fail({ kind: 'help' });
    return fail({ kind: 'invalid', message: cause.message.replace(/^error: /, '') });
  }
  const flags = new Map<string, { readonly text: string; readonly flag: string }>();
  for (const [name, setting] of Object.entries(settingsOf[role])) {
    const given = givenText(command, setting);
    if (given !== null) flags.set(name, given);
  }
  return succeed(flags);
};
