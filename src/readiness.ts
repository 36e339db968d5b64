/** Tells a service manager how the daemon is: systemd by `systemd-notify`, pm2 by a message. */
import { execFile } from 'node:child_process';

import type { Verdict } from './domain/view/verdict.ts';
import type { Logger } from './logging.ts';

export type Readiness = {
  /** The daemon is about to end; resolves when the manager has been told. */
  readonly close: () => Promise<void>;
};

export type ReadinessParts = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
  /** The channel to a parent process, if there is one: pm2 with `wait_ready` waits for a message of it. */
  readonly tellParent: ((message: string) => void) | null;
  readonly verdict: () => Verdict;
  /** False: this process should be replaced. No verdict on the chain or on peers. */
  readonly isLive: () => boolean;
  readonly log: Logger;
  /** How often the verdict is looked at. */
  readonly lookEveryMs?: number;
};

const program = 'systemd-notify';
/** The manager answers at once or is in trouble itself. */
const programTimeoutMs = 5_000;
const defaultLookMs = 5_000;
/** A watchdog is fed three times in its period: one tick may be late, one may be lost (sd_watchdog_enabled(3): half). */
const feedsPerPeriod = 3;
const maxStatusChars = 500;

/**
 * Node cannot open the datagram socket of systemd itself, so its own program does, one process per message: the unit
 * needs `NotifyAccess=all`. Messages are sent one at a time and in order; of several that wait, the last of a kind counts.
 */
const createSender = (env: ReadinessParts['env'], log: Logger) => {
  const waiting = new Map<string, string>();
  let isMissing = false;
  let current: Promise<void> | null = null;

  const run = (assignments: readonly string[]): Promise<void> =>
    new Promise((resolve) => {
      const options = {
        env: { PATH: env['PATH'], NOTIFY_SOCKET: env['NOTIFY_SOCKET'] },
        timeout: programTimeoutMs,
      };
      execFile(program, assignments, options, (error) => {
        if (error !== null && !isMissing) {
          isMissing = true;
          const failure = error.message.split('\n')[0];
          log.warn(
            { event: 'notify.failed', failure },
            'systemd is not told how this daemon is: install systemd-notify',
          );
        }
        resolve();
      });
    });

  const drain = async (): Promise<void> => {
    while (waiting.size > 0) {
      const assignments = [...waiting].map(([name, value]) => `${name}=${value}`);
      waiting.clear();
      await run(assignments);
    }
  };

  return (values: Readonly<Record<string, string>>): Promise<void> => {
    for (const [name, value] of Object.entries(values)) waiting.set(name, value);
    current ??= drain().finally(() => {
      current = null;
    });
    return current;
  };
};

/** Period within which systemd wants to hear of us, or null: no watchdog, or that of another process. */
const watchdogMs = ({ env, pid }: ReadinessParts): number | null => {
  const micros = Number(env['WATCHDOG_USEC']);
  const owner = env['WATCHDOG_PID'];
  const isOurs = owner === undefined || owner === '' || Number(owner) === pid;
  return isOurs && micros > 0 ? micros / 1e3 : null;
};

const statusOf = ({ text }: Verdict): string => text.replaceAll(/\s+/g, ' ').slice(0, maxStatusChars);

const watchSystemd = (parts: ReadinessParts): Readiness => {
  const { env, verdict, isLive, log, lookEveryMs = defaultLookMs } = parts;
  const send = createSender(env, log);
  const feedMs = watchdogMs(parts);
  let status = statusOf(verdict());
  void send({ READY: '1', STATUS: status });

  const look = (): void => {
    const next = statusOf(verdict());
    if (next === status) return;
    status = next;
    void send({ STATUS: status });
  };
  // A timer: an event loop that stands still feeds nobody, and systemd replaces the process.
  const feed = (): void => {
    if (isLive()) void send({ WATCHDOG: '1' });
  };
  const timers = [setInterval(look, lookEveryMs)];
  if (feedMs !== null) timers.push(setInterval(feed, feedMs / feedsPerPeriod));
  for (const timer of timers) timer.unref();
  return {
    close: () => {
      for (const timer of timers) clearInterval(timer);
      return send({ STOPPING: '1', STATUS: 'ending' });
    },
  };
};

/**
 * To be called when settings, hotkey and store are fine: from here on the daemon heals itself, and a chain that is away
 * is no reason to restart it. Does nothing where no manager listens.
 */
export const announceReady = (parts: ReadinessParts): Readiness => {
  parts.tellParent?.('ready');
  const socket = parts.env['NOTIFY_SOCKET'];
  if (socket === undefined || socket === '') return { close: () => Promise.resolve() };
  return watchSystemd(parts);
};
