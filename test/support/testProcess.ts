import { spawn } from 'node:child_process';
import { join } from 'node:path';

import type { LogLine } from '#src/cli/demo/processes.ts';
import { cleanEnv, followOutput, logFileOf, parseLogLine } from './processOutput.ts';
import { type End, within } from './systemProcess.ts';

/** One life of a daemon of the test build, whose environment the test decides. */
export type TestProcess = {
  readonly name: string;
  readonly pid: number;
  readonly ended: Promise<End>;
  readonly isUp: () => boolean;
  /** The first line of this event, also one of the past. Fails when none comes or the process ends. */
  readonly saw: (event: string, limitMs: number, fits?: (line: LogLine) => boolean) => Promise<LogLine>;
  /** How often an event was logged. */
  readonly times: (event: string) => number;
  /** Resolves with the next line on standard error that begins like this, without that beginning. */
  readonly says: (prefix: string, limitMs: number) => Promise<string>;
  /** Lines on standard error, the last hundred. */
  readonly words: () => readonly string[];
  readonly signal: (signal: NodeJS.Signals) => void;
  /** Sends a signal and waits for the end; after `limitMs` it is killed. */
  readonly endBy: (signal: NodeJS.Signals, limitMs: number) => Promise<End>;
  /** Its last lines, for the message of a failure. */
  readonly tail: () => string;
};

const keptLines = 2_000;
const keptWords = 100;

/** A list that tells of what is added to it. */
const heard = <A>(most: number) => {
  const items: A[] = [];
  const listeners = new Set<(item: A) => void>();
  return {
    items,
    add: (item: A): void => {
      items.push(item);
      if (items.length > most) items.shift();
      for (const listener of [...listeners]) listener(item);
    },
    next: (fits: (item: A) => boolean): Promise<A> =>
      new Promise((resolve) => {
        const listener = (item: A): void => {
          if (!fits(item)) return;
          listeners.delete(listener);
          resolve(item);
        };
        listeners.add(listener);
      }),
  };
};

/** Starts `node <entry>`; its output goes to a file as well, to which further lives append. */
export const startTestProcess = (options: {
  readonly name: string;
  readonly entry: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly logDir: string;
}): TestProcess => {
  const { name, entry, args } = options;
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', entry, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: cleanEnv(options.env),
  });
  const lines = heard<LogLine>(keptLines);
  const words = heard<string>(keptWords);
  const counts = new Map<unknown, number>();
  followOutput(child, join(options.logDir, logFileOf(name)), (text, stream) => {
    if (stream === 'stderr') words.add(text);
    const line = stream === 'stdout' ? parseLogLine(text) : null;
    if (line === null) return;
    counts.set(line['event'], (counts.get(line['event']) ?? 0) + 1);
    lines.add(line);
  });
  const ended = new Promise<End>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal }));
  });
  const tail = (): string => {
    const last = lines.items.slice(-8).map((line) => JSON.stringify(line).slice(0, 160));
    return `\n--- ${name}\n${[...last, ...words.items.slice(-8)].join('\n')}`;
  };
  const unlessEnded = <A>(coming: Promise<A>): Promise<A> =>
    Promise.race([
      coming,
      ended.then(({ code, signal }): never => {
        throw new Error(`${name} ended (${signal ?? code})${tail()}`);
      }),
    ]);
  const isUp = (): boolean => child.exitCode === null && child.signalCode === null;
  return {
    name,
    pid: child.pid ?? 0,
    ended,
    isUp,
    saw: async (event, limitMs, fits = () => true) => {
      const isIt = (line: LogLine): boolean => line['event'] === event && fits(line);
      const past = lines.items.find(isIt);
      return past ?? within(unlessEnded(lines.next(isIt)), limitMs, () => `${event} of ${name}${tail()}`);
    },
    times: (event) => counts.get(event) ?? 0,
    says: async (prefix, limitMs) => {
      const coming = unlessEnded(words.next((text) => text.startsWith(prefix)));
      return (await within(coming, limitMs, () => `'${prefix}' of ${name}${tail()}`)).slice(prefix.length);
    },
    words: () => words.items,
    signal: (signal) => void child.kill(signal),
    endBy: async (signal, limitMs) => {
      child.kill(signal);
      const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
      const end = await ended;
      clearTimeout(timer);
      return end;
    },
    tail,
  };
};
