import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { freshDist, repository } from './systemBuild.ts';
import { descendantsOf, type End, runningOf, until, within } from './systemProcess.ts';

/** `node dist/cli.js demo` as a user runs it. */
export type Demo = {
  readonly child: ChildProcess;
  /** Lines so far. */
  readonly out: readonly string[];
  readonly said: readonly string[];
  /** Its own pid and every one below it that was ever seen. */
  readonly pids: ReadonlySet<number>;
  readonly saw: (pattern: RegExp, limitMs: number) => Promise<void>;
  readonly endWithin: (limitMs: number) => Promise<End>;
  /** Processes that still run, and entries of its folder for temporary files. */
  readonly leftovers: () => { readonly processes: readonly number[]; readonly files: readonly string[] };
  /** Its last words, for the message of a failure. */
  readonly tail: () => string;
  readonly dispose: () => Promise<void>;
};

/** A daemon lives at least several times as long. */
const lookMs = 100;

export const startDemo = async (args: readonly string[]): Promise<Demo> => {
  const dist = await freshDist();
  const temp = mkdtempSync(join(tmpdir(), 'miaoai-demo-test-'));
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, [join(dist, 'cli.js'), 'demo', ...args], {
    cwd: repository,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH, HOME, TMPDIR: temp },
  });
  const out: string[] = [];
  const said: string[] = [];
  const pids = new Set<number>();
  const look = (): void => {
    for (const pid of [child.pid ?? 0, ...descendantsOf(child.pid ?? 0)]) pids.add(pid);
  };
  createInterface({ input: child.stdout }).on('line', (line) => out.push(line));
  createInterface({ input: child.stderr }).on('line', (line) => said.push(line));
  // Only while a process lives is it known whose child it is.
  const looking = setInterval(look, lookMs);
  const ended = new Promise<End>((resolve) => {
    child.on('close', (code, signal) => {
      clearInterval(looking);
      resolve({ code, signal });
    });
  });
  const tail = (): string => `\n--- demo\n${said.slice(-30).join('\n')}`;
  return {
    child,
    out,
    said,
    pids,
    tail,
    saw: (pattern, limitMs) =>
      until(
        () => said.some((line) => pattern.test(line)),
        limitMs,
        () => `${pattern}${tail()}`,
      ),
    endWithin: (limitMs) => within(ended, limitMs, () => `the end of the demo${tail()}`),
    leftovers: () => ({ processes: runningOf([...pids]), files: readdirSync(temp) }),
    dispose: async () => {
      for (const pid of runningOf([...pids])) process.kill(pid, 'SIGKILL');
      await ended;
      rmSync(temp, { recursive: true, force: true });
    },
  };
};
