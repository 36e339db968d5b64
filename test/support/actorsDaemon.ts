import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { compileCacheEnv } from '#test/support/compileCache.ts';
import { freshDist } from '#test/support/systemBuild.ts';

/** Daemons as child processes, as users start them: built and bundled. */

export type DaemonEnd = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

export type Daemon = {
  readonly pid: number;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Waits for a line of the log with this event, and whatever else is wanted of it. */
  readonly saw: (
    event: string,
    fits?: (line: Record<string, unknown>) => boolean,
  ) => Promise<Record<string, unknown>>;
  readonly signal: (signal: NodeJS.Signals) => void;
  readonly ended: Promise<DaemonEnd>;
  readonly isOver: () => boolean;
};

const dist = await freshDist();
const patienceMs = 30_000;

/** Lines that are no JSON (a stack trace) are nobody's event. */
const parsed = (line: string): Record<string, unknown> => {
  try {
    return JSON.parse(line);
  } catch {
    return {};
  }
};

const follow = (child: ChildProcess) => {
  const lines: Record<string, unknown>[] = [];
  const watchers = new Set<() => void>();
  const text = { stdout: '', stderr: '' };
  child.stderr?.on('data', (chunk) => {
    text.stderr += String(chunk);
  });
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      text.stdout += `${line}\n`;
      lines.push(parsed(line));
      for (const watcher of watchers) watcher();
    });
  }
  return { lines, watchers, text };
};

/**
 * Starts `node dist/<entry>` in a folder of its own, with nothing of this process's environment but the path.
 *
 * @param options.home working directory and home, so that no wallet and no `.env` of this machine is found
 */
export const startDaemon = (options: {
  readonly entry: 'validator.js' | 'miner.js';
  readonly args: readonly string[];
  readonly home: string;
  /** Ports are few where many daemons run: only a test that is about the page has one. */
  readonly hasPage?: boolean;
}): Daemon => {
  const { entry, args, home, hasPage = false } = options;
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(dist, entry), ...args, '--log-format', 'json'],
    {
      cwd: home,
      env: {
        PATH: process.env['PATH'],
        HOME: home,
        ...compileCacheEnv,
        ...(hasPage ? {} : { MIAOAI_DASHBOARD: 'off' }),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const { lines, watchers, text } = follow(child);
  let isOver = false;
  const ended = new Promise<DaemonEnd>((resolve) => {
    child.on('close', (code, signal) => {
      isOver = true;
      resolve({ code, signal });
      for (const watcher of watchers) watcher();
    });
  });
  const saw: Daemon['saw'] = (event, fits = () => true) =>
    new Promise((resolve, reject) => {
      const finish = (act: () => void): void => {
        watchers.delete(look);
        clearTimeout(timer);
        act();
      };
      const fail = (why: string): void =>
        finish(() => reject(new Error(`${why} ${event}\n${text.stdout.slice(-2_000)}\n${text.stderr}`)));
      const look = (): void => {
        const found = lines.find((line) => line['event'] === event && fits(line));
        if (found !== undefined) finish(() => resolve(found));
        else if (isOver) fail('it ended without');
      };
      const timer = setTimeout(() => fail(`${patienceMs} ms without`), patienceMs);
      watchers.add(look);
      look();
    });
  return {
    pid: child.pid ?? 0,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    saw,
    signal: (signal) => void child.kill(signal),
    ended,
    isOver: () => isOver,
  };
};

/** Runs a few lines of a module of the sources in a process of their own. */
export const runScript = (script: string): Promise<DaemonEnd & { readonly stderr: string }> => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: fileURLToPath(new URL('../../', import.meta.url)),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk);
  });
  return new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, stderr })));
};
