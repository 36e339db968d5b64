import { describe, expect, it } from 'vitest';

import { isSampled, traceIdsOf } from '#src/actors/tracing/traceIds.ts';

const ids = Array.from({ length: 4_000 }, (_, index) => traceIdsOf(`request ${index}`));

describe('actors / tracing / traceIds', () => {
  it('follow from the request alone, and differ from request to request', () => {
    expect(traceIdsOf('request 0')).toEqual(ids[0]);
    expect(ids[0]?.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(ids[0]?.taskSpanId).toMatch(/^[0-9a-f]{16}$/);
    expect(new Set(ids.map(({ traceId }) => traceId)).size).toBe(ids.length);
    expect(new Set(ids.flatMap((it) => [it.taskSpanId, it.askSpanId])).size).toBe(2 * ids.length);
  });

  it('are sampled in the share that is asked for', () => {
    for (const ratio of [0.01, 0.25, 0.9]) {
      const kept = ids.filter(({ traceId }) => isSampled(traceId, ratio)).length / ids.length;
      // Five standard deviations of a binomial share.
      expect(Math.abs(kept - ratio)).toBeLessThan(5 * Math.sqrt((ratio * (1 - ratio)) / ids.length));
    }
    expect(ids.every(({ traceId }) => isSampled(traceId, 1))).toBe(true);
    expect(ids.some(({ traceId }) => isSampled(traceId, 0))).toBe(false);
  });

  it('are kept by a higher ratio where a lower one keeps them', () => {
    const few = ids.filter(({ traceId }) => isSampled(traceId, 0.1));
    expect(few.length).toBeGreaterThan(0);
    expect(few.every(({ traceId }) => isSampled(traceId, 0.5))).toBe(true);
  });
});
