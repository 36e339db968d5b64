import { homedir } from 'node:os';

import { settingsHint } from './config/calledAs.ts';
import { helpText, parseFlags } from './config/commandLine.ts';
import { commonProblems } from './config/commonSettings.ts';
import { dashboardProblems } from './config/dashboardSettings.ts';
import { endpointsOf } from './config/networks.ts';
import type { Config, ConfigOf, MinerConfig, Role, ValidatorConfig } from './config/roles.ts';
import { settingsOf } from './config/roles.ts';
import type { Place } from './config/setting.ts';
import {
  type Environment,
  givenFor,
  readEnvFile,
  readSetting,
  type Sources,
  unknownNames,
} from './config/sources.ts';
import { resolveStore, storeProblems } from './config/storeSettings.ts';
import { validatorProblems } from './config/validatorSettings.ts';
import { fail, type Outcome, succeed } from './domain/outcome.ts';
import { exitCodes } from './exitCodes.ts';

export { describeConfig, settingsTable, settingViews } from './config/describe.ts';
export type { Config, ConfigOf, MinerConfig, Role, ValidatorConfig };
export { helpText };

/** Why a daemon does not start: what to print, and the code to exit with. `help` was asked for and is no error. */
export type ConfigProblem =
  | { readonly kind: 'help'; readonly message: string; readonly exitCode: 0 }
  | { readonly kind: 'invalid'; readonly message: string; readonly exitCode: 2 };

const invalid = (role: Role, messages: readonly string[]): ConfigProblem => ({
  kind: 'invalid',
  message: [...messages, settingsHint(role)].join('\n'),
  exitCode: exitCodes.settings,
});

/** Reads all settings of a role; fails with every wrong one at once. */
const readAll = (role: Role, sources: Sources, place: Place) => {
  const values: Record<string, unknown> = {};
  const origins: Record<string, string> = {};
  const problems: string[] = [];
  for (const [name, setting] of Object.entries(settingsOf[role])) {
    const given = givenFor(setting, { ...sources, flag: sources.flags.get(name) });
    const read = readSetting(setting, given, place);
    if (read.ok) {
      values[name] = read.value.value;
      origins[name] = read.value.source;
    } else problems.push(read.error);
  }
  return { values, origins, problems };
};

/** Endpoints and the network's name; nodes given without a network are a network of their own. */
const resolveChain = (config: Config, given: readonly string[] | null) => {
  const endpoints = given ?? endpointsOf(config.network);
  const isOwn = given !== null && config.sources['network'] === 'default';
  return { chainEndpoints: endpoints, network: isOwn ? (endpoints[0] ?? config.network) : config.network };
};

const relationProblems = (config: Config): readonly string[] => [
  ...commonProblems(config, config.chainEndpoints),
  ...storeProblems(config, config.sources),
  ...dashboardProblems(config),
  ...(config.role === 'validator' ? validatorProblems(config) : []),
];

const deepFreeze = <A>(value: A): A => {
  if (typeof value === 'object' && value !== null)
    for (const part of Object.values(Object.freeze(value))) deepFreeze(part);
  return value;
};

/**
 * All settings of a daemon from flags, environment, `.env.<role>` or `.env` in `cwd`, and defaults, in this order, as
 * one frozen object. Nothing but that file is read, and of the process only the name it was called by, for messages.
 *
 * Where chain nodes are given but no network, `network` is the URL of the first node, so that a private chain never
 * shares a data folder with finney.
 *
 * @param argv without node and script: `process.argv.slice(2)`
 */
export const loadConfig = <R extends Role>(
  role: R,
  argv: readonly string[],
  env: Environment,
  cwd: string,
): Outcome<ConfigOf<R>, ConfigProblem> => {
  const flags = parseFlags(role, argv);
  if (!flags.ok)
    return flags.error.kind === 'help'
      ? fail({ kind: 'help', message: helpText(role), exitCode: exitCodes.drained })
      : fail(invalid(role, [flags.error.message]));
  const file = readEnvFile(role, cwd);
  if (!file.ok) return fail(invalid(role, [file.error]));
  const home = env['HOME'] ?? homedir();
  const { values, origins, problems } = readAll(
    role,
    { flags: flags.value, env, file: file.value },
    { cwd, home },
  );
  if (problems.length > 0) return fail(invalid(role, problems));
  const unknown = unknownNames(env, file.value);
  // The table gives each name the type it has in the config; the compiler cannot follow a loop over it.
  const decoded = { role, ...values, sources: origins, unknownNames: unknown } as unknown as ConfigOf<R>;
  const given = values['chainEndpoints'] as readonly string[] | null;
  const config: ConfigOf<R> = { ...decoded, ...resolveChain(decoded, given) };
  const relations = relationProblems(config);
  if (relations.length > 0) return fail(invalid(role, relations));
  return succeed(deepFreeze({ ...config, store: resolveStore(config) }));
};
