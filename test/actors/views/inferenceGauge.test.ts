import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { createInferenceGauge } from '#src/actors/views/inferenceGauge.ts';
import type { PoolStats } from '#src/inference/pool.ts';

/** A gauge over a pool that serves eight items in two runs each second, by a clock that a test may set. */
const gauging = () => {
  const clock = { ms: 10_000_000 };
  const stats = { queued: 0, runs: 0, served: 0, tokens: 0 };
  const gauge = createInferenceGauge({
    stats: () => stats as PoolStats,
    answeredSince: () => [],
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
  return { clock, gauge, pass };
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
    const { clock, gauge, pass } = gauging();
    pass(60);
    clock.ms -= 3_600_000;
    pass(3);
    expect(gauge.rates()).toMatchObject({ batchesPerSecond: 2, itemsPerSecond: 8, meanBatch: 4 });
    gauge.close();
  });
});
