import * as Schema from 'effect/Schema';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Demo, startDemo } from '#test/support/systemDemo.ts';

/** A user runs the demo with commit-reveal on and reads its last line. */

/** Three epochs of 15 s at most, and the start; three times that on a busy machine. */
const runLimitMs = 150_000;

const Event = { hotkey: Schema.String, epoch: Schema.Int, block: Schema.Int };
const Numbers = Schema.Array(Schema.Int);
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
      behaviour: Schema.String,
      weight: Schema.Finite,
      incentive: Schema.Finite,
      emission: Schema.Finite,
    }),
  ),
  summary: Schema.String,
});

let demo: Demo;

beforeAll(async () => {
  demo = await startDemo(['--commit-reveal', '--json', '--epochs', '1']);
});

afterAll(() => demo?.dispose());

describe('scenario / the demo with commit-reveal', () => {
  it('ends well, and its last line says that weights were committed, revealed and rewarded', async () => {
    expect(await demo.endWithin(runLimitMs), demo.tail()).toEqual({ code: 0, signal: null });
    const result = Schema.decodeUnknownSync(Result)(JSON.parse(demo.out.at(-1) ?? 'null'));
    expect(result).toMatchObject({
      epochs: 1,
      commitReveal: true,
      summary: 'the weights of 1 epoch were committed, revealed by the chain and rewarded',
    });
    const [commit] = result.commits;
    const [reveal] = result.reveals;
    const [set] = result.weightsSet;
    expect([result.commits.length, result.reveals.length, result.weightsSet.length]).toEqual([1, 1, 1]);
    expect(reveal).toMatchObject({ hotkey: commit?.hotkey, epoch: commit?.epoch });
    expect(set).toMatchObject({ epoch: commit?.epoch, block: reveal?.block });
    expect(reveal?.block).toBeGreaterThan(commit?.block ?? Number.POSITIVE_INFINITY);
    const honest = result.miners.filter(({ behaviour }) => behaviour === 'honest');
    expect(honest).toHaveLength(2);
    for (const { weight, incentive, emission } of honest) {
      expect(weight).toBeGreaterThan(0.25);
      expect(incentive).toBeGreaterThan(0.25);
      expect(emission).toBeGreaterThan(0);
    }
  }, 180_000);

  it('tells each step while it runs, and leaves nothing behind', () => {
    const said = demo.said.join('\n');
    expect(said).toMatch(/weights of epoch \d+ committed, opened by round \d+/);
    expect(said).toMatch(/weights of epoch \d+ revealed by the chain, as they were meant/);
    expect(demo.leftovers()).toEqual({ processes: [], files: [] });
  });
});
