import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as Schema from 'effect/Schema';
import { afterEach, describe, expect, it } from 'vitest';

import { type Demo, startDemo } from '#test/support/systemDemo.ts';
import { readEvidenceOf } from '#test/support/systemEvidence.ts';

/**
 * `node dist/cli.js demo --commit-reveal` as a user runs it; the plain demo takes the same way with fewer steps. A fault
 * that must not come back: a signal while the demo was still starting killed it alone and left its processes and its
 * folder behind.
 */

/** Up to four epochs of 20 s, the first one under way, and the start; half as much again on a busy machine. */
const runLimitMs = 150_000;
const endLimitMs = 20_000;
const demos: Demo[] = [];

const start = async (...more: readonly string[]): Promise<Demo> => {
  const demo = await startDemo(['--commit-reveal', '--json', '--epochs', '1', ...more]);
  demos.push(demo);
  return demo;
};

/** Nothing of a demo may be left: no process, and nothing in the folder for temporary files. */
const nothing = { processes: [], files: [] };

const Event = { hotkey: Schema.String, epoch: Schema.Int, block: Schema.Int };
const Numbers = Schema.Array(Schema.Int);
const Share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }));
const Result = Schema.Struct({
  epochs: Schema.Int,
  commitReveal: Schema.Boolean,
  block: Schema.Int,
  weightsSet: Schema.Array(
    Schema.Struct({ epoch: Schema.Int, block: Schema.Int, uids: Numbers, values: Numbers }),
  ),
  commits: Schema.Array(Schema.Struct({ ...Event, revealRound: Schema.Int })),
  reveals: Schema.Array(Schema.Struct(Event)),
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
  summary: Schema.String,
  seconds: Schema.Finite,
});

/** Secrets of the validator's evidence that stand in a log of any process: keys, truths, and what was asked. */
const secretsLogged = async (dir: string): Promise<readonly string[]> => {
  const logs = readdirSync(join(dir, 'logs')).map((name) => readFileSync(join(dir, 'logs', name), 'utf8'));
  expect(logs.join('').length).toBeGreaterThan(10_000);
  const plans = (await readEvidenceOf(join(dir, 'validator'))).of('round.planned');
  expect(plans.length).toBeGreaterThan(3);
  const secrets = plans.flatMap(({ requestKey = '', tasks }) => [
    requestKey,
    ...tasks.flatMap(({ request, truth }) => [JSON.stringify(request), JSON.stringify(truth)]),
  ]);
  const forms = secrets
    .filter((secret) => secret !== '')
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)]);
  const found = new Set(forms.filter((form) => logs.some((log) => log.includes(form))));
  return [...found];
};

const readResult = (demo: Demo): typeof Result.Type =>
  Schema.decodeUnknownSync(Result, { onExcessProperty: 'error' })(JSON.parse(demo.out.at(-1) ?? 'null'));

afterEach(async () => {
  for (const demo of demos.splice(0)) await demo.dispose();
});

describe('scenario / demo', () => {
  it('commits, reveals and rewards weights, says who earned what as one JSON object, and logs no secret', async () => {
    const demo = await start('--keep');
    const end = await demo.endWithin(runLimitMs);
    expect(end, demo.tail()).toEqual({ code: 0, signal: null });
    const result = readResult(demo);
    expect(result).toMatchObject({
      epochs: 1,
      commitReveal: true,
      summary: 'the weights of 1 epoch were committed, revealed by the chain and rewarded',
    });
    expect([result.commits.length, result.reveals.length, result.weightsSet.length]).toEqual([1, 1, 1]);
    const [commit] = result.commits;
    const [reveal] = result.reveals;
    const [set] = result.weightsSet;
    expect(reveal).toMatchObject({ hotkey: commit?.hotkey, epoch: commit?.epoch });
    expect(set).toMatchObject({ epoch: commit?.epoch, block: reveal?.block });
    expect(reveal?.block).toBeGreaterThan(commit?.block ?? Number.POSITIVE_INFINITY);
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
    for (const { emission } of result.miners.slice(0, 2)) expect(emission).toBeGreaterThan(0);
    const [first, second, slow, nonsense] = result.miners.map(({ incentive }) => incentive);
    expect(Math.min(first ?? 0, second ?? 0)).toBeGreaterThan(Math.max(slow ?? 1, nonsense ?? 1));
    expect(result.miners[2]?.medianMs).toBeGreaterThan(900);
    const said = demo.said.join('\n');
    expect(said).toMatch(/weights of epoch \d+ committed, opened by round \d+/);
    expect(said).toMatch(/weights of epoch \d+ revealed by the chain, as they were meant/);
    expect(demo.pids.size).toBeGreaterThanOrEqual(1 + 1 + 4 + 1);
    expect(demo.leftovers()).toMatchObject({
      processes: [],
      files: [expect.stringMatching(/^miaoai-demo-/)],
    });
    const dir = demo.said.map((line) => /^kept: (.+)$/.exec(line)?.[1]).find(Boolean) ?? 'nowhere';
    expect(await secretsLogged(dir)).toEqual([]);
  }, 180_000);

  it.each([
    ['while its processes are starting', /chain: a block every/],
    ['while rounds are held', /answers judged/],
  ])('ends in time and leaves nothing behind when interrupted %s', async (_when, moment) => {
    const demo = await start();
    await demo.saw(moment, runLimitMs);
    // In the first case the chain has only just said that it is there, and the miners are about to start.
    demo.child.kill('SIGINT');
    const end = await demo.endWithin(endLimitMs);
    expect(end, demo.tail()).toEqual({ code: 1, signal: null });
    expect(demo.said.join('\n')).toContain('stopped by SIGINT');
    expect(demo.out).toEqual([]);
    expect(demo.leftovers()).toEqual(nothing);
  });
});
