/** The measurements of the chain benchmark; every figure of one run is taken in that run. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import * as Effect from 'effect/Effect';
import { Chain } from '#src/chain/client.ts';
import { identityFromUri, keysReady } from '#src/keys/identity.ts';
import type { PeerReport } from '#test/support/benchChainPeer.ts';
import { benchGenesis, NETUID, NEURONS } from '#test/support/benchChainSubnet.ts';

const repository = new URL('../..', import.meta.url).pathname;
const patienceMs = 60_000;

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
};
export const round = (value: number, digits = 1): number => Number(value.toFixed(digits));

export type BenchNode = { readonly url: string; readonly stop: () => Promise<void> };

/** Ends whatever a run has started, however it ends. */
const children = new Set<ReturnType<typeof spawn>>();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

type Line = { readonly event?: string; readonly [field: string]: unknown };
const start = (args: readonly string[], onLine: (line: Line) => void) => {
  const child = spawn(process.execPath, args, { cwd: repository, stdio: ['ignore', 'pipe', 'inherit'] });
  children.add(child);
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      children.delete(child);
      resolve();
    });
  });
  createInterface({ input: child.stdout }).on('line', (text) => {
    if (text.startsWith('{')) onLine(JSON.parse(text));
  });
  return { child, ended };
};

const within = async <A>(promise: Promise<A>, what: string): Promise<A> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${patienceMs} ms`)), patienceMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
};

/** The built embedded chain in a process of its own, with the subnet of the benchmark. */
export const startNode = async (dir: string, blockTimeMs: number): Promise<BenchNode> => {
  const file = join(dir, 'genesis.json');
  writeFileSync(file, JSON.stringify(benchGenesis(blockTimeMs)));
  let listening: (url: string) => void = () => {};
  const url = new Promise<string>((resolve) => {
    listening = resolve;
  });
  const { child, ended } = start(['dist/cli.js', 'devnet', '--genesis', file, '--port', '0'], (line) => {
    if (line.event === 'devnet.listening') listening(String(line['url']));
  });
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
  };
  return { url: await within(url, 'starting the chain'), stop };
};

/** One client in a process of its own. */
export const measurePeer = (which: 'miaoai' | 'polkadot', url: string, reads: number): PeerReport => {
  const script = join(repository, 'test/support/benchChainPeer.ts');
  const args = ['--disable-warning=ExperimentalWarning', script, which, url, String(reads)];
  const { stdout, stderr, status } = spawnSync(process.execPath, args, {
    cwd: repository,
    encoding: 'utf8',
    timeout: patienceMs,
  });
  if (status !== 0) throw new Error(`the client ${which} failed: ${stderr.slice(-500)}`);
  const report: PeerReport = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  if (report.neurons !== NEURONS) throw new Error(`${which} read ${report.neurons} neurons, not ${NEURONS}`);
  return report;
};

const timesOf = async (count: number, run: (index: number) => Promise<unknown>): Promise<number> => {
  const startedMs = performance.now();
  for (let index = 0; index < count; index += 1) await run(index);
  return performance.now() - startedMs;
};

export type Signing = {
  /** `set_mechanism_weights` of 256 uids: encoded, signed and ready to be sent, reads of nonce and block included. */
  readonly perSecond: number;
  /** Bare sr25519 signatures of the same payload length in the same process: the ceiling. */
  readonly signaturesPerSecond: number;
  readonly ratio: number;
};

/** Plain weights, built and signed one after the other. */
export const measureSigning = async (url: string, count: number): Promise<Signing> => {
  await keysReady();
  const outcome = identityFromUri('//Alice');
  if (!outcome.ok) throw new Error(outcome.error.message);
  const identity = outcome.value;
  const uids = Array.from({ length: NEURONS }, (_, uid) => uid);
  const values = uids.map((uid) => 65_535 - uid);
  const measuring = Effect.gen(function* () {
    const chain = yield* Chain;
    const connection = yield* chain.connect({
      endpoint: url,
      netuid: NETUID,
      connectMs: 10_000,
      callMs: 10_000,
    });
    const head = yield* connection.finalizedHead();
    const facts = yield* connection.readSubmissionFacts({ head, hotkey: identity.hotkey });
    const prepare = connection.prepareWeights({
      identity,
      facts,
      vector: { uids, values },
      versionKey: 0,
      head,
      periodBlocks: 64,
    });
    yield* prepare;
    return yield* Effect.promise(() => timesOf(count, () => Effect.runPromise(prepare)));
  });
  const elapsedMs = await Effect.runPromise(Effect.scoped(measuring).pipe(Effect.provide(Chain.layer)));
  const payload = new Uint8Array(32).fill(7);
  const bareMs = await timesOf(count, async () => identity.sign(payload));
  const perSecond = (count / elapsedMs) * 1_000;
  const signaturesPerSecond = (count / bareMs) * 1_000;
  return {
    perSecond: round(perSecond),
    signaturesPerSecond: round(signaturesPerSecond),
    ratio: round(perSecond / signaturesPerSecond, 3),
  };
};

export type DaemonStart = {
  /** From the start of the process to the line `daemon.started`. */
  readonly startedMs: number;
  /** To the metagraph that lets it dial miners and hold rounds. */
  readonly readyMs: number;
  /** Resident memory at that moment, its worker threads included; 0 where /proc does not tell. */
  readonly rssMiB: number;
};

const residentMiB = (pid: number | undefined): number => {
  try {
    const [, kib = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return round(Number(kib) / 1_024, 0);
  } catch {
    return 0;
  }
};

/** The built validator, from spawn to its first epoch actor. */
export const measureDaemon = async (url: string): Promise<DaemonStart> => {
  const dir = mkdtempSync(join(tmpdir(), 'miaoai-bench-'));
  const spawnedMs = performance.now();
  let startedMs = 0;
  let isReady: (ms: number) => void = () => {};
  const ready = new Promise<number>((resolve) => {
    isReady = resolve;
  });
  const { child, ended } = start(
    [
      ...['dist/validator.js', '--chain-endpoints', url, '--network', 'local', '--netuid', String(NETUID)],
      ...['--hotkey-uri', '//Alice', '--data-dir', dir, '--log-format', 'json', '--log-level', 'debug'],
    ],
    (line) => {
      if (line.event === 'daemon.started') startedMs = performance.now() - spawnedMs;
      if (line.event === 'machine.moved' && line['actor'] === 'epoch') isReady(performance.now() - spawnedMs);
    },
  );
  try {
    const readyMs = await within(ready, 'the validator');
    return { startedMs: round(startedMs, 0), readyMs: round(readyMs, 0), rssMiB: residentMiB(child.pid) };
  } finally {
    child.kill('SIGTERM');
    await ended;
    rmSync(dir, { recursive: true, force: true });
  }
};
