import { describe, expect, it } from 'vitest';

import { drawMiners, latencyModel } from '#test/support/benchLoad.ts';
import { runRoundBench } from '#test/support/benchRound.ts';

/** Real processes, sockets and store; only relations are asserted, because a shared machine has no absolute times. */
describe('bench / round', () => {
  it('draws the same miners from the same seed, and others from another', () => {
    const draw = (seed: string) => drawMiners({ seed, miners: 256, deadShare: 0.1 });
    expect(draw('a')).toEqual(draw('a'));
    expect(draw('a')).not.toEqual(draw('b'));
  });

  it('draws latencies around the median of the model, within its clamp', () => {
    const latencies = drawMiners({ seed: 'many', miners: 4_000, deadShare: 0 }).map(
      ({ latencyMs }) => latencyMs ?? Number.NaN,
    );
    const sorted = latencies.toSorted((a, b) => a - b);
    expect(sorted[2_000]).toBeGreaterThan(latencyModel.medianMs * 0.95);
    expect(sorted[2_000]).toBeLessThan(latencyModel.medianMs * 1.05);
    expect(sorted.at(0)).toBeGreaterThanOrEqual(latencyModel.minMs);
    expect(sorted.at(-1)).toBeLessThanOrEqual(latencyModel.maxMs);
  });

  it('times a round of a small population against the same load one by one', async () => {
    const result = await runRoundBench({
      // Of this seed the slowest miner answers after 239 ms, long before the deadline.
      seed: 'smoke 5',
      miners: 16,
      deadShare: 0.1,
      deadlineMs: 1_000,
      tasks: 2,
      warmUps: 0,
      rounds: 1,
      processes: 1,
      sample: { answering: 2, dead: 1 },
      onProgress: () => undefined,
    });
    expect(result).toMatchObject({
      miners: 16,
      dead: 2,
      deadlineSeconds: 1,
      seed: 'smoke 5',
      tasksPerMiner: 2,
    });
    expect(result.rounds).toHaveLength(1);
    expect(result.rounds[0]?.answers).toBe(28);
    expect(result.fanoutSeconds).toBeGreaterThanOrEqual(1);
    expect(result.ratio).toBeCloseTo(result.sequentialSeconds / result.fanoutSeconds, 1);
    expect(result.ratioOverBound).toBeCloseTo(result.deadlineSeconds / result.fanoutSeconds, 2);
    // Two dead miners alone cost two timeouts one by one.
    expect(result.sequentialSeconds).toBeGreaterThan(2);
    expect(result.addedLatencyMs.p50).toBeGreaterThan(0);
    expect(result.addedLatencyMs.p99).toBeGreaterThanOrEqual(result.addedLatencyMs.p50);
    expect(result.sequentialMethod).toContain('2 of 14 answering and 1 of 2 dead');
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  });
});
