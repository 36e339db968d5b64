import { beforeAll, describe, expect, it } from 'vitest';

import { uncoveredOperations, usedOperations } from '#test/support/crashCoverage.ts';
import { type CrashReport, walkCrashPoints } from '#test/support/crashWalk.ts';

/** One of each sort; `npm run test:crash` walks them all. */
const chosen = ['append/answer.judged/after', 'saveSnapshot/weights.intent/after'];

let report: CrashReport;
const said: string[] = [];

beforeAll(async () => {
  report = await walkCrashPoints({
    lanes: chosen.length,
    validatorArgs: () => [],
    choose: (points) => points.filter(({ point }) => chosen.includes(point)),
    onProgress: (line) => said.push(line),
  });
}, 240_000);

describe('crash / points', () => {
  it('finds a point at both sides of every kind of durable write of a validator', () => {
    expect(usedOperations().length).toBeGreaterThan(4);
    expect(uncoveredOperations(report.points.map(({ point }) => point))).toEqual([]);
  });

  it('comes back from a crash with sound evidence, nothing acknowledged lost, and weights once per epoch', () => {
    expect(report.crashes.map(({ point }) => point).toSorted()).toEqual(chosen.toSorted());
    for (const { point, problems } of report.crashes)
      expect(problems, `${point}\n${said.join('\n')}`).toEqual([]);
  });
});
