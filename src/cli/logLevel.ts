/** `miaoai log-level`: how much a running daemon logs, without a restart. */
import { Argument, Command } from 'commander';

import type { Role } from '../config.ts';
import { controlPath, logLevels } from '../gateway/control.ts';
import { concluding, done, type Ending } from './ending.ts';
import { askDaemon, findDaemon } from './runningDaemon.ts';
import { daemonWords, roleOption } from './status.ts';

type Flags = { readonly role?: Role; readonly json?: boolean };

const changeLevel = async (level: string, argv: readonly string[], flags: Flags): Promise<Ending> => {
  const found = await findDaemon({ role: flags.role ?? null, argv });
  if (!found.ok) return found.error;
  const changed = await askDaemon(found.value, controlPath, { level });
  if (!changed.ok) return changed.error;
  const { pid } = found.value;
  return done(`process ${pid} logs at ${level} until it ends or is told otherwise`, { pid, level });
};

export const logLevelCommand = (): Command => {
  const command = new Command('log-level')
    .description('change how much a running daemon logs; SIGUSR2 turns debug on and off again')
    .addArgument(new Argument('<level>', 'least important messages to show').choices(logLevels))
    .addOption(roleOption())
    .option('--json', 'print one JSON object')
    .allowUnknownOption()
    .allowExcessArguments()
    .addHelpText('after', `${daemonWords} Exit codes: 0 changed, 2 wrong settings, 69 no daemon runs.`);
  return command.action((level: string, flags: Flags) =>
    concluding(changeLevel(level, command.args.slice(1), flags), flags.json ?? false),
  );
};
