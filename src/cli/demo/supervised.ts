import {
  mayRestart,
  type RestartHistory,
  recordRestart,
  workerRestartLimit,
} from '../../machines/restart.ts';
import { type DemoProcess, endProcess, type LogLine, type StartOptions, startProcess } from './processes.ts';

/** A process that is started again when it dies, with the same ports and folders. */
export type Supervised = {
  readonly name: string;
  /** Of the present life; 0 where the process could not even be started. */
  readonly pid: () => number;
  /** The next line of this event, in whatever life it comes. */
  readonly saw: (event: string) => Promise<LogLine>;
  /** Its next end is no death: a Ctrl-C reaches all processes of a terminal, in whatever order. */
  readonly leave: () => void;
  readonly end: (patienceMs: number) => Promise<void>;
};

export type SuperviseOptions = Omit<StartOptions, 'args'> & {
  /** Asked for before each start: a port that was free at the first one is named at the next. */
  readonly args: () => readonly string[];
  /** The line by which it says that it is there. One that ends by itself before was started wrongly. */
  readonly upEvent: string;
  /** Told of each death after which it was started again. */
  readonly onRestart: (text: string) => void;
  /** Told once, when it is not started any more. */
  readonly onGivenUp: (reason: string) => void;
};

/** Long enough for the ports of the dead one to be free. */
const restartPauseMs = 200;

/** Starts a process and keeps it alive: at most five deaths a minute, as with any supervisor of this software. */
export const supervise = (options: SuperviseOptions): Supervised => {
  const { name, args, upEvent } = options;
  const listeners = new Set<(line: LogLine) => void>();
  let history: RestartHistory = [];
  let isUp = false;
  let isEnding = false;
  let timer: NodeJS.Timeout | undefined;

  const onLine = (line: LogLine): void => {
    if (line['event'] === upEvent) isUp = true;
    options.onLine(line);
    for (const listener of listeners) listener(line);
  };
  const onEnd = (how: string, isKilled: boolean, lastErrors: string): void => {
    if (isEnding) return;
    const nowMs = performance.now();
    if ((isUp || isKilled) && mayRestart(history, nowMs, workerRestartLimit)) {
      history = recordRestart(history, nowMs, workerRestartLimit);
      timer = setTimeout(() => {
        current = begin();
        options.onRestart(`${name} died (${how}), started again, pid ${current.child.pid ?? 0}`);
      }, restartPauseMs);
      return;
    }
    const often = history.length === 0 ? '' : `, after ${history.length} deaths within a minute`;
    options.onGivenUp(`${name} ended by itself (${how})${often}: ${lastErrors}`);
  };
  const begin = (): DemoProcess => {
    const process = startProcess({ ...options, args: args(), onLine });
    void process.ended.then(({ code, signal }) =>
      onEnd(signal ?? `code ${code}`, signal !== null, process.lastErrors()),
    );
    return process;
  };
  let current = begin();
  const leave = (): void => {
    isEnding = true;
    clearTimeout(timer);
  };

  return {
    name,
    pid: () => current.child.pid ?? 0,
    saw: (event) =>
      new Promise((resolve) => {
        const listener = (line: LogLine): void => {
          if (line['event'] !== event) return;
          listeners.delete(listener);
          resolve(line);
        };
        listeners.add(listener);
      }),
    leave,
    end: async (patienceMs) => {
      leave();
      await endProcess(current, patienceMs);
    },
  };
};
