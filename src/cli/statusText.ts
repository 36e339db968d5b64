import type { CommonSlices } from '../domain/view/commonView.ts';
import type { MinerStatus, ValidatorStatus } from '../domain/view/statusView.ts';

/** As much of `GET /api/status` as people are shown; of a daemon of another version parts may be missing. */
export type Status = Partial<CommonSlices> & {
  readonly epoch?: ValidatorStatus['epoch'];
  readonly weights?: Partial<ValidatorStatus['weights']>;
  readonly standing?: Partial<MinerStatus['standing']>;
  readonly requests?: Partial<MinerStatus['requests']>;
  readonly inference?: Partial<MinerStatus['inference']>;
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
  const { received = 0, acknowledged = 0, lost = 0 } = requests ?? {};
  return [
    row(
      'incentive',
      `${known(standing.incentive?.toFixed(4))}, rank ${known(standing.rank)} of ${known(standing.ranked)}`,
    ),
    row('requests', `${received} received, ${acknowledged} acknowledged, ${lost} lost`),
    row('inference', `${known(inference?.state)} on ${known(inference?.provider)}`),
  ];
};

/** The answer of a running daemon for people. */
export const statusText = (status: Status, url: string): string => {
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
