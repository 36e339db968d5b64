import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

import { type LogLine, startProcess } from '#src/cli/demo/processes.ts';

/** How a process ended. */
export type End = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

export type SystemProcess = {
  readonly name: string;
  readonly pid: number;
  readonly ended: Promise<End>;
  /** Every JSON line of its log so far. */
  readonly lines: () => readonly LogLine[];
  /** The first line of this event that fits, also one of the past. Fails when none comes or the process ends. */
  readonly saw: (event: string, limitMs: number, fits?: (line: LogLine) => boolean) => Promise<LogLine>;
  readonly signal: (signal: NodeJS.Signals) => void;
  /** Sends a signal and waits for the end, no longer than `limitMs`. */
  readonly endBy: (signal: NodeJS.Signals, limitMs: number) => Promise<End>;
  /** Ends it whatever state it is in; for cleaning up. */
  readonly dispose: () => Promise<void>;
  /** Its last words, for the message of a failure. */
  readonly tail: () => string;
};

const tailLines = 15;
const maxLineChars = 400;

/** Rejects after `limitMs` with a message that is made then. */
export const within = async <A>(promise: Promise<A>, limitMs: number, what: () => string): Promise<A> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${limitMs} ms in vain for ${what()}`)), limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
};

/** Waits until `condition` holds, looking often. */
export const until = async (condition: () => boolean, limitMs: number, what: () => string): Promise<void> => {
  const deadlineAtMs = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > deadlineAtMs) throw new Error(`waited ${limitMs} ms in vain for ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

/** Starts `node <entry>` as a user would, and keeps its log at hand. */
export const startSystemProcess = (options: {
  readonly name: string;
  readonly entry: string;
  readonly args: readonly string[];
  readonly logDir: string;
}): SystemProcess => {
  const { name } = options;
  const lines: LogLine[] = [];
  const listeners = new Set<(line: LogLine) => void>();
  const started = startProcess({
    ...options,
    onLine: (line) => {
      lines.push(line);
      for (const listener of listeners) listener(line);
    },
  });
  const { child, ended, lastErrors } = started;
  const tail = (): string => {
    // Rounds are many and tell nothing about what went wrong.
    const last = lines
      .filter((line) => line['event'] !== 'round.ended')
      .slice(-tailLines)
      .map((line) => JSON.stringify(line).slice(0, maxLineChars));
    return `\n--- ${name}, last lines\n${last.join('\n')}\n${lastErrors()}`;
  };
  const saw: SystemProcess['saw'] = (event, limitMs, fits = () => true) => {
    const isIt = (line: LogLine): boolean => line['event'] === event && fits(line);
    const past = lines.find(isIt);
    if (past !== undefined) return Promise.resolve(past);
    const coming = new Promise<LogLine>((resolve, reject) => {
      listeners.add((line) => {
        if (isIt(line)) resolve(line);
      });
      void ended.then(({ code, signal }) => reject(new Error(`${name} ended (${signal ?? code})${tail()}`)));
    });
    return within(coming, limitMs, () => `${event} of ${name}${tail()}`);
  };
  return {
    name,
    pid: child.pid ?? 0,
    ended,
    lines: () => lines,
    saw,
    signal: (signal) => void child.kill(signal),
    endBy: (signal, limitMs) => {
      child.kill(signal);
      return within(ended, limitMs, () => `the end of ${name} by ${signal}${tail()}`);
    },
    dispose: async () => {
      child.kill('SIGKILL');
      await ended;
    },
    tail,
  };
};

type Entry = { readonly pid: number; readonly parent: number; readonly isZombie: boolean };

/** `pid (name) state ppid …`; the name may hold anything, so it is cut at its last parenthesis. */
const parseStat = (stat: string): Entry => {
  const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { pid: Number.parseInt(stat, 10), parent: Number(parent), isZombie: state === 'Z' || state === 'X' };
};

const readStat = (pid: string): readonly Entry[] => {
  try {
    return [parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))];
  } catch {
    return []; // ended while the list was read
  }
};

/** All processes of the machine: from /proc where there is one, else from `ps`. */
const processTable = (): readonly Entry[] => {
  if (existsSync('/proc/self/stat'))
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap(readStat);
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,stat='], { encoding: 'utf8' });
  return stdout
    .trim()
    .split('\n')
    .map((line) => {
      const [pid, parent, state] = line.trim().split(/\s+/);
      return { pid: Number(pid), parent: Number(parent), isZombie: state?.startsWith('Z') ?? false };
    });
};

/** Children, their children and so on. */
export const descendantsOf = (pid: number): readonly number[] => {
  const table = processTable();
  const below = (parent: number): readonly number[] =>
    table.filter((entry) => entry.parent === parent).flatMap((entry) => [entry.pid, ...below(entry.pid)]);
  return below(pid);
};

/** Those that still run; one that nobody has waited for yet (a zombie) does not. */
export const runningOf = (pids: readonly number[]): readonly number[] => {
  const wanted = new Set(pids);
  return processTable()
    .filter(({ pid, isZombie }) => wanted.has(pid) && !isZombie)
    .map(({ pid }) => pid);
};
