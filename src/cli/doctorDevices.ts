/** What `doctor` asks of the machine's devices: disk, GPU, ports, and whether the announced address leads here. */
import { statfs } from 'node:fs/promises';
import { connect, createServer } from 'node:net';

import type { Config, MinerConfig } from '../config.ts';
import type { Axon } from '../domain/metagraph.ts';
import { diskBoundBytes } from '../domain/resources.ts';
import { askNvidiaSmi, firstGpu } from '../inference/nvidiaSmi.ts';
import type { Finding } from './doctorReport.ts';

type Say = (check: string, status: Finding['status'], message: string) => Finding;
const about =
  (area: Finding['area']): Say =>
  (check, status, message) => ({ area, check, status, message });

const machine = about('machine');
const models = about('models');
const address = about('address');

const askPatienceMs = 5_000;
const dialPatienceMs = 3_000;
const gibibytes = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(1)} GiB`;

/**
 * Room on the file system of the data folder; below the bound a running daemon holds its work.
 *
 * @param found the folder, or the nearest one above it that exists
 */
export const diskFinding = async (found: string): Promise<Finding> => {
  try {
    const { bavail, blocks, bsize } = await statfs(found);
    const [free, total] = [bavail * bsize, blocks * bsize];
    const room = `${gibibytes(free)} of ${gibibytes(total)} free for ${found}`;
    const bound = diskBoundBytes(total);
    if (free < bound) return machine('Disk', 'blocked', `${room}: make room, nothing is written any more`);
    return free < 4 * bound
      ? machine('Disk', 'warning', `${room}: make room, below ${gibibytes(bound)} the daemon stops its work`)
      : machine('Disk', 'ok', room);
  } catch (cause) {
    return machine('Disk', 'warning', `the room for ${found} cannot be read: ${String(cause)}`);
  }
};

const gpuFields = ['name', 'driver_version', 'memory.free', 'memory.total'];

/**
 * The GPU, its driver and its free memory.
 *
 * @param patienceMs for an answer of `nvidia-smi`
 */
export const gpuFinding = async (
  { provider }: Pick<MinerConfig, 'provider'>,
  patienceMs = askPatienceMs,
): Promise<Finding> => {
  if (provider === 'cpu') return models('Gpu', 'information', 'not asked for: --provider cpu');
  const answer = await askNvidiaSmi({ fields: gpuFields, patienceMs });
  if (answer.kind === 'silent') {
    const message =
      'nvidia-smi does not answer: look for the GPU in the kernel log (dmesg), it may have fallen off the bus';
    return models('Gpu', provider === 'cuda' ? 'blocked' : 'warning', message);
  }
  const [name = '', driver, free, total] = firstGpu(answer.kind === 'told' ? answer.text : '');
  if (name === '' || driver === undefined) {
    const message =
      'nvidia-smi shows no GPU: install the driver of one, or accept that models run on the CPU';
    return models('Gpu', provider === 'cuda' ? 'blocked' : 'information', message);
  }
  return models('Gpu', 'ok', `${name}, driver ${driver}, ${free} of ${total} MiB free`);
};

/** Why a port cannot be listened on; null where it can. */
const listenProblem = (host: string, port: number): Promise<string | null> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });

const portFinding = async (
  check: string,
  place: { readonly host: string; readonly port: number; readonly flag: string },
  otherwise: { readonly status: Finding['status']; readonly words: string },
): Promise<Finding> => {
  const { host, port, flag } = place;
  const problem = await listenProblem(host, port);
  if (problem === null) return address(check, 'ok', `port ${port} of ${host} is free`);
  return address(check, otherwise.status, `port ${port} of ${host} (${problem}): ${otherwise.words} ${flag}`);
};

/** Ports that the daemon would listen on; one that runs already holds them itself. */
export const portFindings = async (config: Config, isRunning: boolean): Promise<readonly Finding[]> => {
  if (isRunning) return [address('Ports', 'ok', 'held by the daemon, which runs')];
  const findings: Finding[] = [];
  if (config.role === 'miner') {
    const place = { host: config.bindHost, port: config.axonPort, flag: '--axon-port' };
    const words = 'no validator could connect; end what has it, or choose another';
    findings.push(await portFinding('AxonPort', place, { status: 'blocked', words }));
  }
  if (config.dashboard && config.dashboardPort !== 0) {
    const place = { host: config.dashboardHost, port: config.dashboardPort, flag: '--dashboard-port' };
    const isFixed = config.sources['dashboardPort'] !== 'default';
    const otherwise = isFixed
      ? ({ status: 'warning', words: 'there would be no page; choose another' } as const)
      : ({ status: 'information', words: 'another free one would be used; name it with' } as const);
    findings.push(await portFinding('DashboardPort', place, otherwise));
  }
  return findings;
};

const isReached = ({ ip, port }: Axon): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: ip, port, timeout: dialPatienceMs });
    const end = (reached: boolean): void => {
      socket.destroy();
      resolve(reached);
    };
    socket.once('connect', () => end(true));
    socket.once('timeout', () => end(false));
    socket.once('error', () => end(false));
  });

/** Whether the address that the chain shows leads to something that listens, seen from this machine. */
export const reachFinding = async (axon: Axon, isRunning: boolean): Promise<Finding> => {
  const place = `${axon.ip} port ${axon.port}`;
  if (await isReached(axon)) return address('AxonReachable', 'ok', `${place} takes connections`);
  if (!isRunning)
    return address('AxonReachable', 'information', `nothing listens at ${place}: the miner does not run`);
  const words =
    'no connection from here: open the port in the firewall and map it on the router; some routers lead no way back to themselves, then ask from another machine';
  return address('AxonReachable', 'warning', `${place}: ${words}`);
};
