import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { createInferenceGauge } from '#src/actors/views/inferenceGauge.ts';
import type { Timed } from '#src/actors/views/requestLog.ts';
import type { PoolStats } from '#src/inference/pool.ts';

/** A gauge over a pool that serves eight items in two runs each second, by a clock that a test may set. */
const gauging = () => {
  const clock = { ms: 10_000_000 };
  const stats = { queued: 0, runs: 0, served: 0, tokens: 0 };
  const answers: Timed[] = [];
  const gauge = createInferenceGauge({
    stats: () => stats as PoolStats,
    answeredSince: (at) => answers.filter((answer) => answer.at >= at),
    now: () => clock.ms,
  });
  const pass = (seconds: number): void => {
    for (let second = 0; second < seconds; second += 1) {
      clock.ms += 1_000;
      stats.runs += 2;
      stats.served += 8;
      vi.advanceTimersByTime(1_000);
    }
  };
  return { clock, answers, gauge, pass };
};

describe('actors/views / inferenceGauge', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('tells the rates of the last minute', () => {
    const { gauge, pass } = gauging();
    pass(300);
    expect(gauge.rates()).toMatchObject({ batchesPerSecond: 2, itemsPerSecond: 8, meanBatch: 4 });
    expect(gauge.history()).toHaveLength(120);
    gauge.close();
  });

  it('tells the rates again as soon as there are samples of the clock that was set back', () => {
    const { clock, answers, gauge, pass } = gauging();
    pass(60);
    answers.push({ at: clock.ms, ms: 900 });
    clock.ms -= 3_600_000;
    answers.push({ at: clock.ms + 2_500, ms: 5 });
    pass(3);
    expect(gauge.rates()).toEqual({
      batchesPerSecond: 2,
      itemsPerSecond: 8,
      tokensPerSecond: 0,
      meanBatch: 4,
      latencyMs: { p50: 5, p95: 5, p99: 5 },
    });
    expect(gauge.history().slice(-2)).toMatchObject([{ p95Ms: null }, { p95Ms: 5 }]);
    gauge.close();
  });
});
