/** `miaoai status`: what a running daemon says of itself. */
import { Command, Option } from 'commander';

import type { Role } from '../config.ts';
import { writeTicket } from '../gateway/ticket.ts';
import { concluding, done, type Ending } from './ending.ts';
import { askDaemon, findDaemon } from './runningDaemon.ts';
import { type Status, statusText } from './statusText.ts';

type Flags = { readonly role?: Role; readonly json?: boolean; readonly link?: boolean };

const statusEnding = async (argv: readonly string[], flags: Flags): Promise<Ending> => {
  const found = await findDaemon({ role: flags.role ?? null, argv });
  if (!found.ok) return found.error;
  const { url, control, pid } = found.value;
  if (flags.link) {
    const link = `${url}/login?ticket=${writeTicket(control, Date.now())}`;
    return done(link, { link, pid });
  }
  const status = await askDaemon(found.value, '/api/status');
  if (!status.ok) return status.error;
  const said: Status = Object(status.value);
  return done(statusText(said, url), { pid, url, ...said });
};

/** Flag of the commands that ask a daemon. */
export const roleOption = (): Option =>
  new Option('--role <role>', 'which daemon; whichever runs unless given').choices(['validator', 'miner']);

export const daemonWords = [
  '',
  'All flags of the daemon are allowed behind these, and its environment and .env files are read: with the same ones it',
  'is found in the same data folder.',
].join('\n');

export const statusCommand = (): Command => {
  const command = new Command('status')
    .description('ask a running daemon how it is: verdict, epoch clock, chain, weights')
    .addOption(roleOption())
    .option('--json', 'print one JSON object')
    .option(
      '--link',
      'print a link that opens the page once, within ten minutes; it logs in where that is needed',
    )
    .allowUnknownOption()
    .allowExcessArguments()
    .addHelpText('after', `${daemonWords} Exit codes: 0 it answered, 2 wrong settings, 69 no daemon runs.`);
  return command.action((flags: Flags) => concluding(statusEnding(command.args, flags), flags.json ?? false));
};
