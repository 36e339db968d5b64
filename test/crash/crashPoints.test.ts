import { beforeAll, describe, expect, it } from 'vitest';

import { usedOperations } from '#test/support/crashCoverage.ts';
import { type CrashReport, type ListedPoint, walkCrashPoints } from '#test/support/crashWalk.ts';

/** Two of nearly forty, at a time; `npm run test:crash` lists them and walks them all. */
const points: readonly ListedPoint[] = [
  { point: 'append/answer.judged/after', phase: 'later' },
  { point: 'saveSnapshot/weights.intent/after', phase: 'later' },
];

let report: CrashReport;

beforeAll(async () => {
  report = await walkCrashPoints({
    lanes: points.length,
    validatorArgs: () => [],
    points,
    choose: (all) => all,
    onProgress: () => {},
  });
}, 180_000);

describe('crash / points', () => {
  it.each(points)('survives a crash at $point', ({ point }) => {
    const crash = report.crashes.find((one) => one.point === point);
    expect(crash?.problems).toEqual([]);
  });

  it('knows which operations of the store a validator writes with', () => {
    expect(usedOperations()).toEqual([
      'append',
      'saveSnapshot',
      'addTo',
      'dropRecords',
      'takeLease',
      'renewLease',
      'releaseLease',
    ]);
  });
});
