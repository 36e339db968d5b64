import type { Role } from '../config.ts';
import type { BlockNumber, Hotkey } from '../domain/ids.ts';
import type { WeightForecast } from '../domain/weightForecast.ts';
import { commandExitCodes } from '../exitCodes.ts';
import type { Ending } from './ending.ts';

/** What `miaoai doctor` says. Plain JSON; documented in docs/operations.md. */

/**
 * - `ok`, `information`: nothing to do.
 * - `warning`: works, and somebody should look.
 * - `waiting`: clears by itself at a block that the message names; nothing to do.
 * - `blocked`: keeps the daemon from its work until somebody acts.
 */
export type Status = 'ok' | 'information' | 'warning' | 'waiting' | 'blocked';

export type Finding = {
  readonly area: 'settings' | 'machine' | 'wallet' | 'chain' | 'weights' | 'subnet' | 'models' | 'address';
  /** Stable name: the pallet's error where the chain checks it. */
  readonly check: string;
  readonly status: Status;
  readonly message: string;
};

/** One node of the list, as it answered now. Times in ms. */
export type EndpointReport = {
  /** Without credentials. */
  readonly endpoint: string;
  readonly isReachable: boolean;
  /** Why not; null when reachable. */
  readonly error: string | null;
  readonly genesisHash: string | null;
  readonly specVersion: number | null;
  readonly bestBlock: BlockNumber | null;
  readonly finalizedBlock: BlockNumber | null;
  /** Age of the best block by this machine's clock; negative when it is from the future, null before the first. */
  readonly headAgeMs: number | null;
  /** Time from opening the connection to a usable one, metadata included. */
  readonly connectMs: number | null;
  /** Time of one call. */
  readonly callMs: number | null;
};

export type DoctorReport = {
  readonly role: Role;
  readonly version: string;
  readonly network: string | null;
  readonly netuid: number | null;
  readonly hotkey: Hotkey | null;
  /** Nothing blocks. */
  readonly ok: boolean;
  readonly findings: readonly Finding[];
  readonly endpoints: readonly EndpointReport[];
  /** Validator: next block that accepts weights; null when none does by itself, or the chain was not read. */
  readonly nextAcceptedBlock: BlockNumber | null;
  /** When that block is expected, ISO 8601, by the pace of the last blocks; null where it is not known. */
  readonly nextAcceptedAt: string | null;
  /** Validator: every check of a submission; null when the chain was not read. */
  readonly forecast: WeightForecast | null;
};

const marks: { readonly [S in Status]: string } = {
  ok: 'ok',
  information: 'note',
  warning: 'WARNING',
  waiting: 'wait',
  blocked: 'BLOCKED',
};

const row = ({ status, area, check, message }: Finding): string =>
  `  ${marks[status].padEnd(8)} ${area.padEnd(9)} ${check.padEnd(28)} ${message}`;

const endpointRow = (report: EndpointReport): string => {
  if (!report.isReachable) return `  ${report.endpoint}  NOT REACHABLE: ${report.error}`;
  const { bestBlock, finalizedBlock, headAgeMs, specVersion, callMs } = report;
  const age = headAgeMs === null ? '' : `, ${(headAgeMs / 1_000).toFixed(1)} s old`;
  return `  ${report.endpoint}  block ${bestBlock} (final ${finalizedBlock})${age}, spec ${specVersion}, ${Math.round(callMs ?? 0)} ms per call`;
};

const nextText = ({ role, forecast, nextAcceptedBlock, nextAcceptedAt }: DoctorReport): readonly string[] => {
  if (role !== 'validator' || forecast === null) return [];
  if (nextAcceptedBlock === null) return ['Weights: no block accepts them before somebody acts.'];
  const time = nextAcceptedAt === null ? '' : `, about ${nextAcceptedAt}`;
  return [`Weights: accepted from block ${nextAcceptedBlock} on${time}.`];
};

/** The report for people. */
export const reportText = (report: DoctorReport): string => {
  const { role, hotkey, netuid, network, findings, endpoints } = report;
  const blocked = findings.filter(({ status }) => status === 'blocked').length;
  const end =
    blocked === 0
      ? 'Nothing keeps it from its work.'
      : `${blocked === 1 ? '1 finding keeps' : `${blocked} findings keep`} it from its work.`;
  return [
    `${role} ${hotkey ?? '(hotkey unknown)'} on subnet ${netuid ?? '?'} of ${network ?? '?'}`,
    ...(endpoints.length > 0 ? ['', 'Nodes', ...endpoints.map(endpointRow)] : []),
    '',
    'Findings',
    ...findings.map(row),
    '',
    ...nextText(report),
    end,
  ].join('\n');
};

/** The report as the end of the command: wrong settings and what blocks have codes of their own. */
export const reportEnding = (report: DoctorReport): Ending => {
  const isUnset = report.findings.some(({ check, status }) => check === 'Settings' && status === 'blocked');
  const code = report.ok
    ? commandExitCodes.done
    : isUnset
      ? commandExitCodes.settings
      : commandExitCodes.blocked;
  return { code, text: reportText(report), json: report, isReport: true };
};
