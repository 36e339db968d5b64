import { spawn } from 'node:child_process';
import { join } from 'node:path';

import { compileCacheEnv } from '#test/support/compileCache.ts';
import { freshDist } from '#test/support/systemBuild.ts';

/** `node dist/cli.js` as a user starts it, without a terminal. */

export type CliEnd = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

const dist = await freshDist();

type Place = { readonly home: string; readonly env?: Record<string, string> };

/** Starts it; whoever does so listens to it as well. */
export const spawnCli = (args: readonly string[], { home, env = {} }: Place) =>
  spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join(dist, 'cli.js'), ...args], {
    cwd: home,
    env: { PATH: process.env['PATH'] ?? '', HOME: home, ...compileCacheEnv, ...env },
    stdio: 'pipe',
  });

/**
 * @param options.home working directory and home, so that no wallet and no `.env` of this machine is found
 * @param options.interruptOn text on standard error at which the user presses Ctrl-C
 * @param options.input standard input; closed at once when not given
 */
export const runCli = (
  args: readonly string[],
  options: Place & { readonly input?: string; readonly interruptOn?: string },
): Promise<CliEnd> =>
  new Promise((resolve, reject) => {
    const { home, input = '', env = {}, interruptOn } = options;
    const child = spawnCli(args, { home, env });
    const said = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk) => {
      said.stdout += String(chunk);
    });
    child.stderr.on('data', (chunk) => {
      said.stderr += String(chunk);
      if (interruptOn !== undefined && said.stderr.includes(interruptOn)) child.kill('SIGINT');
    });
    // A command that does not read its input may be gone before all of it is written.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, ...said }));
  });
