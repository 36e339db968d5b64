import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { LogLine } from '#src/cli/demo/processes.ts';
import { followOutput, logFileOf, parseLogLine } from '#test/support/processOutput.ts';
import { type End, within } from '#test/support/systemProcess.ts';

import type { Journal } from './facts.ts';
import { createJournal } from './journal.ts';

/** A line of a log, with the driver's own monotonic time at which it came: the process may have another clock. */
export type Heard = { readonly atMs: number; readonly line: LogLine };

/** An end that nobody caused directly: the driver starts the process again, as a service manager would. */
export type UnaskedEnd = End & { readonly name: string; readonly atMs: number; readonly words: string };

export type Resources = { readonly name: string; readonly rssMiB: number; readonly descriptors: number };

export type Role = {
  readonly name: string;
  readonly start: () => void;
  readonly isUp: () => boolean;
  readonly pid: () => number;
  /** SIGKILL; resolves when the process is gone. It stays down until `start`. */
  readonly kill: () => Promise<void>;
  readonly pause: () => void;
  readonly resume: () => void;
  /** Drains it, and ends it by force when that takes too long; it is not started again. */
  readonly stop: (patienceMs: number) => Promise<End>;
  /** Lines of this event, of all its lives. */
  readonly heard: (event: string) => readonly Heard[];
  /** Waits for a line that comes after `afterMs`. */
  readonly hears: (event: string, afterMs: number, limitMs: number) => Promise<LogLine>;
  readonly starts: () => number;
  /** What it did and said, by the wall clock. */
  readonly journal: () => Journal;
  /** null while it is down. */
  readonly resources: () => Resources | null;
};

export type RoleOptions = {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly logDir: string;
  /** Told of every process group that was begun. */
  readonly onGroup: (pid: number) => void;
  readonly onUnaskedEnd: (end: UnaskedEnd) => void;
  /** False once everything is being ended: what would be started now, nobody would end. */
  readonly mayStart: () => boolean;
};

const restartAfterMs = 500;
const pollMs = 20;
const keptWords = 12;
const maxHeard = 5_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Resident memory and open descriptors by /proc; null where there is none, or the process has ended. */
const resourcesOf = (name: string, pid: number): Resources | null => {
  try {
    const rss = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return { name, rssMiB: Number(rss) / 1_024, descriptors: readdirSync(`/proc/${pid}/fd`).length };
  } catch {
    return null;
  }
};

/** One role of the network: a process that lives several times, each time in a process group of its own. */
export const createRole = (options: RoleOptions): Role => {
  const { name } = options;
  const file = join(options.logDir, logFileOf(name));
  const heard = new Map<string, Heard[]>();
  const notes = createJournal(name);
  let words: string[] = [];
  let child: ChildProcess | null = null;
  let ended: Promise<End> = Promise.resolve({ code: null, signal: null });
  let isWanted = false;
  let starts = 0;

  const hear = (life: number, text: string): void => {
    const line = parseLogLine(text);
    const event = line?.['event'];
    if (line === null || typeof event !== 'string') {
      words = [...words, text].slice(-keptWords);
      return;
    }
    notes.said(life, line);
    const lines = heard.get(event) ?? [];
    lines.push({ atMs: performance.now(), line });
    if (lines.length > maxHeard) lines.shift();
    heard.set(event, lines);
    if (line['level'] === 'error' || line['level'] === 'fatal' || line['level'] === 60) {
      words = [...words, text.slice(0, 500)].slice(-keptWords);
    }
  };

  const onEnd = (end: End): void => {
    if (!isWanted) return;
    options.onUnaskedEnd({ ...end, name, atMs: performance.now(), words: words.slice(-3).join(' | ') });
    setTimeout(() => {
      if (isWanted && !isUp()) start();
    }, restartAfterMs);
  };

  const isUp = (): boolean => child !== null && child.exitCode === null && child.signalCode === null;

  const start = (): void => {
    if (isUp() || !options.mayStart()) return;
    isWanted = true;
    starts += 1;
    const life = starts;
    words = [];
    appendFileSync(file, `--- start ${life}\n`);
    notes.began(life);
    const begun = spawn(options.command, options.args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: options.env,
      detached: true,
    });
    child = begun;
    if (begun.pid !== undefined) options.onGroup(begun.pid);
    followOutput(begun, file, (text) => hear(life, text));
    ended = new Promise((resolve) => {
      begun.on('exit', (code, signal) => resolve({ code, signal }));
      begun.on('error', () => resolve({ code: 1, signal: null }));
    });
    void ended.then((end) => {
      notes.ended(life);
      onEnd(end);
    });
  };

  const signal = (which: NodeJS.Signals): void => {
    if (isUp()) child?.kill(which);
  };

  return {
    name,
    start,
    isUp,
    pid: () => child?.pid ?? 0,
    kill: async () => {
      isWanted = false;
      signal('SIGKILL');
      await ended;
    },
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    stop: async (patienceMs) => {
      isWanted = false;
      signal('SIGCONT');
      signal('SIGTERM');
      try {
        return await within(ended, patienceMs, () => `the end of ${name}`);
      } catch {
        signal('SIGKILL');
        await ended;
        return { code: null, signal: 'SIGKILL' };
      }
    },
    heard: (event) => heard.get(event) ?? [],
    hears: async (event, afterMs, limitMs) => {
      const deadlineMs = performance.now() + limitMs;
      for (;;) {
        const found = heard.get(event)?.find(({ atMs }) => atMs > afterMs);
        if (found !== undefined) return found.line;
        if (performance.now() > deadlineMs)
          throw new Error(
            `${name} did not say ${event} within ${limitMs} ms; ${words.slice(-3).join(' | ')}`,
          );
        await pause(pollMs);
      }
    },
    starts: () => starts,
    journal: notes.journal,
    resources: () => (isUp() ? resourcesOf(name, child?.pid ?? 0) : null),
  };
};
