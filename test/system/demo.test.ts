import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import * as Schema from 'effect/Schema';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';

import { freshDist, repository } from '#test/support/systemBuild.ts';
import { descendantsOf, type End, runningOf, until, within } from '#test/support/systemProcess.ts';

/**
 * `node dist/cli.js demo` as a user runs it. A fault that must not come back: a signal while the demo was still
 * starting killed it alone and left its processes and its folder behind.
 */

/** One epoch of 20 s, up to another one of waiting for its begin, and the start; twice that on a busy machine. */
const runLimitMs = 150_000;
const endLimitMs = 20_000;
/** A daemon lives at least several times as long. */
const lookMs = 100;

type Demo = {
  readonly child: ChildProcess;
  readonly temp: string;
  /** Lines so far. */
  readonly out: readonly string[];
  readonly said: readonly string[];
  readonly ended: Promise<End>;
  /** Its own pid and every one below it that was ever seen. */
  readonly pids: ReadonlySet<number>;
};

let dist = '';
const demos: Demo[] = [];

const startDemo = (args: readonly string[]): Demo => {
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
  const demo = { child, temp, out, said, ended, pids };
  demos.push(demo);
  return demo;
};

const tailOf = (demo: Demo): string => `\n--- demo\n${demo.said.slice(-30).join('\n')}`;

const saw = (demo: Demo, pattern: RegExp, limitMs: number): Promise<void> =>
  until(
    () => demo.said.some((line) => pattern.test(line)),
    limitMs,
    () => `${pattern}${tailOf(demo)}`,
  );

const endOf = (demo: Demo, limitMs: number): Promise<End> =>
  within(demo.ended, limitMs, () => `the end of the demo${tailOf(demo)}`);

/** Nothing of a demo may be left: no process, and nothing in the folder for temporary files. */
const expectNothingLeft = (demo: Demo): void => {
  expect(runningOf([...demo.pids])).toEqual([]);
  expect(readdirSync(demo.temp)).toEqual([]);
};

const Numbers = Schema.Array(Schema.Int);
const Share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }));
const Result = Schema.Struct({
  epochs: Schema.Int,
  block: Schema.Int,
  weightsSet: Schema.Array(
    Schema.Struct({ epoch: Schema.Int, block: Schema.Int, uids: Numbers, values: Numbers }),
  ),
  miners: Schema.Array(
    Schema.Struct({
      uid: Schema.Int,
      behaviour: Schema.Literals(['honest', 'slow', 'nonsense']),
      tasks: Schema.Int,
      accuracy: Share,
      medianMs: Schema.Finite,
      trust: Share,
      weight: Share,
      incentive: Share,
      emission: Schema.Finite,
    }),
  ),
  seconds: Schema.Finite,
});

const readResult = (demo: Demo): typeof Result.Type =>
  Schema.decodeUnknownSync(Result, { onExcessProperty: 'error' })(JSON.parse(demo.out.at(-1) ?? 'null'));

beforeAll(async () => {
  dist = await freshDist();
});

afterEach(async () => {
  for (const demo of demos.splice(0)) {
    for (const pid of runningOf([...demo.pids])) process.kill(pid, 'SIGKILL');
    await demo.ended;
    rmSync(demo.temp, { recursive: true, force: true });
  }
});

describe('system / demo', () => {
  it('prints who earned what as one JSON object and leaves nothing behind', async () => {
    const demo = startDemo(['--json', '--epochs', '1']);
    const end = await endOf(demo, runLimitMs);
    expect(end, tailOf(demo)).toEqual({ code: 0, signal: null });
    const result = readResult(demo);
    expect(result.epochs).toBe(1);
    expect(result.weightsSet).toHaveLength(1);
    const [set] = result.weightsSet;
    expect(set?.uids.length).toBe(set?.values.length);
    expect(Math.max(...(set?.values ?? []))).toBe(65_535);
    expect(set?.block).toBeLessThanOrEqual(result.block);
    expect(result.miners.map(({ uid, behaviour }) => `${uid} ${behaviour}`)).toEqual([
      '1 honest',
      '2 honest',
      '3 slow',
      '4 nonsense',
    ]);
    for (const miner of result.miners) expect(miner.tasks, `uid ${miner.uid}`).toBeGreaterThan(30);
    const [first, second, slow, nonsense] = result.miners.map(({ incentive }) => incentive);
    expect(Math.min(first ?? 0, second ?? 0)).toBeGreaterThan(Math.max(slow ?? 1, nonsense ?? 1));
    expect(result.miners[2]?.medianMs).toBeGreaterThan(900);
    expect(demo.pids.size).toBeGreaterThanOrEqual(1 + 1 + 4 + 1);
    expectNothingLeft(demo);
  }, 180_000);

  it.each([
    ['while its processes are starting', /chain: a block every/],
    ['while rounds are held', /answers judged/],
  ])('ends in time and leaves nothing behind when interrupted %s', async (_when, moment) => {
    const demo = startDemo(['--json', '--epochs', '1']);
    await saw(demo, moment, runLimitMs);
    // In the first case the chain has only just said that it is there, and the miners are about to start.
    demo.child.kill('SIGINT');
    const end = await endOf(demo, endLimitMs);
    expect(end, tailOf(demo)).toEqual({ code: 1, signal: null });
    expect(demo.said.join('\n')).toContain('stopped by SIGINT');
    expect(demo.out).toEqual([]);
    expectNothingLeft(demo);
  });
});
