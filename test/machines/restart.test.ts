import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { mayRestart, type RestartHistory, recordRestart } from '#src/machines/restart.ts';

const limit = { restarts: 3, withinMs: 1_000 };

/** Restarts whenever the limit allows, at each of the given times. */
const restartsAt = (times: readonly number[]): readonly number[] => {
  let history: RestartHistory = [];
  const restarted: number[] = [];
  for (const at of times) {
    if (!mayRestart(history, at, limit)) continue;
    history = recordRestart(history, at, limit);
    restarted.push(at);
  }
  return restarted;
};

const ascending = fc.array(fc.nat(5_000), { maxLength: 60 }).map((times) => times.toSorted((a, b) => a - b));

describe('machines / restart', () => {
  it('allows the restarts of the limit and not one more', () => {
    expect(restartsAt([0, 1, 2, 3, 4])).toEqual([0, 1, 2]);
  });

  it('forgets a restart when the window has passed over it', () => {
    expect(restartsAt([0, 1, 2, 999, 1_000, 1_001, 1_002, 1_003])).toEqual([0, 1, 2, 1_000, 1_001, 1_002]);
  });

  it('never has more restarts in any window than the limit', () => {
    fc.assert(
      fc.property(ascending, (times) => {
        const restarted = restartsAt(times);
        return restarted.every(
          (from) =>
            restarted.filter((at) => at >= from && at < from + limit.withinMs).length <= limit.restarts,
        );
      }),
    );
  });

  it('always allows a restart that comes alone', () => {
    fc.assert(
      fc.property(ascending, fc.nat(1_000), (times, later) => {
        const last = times.at(-1) ?? 0;
        const history = times.reduce<RestartHistory>((past, at) => recordRestart(past, at, limit), []);
        return mayRestart(history, last + limit.withinMs + later, limit);
      }),
    );
  });

  it('keeps a bounded history', () => {
    const history = Array.from({ length: 1_000 }, (_, at) => at * 400).reduce<RestartHistory>(
      (past, at) => recordRestart(past, at, limit),
      [],
    );
    expect(history.length).toBeLessThanOrEqual(limit.restarts);
  });
});
