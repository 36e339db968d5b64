/** `miaoai status`: what a running daemon says of itself. */
import { Command, Option } from 'commander';

import type { Role } from '../config.ts';
import type { CommonSlices } from '../domain/view/commonView.ts';
import type { MinerSlices } from '../domain/view/minerView.ts';
import type { EpochView, WeightsView } from '../domain/view/validatorView.ts';
import { writeTicket } from '../gateway/ticket.ts';
import { concluding, done, type Ending } from './ending.ts';
import { askDaemon, findDaemon } from './runningDaemon.ts';

/** As much of `GET /api/status` as people are shown; of a daemon of another version parts may be missing. */
type Status = Partial<CommonSlices> & {
  readonly epoch?: EpochView | null;
  readonly weights?: Partial<WeightsView>;
  readonly standing?: Partial<MinerSlices['standing']>;
  readonly requests?: Partial<MinerSlices['requests']>;
  readonly inference?: Partial<MinerSlices['inference']>;
};

const row = (name: string, text: string): string => `  ${name.padEnd(10)} ${text}`;
const known = (value: unknown): string => (value === null || value === undefined ? '?' : String(value));

const chainText = ({ chain }: Status): readonly string[] => {
  if (chain === undefined) return [];
  const used = chain.endpoints.find(({ isCurrent }) => isCurrent)?.url ?? 'no node';
  const uid = chain.registration === null ? 'not registered' : `uid ${chain.registration.uid}`;
  return [row('chain', `${chain.state}, ${used}, block ${known(chain.finalizedBlock)}, ${uid}`)];
};

const epochText = ({ epoch }: Status): readonly string[] => {
  if (epoch === undefined || epoch === null) return [];
  const { block, endsAtBlock, weightsDueAtBlock, rounds, state } = epoch;
  const left = Math.max(0, endsAtBlock - block);
  const due =
    block < weightsDueAtBlock ? `weights due in ${weightsDueAtBlock - block} blocks` : 'weights are due';
  return [row('epoch', `${epoch.epoch}: ${state}, ${rounds} rounds, ends in ${left} blocks, ${due}`)];
};

const weightsText = ({ weights }: Status): readonly string[] => {
  if (weights === undefined) return [];
  const { lastConfirmedEpoch, lastConfirmedAtBlock, behind = 0, state } = weights;
  const last =
    lastConfirmedEpoch === null || lastConfirmedEpoch === undefined
      ? 'none confirmed yet'
      : `of epoch ${lastConfirmedEpoch} on chain since block ${known(lastConfirmedAtBlock)}`;
  return [row('weights', `${known(state)}, ${last}${behind > 0 ? `, ${behind} epochs behind` : ''}`)];
};

const minerText = ({ standing, requests, inference }: Status): readonly string[] => {
  if (standing === undefined) return [];
  const { received = 0, acknowledged = 0, lost = 0 } = requests?.totals ?? {};
  return [
    row(
      'incentive',
      `${known(standing.incentive)}, rank ${known(standing.rank)} of ${known(standing.ranked)}`,
    ),
    row('requests', `${received} received, ${acknowledged} acknowledged, ${lost} lost`),
    row('inference', `${known(inference?.state)} on ${known(inference?.provider)}`),
  ];
};

const textOf = (status: Status, url: string): string => {
  const { about, health } = status;
  const who =
    about === undefined ? '' : `${about.role} ${about.hotkey} on subnet ${about.netuid} of ${about.network}`;
  const reasons = (health?.reasons ?? []).map(({ text, advice }) => `  - ${text} ${advice}`);
  return [
    `${known(health?.level).toUpperCase()}: ${known(health?.text)}`,
    ...reasons,
    who,
    ...chainText(status),
    ...epochText(status),
    ...weightsText(status),
    ...minerText(status),
    row('page', url),
  ].join('\n');
};

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
  return done(textOf(said, url), { pid, url, ...said });
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
