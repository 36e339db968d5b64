import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Whether this machine can run the tests that need a server; Debian: apt-get install redis-server redis-sentinel. */
export const hasRedis: boolean = spawnSync('redis-server', ['--version']).status === 0;

export const missingRedis = 'redis-server is not installed: apt-get install redis-server redis-sentinel';

const startPatienceMs = 10_000;
const pollMs = 20;
/** Ports whose bus port (+10,000) stays below the ephemeral ones. */
const firstPort = 12_000;
const portRange = 10_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

/** A port that is free together with the one 10,000 above, which a cluster node takes as well. */
export const freeRedisPort = async (): Promise<number> => {
  for (;;) {
    const port = firstPort + Math.floor(Math.random() * portRange);
    if ((await isFree(port)) && (await isFree(port + 10_000))) return port;
  }
};

/** Runs redis-cli and answers what it prints; rejects where it fails. */
export const redisCli = (args: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    execFile('redis-cli', ['--no-auth-warning', ...args], (error, stdout, stderr) => {
      if (error === null) resolve(stdout.trim());
      else reject(new Error(`redis-cli ${args.join(' ')}: ${stderr}${stdout}`));
    });
  });

export type RedisServerOptions = {
  readonly port?: number;
  readonly appendOnly?: boolean;
  /** Lines of the configuration beside port, folder and appendonly. */
  readonly config?: readonly string[];
  /** How redis-cli reaches it; by its port unless given. */
  readonly cliArgs?: readonly string[];
  readonly program?: 'redis-server' | 'redis-sentinel';
};

export type RedisServer = {
  readonly port: number;
  readonly url: string;
  readonly dir: string;
  readonly cli: (...args: readonly string[]) => Promise<string>;
  /** Dies at once, as with a power cut of its own. */
  readonly kill: () => Promise<void>;
  /** Starts it again in the same folder after it was killed. */
  readonly start: (options?: { readonly isAwaited?: boolean }) => Promise<void>;
  /** Stops it from answering without closing anything; `resume` lets it go on. */
  readonly freeze: () => void;
  readonly resume: () => void;
  /** Ends it and removes its folder. */
  readonly stop: () => Promise<void>;
};

const configOf = (port: number, dir: string, options: RedisServerOptions): string =>
  [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${dir}`,
    ...(options.program === 'redis-sentinel'
      ? []
      : [`appendonly ${options.appendOnly === false ? 'no' : 'yes'}`, 'save ""', 'enable-debug-command yes']),
    ...(options.config ?? []),
    '',
  ].join('\n');

/** Starts a server of its own in a fresh folder and waits until it answers. */
export const startRedisServer = async (options: RedisServerOptions = {}): Promise<RedisServer> => {
  const port = options.port ?? (await freeRedisPort());
  const dir = mkdtempSync(join(tmpdir(), 'miaoai-redis-'));
  const program = options.program ?? 'redis-server';
  const file = join(dir, 'redis.conf');
  writeFileSync(file, configOf(port, dir, options));
  const cliArgs = options.cliArgs ?? ['-p', String(port)];
  const cli = (...args: readonly string[]) => redisCli([...cliArgs, ...args]);
  let child: ChildProcess | null = null;

  const answers = async (): Promise<boolean> => {
    try {
      return (await cli('PING')) === 'PONG';
    } catch {
      return false;
    }
  };
  const start = async ({ isAwaited = true } = {}): Promise<void> => {
    child = spawn(program, [file], { stdio: 'ignore' });
    const deadlineMs = Date.now() + startPatienceMs;
    while (isAwaited && !(await answers())) {
      if (Date.now() > deadlineMs || child.exitCode !== null)
        throw new Error(`${program} on port ${port} did not come up`);
      await pause(pollMs);
    }
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const ending = child;
    child = null;
    if (ending === null || ending.exitCode !== null || ending.signalCode !== null) return;
    const ended = once(ending, 'exit');
    ending.kill('SIGCONT');
    ending.kill(signal);
    await ended;
  };
  try {
    await start();
  } catch (cause) {
    await end('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
    throw cause;
  }
  return {
    port,
    dir,
    url: `redis://127.0.0.1:${port}`,
    cli,
    start,
    kill: () => end('SIGKILL'),
    freeze: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    stop: async () => {
      await end('SIGKILL');
      rmSync(dir, { recursive: true, force: true });
    },
  };
};
