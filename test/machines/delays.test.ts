import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { backoffMs, delays } from '#src/machines/delays.ts';

/** Node fires a timer of 2^31 ms or more at once. */
const timerLimitMs = 2 ** 31;

const pauses = fc.record({
  attempt: fc.integer({ min: -1, max: 10_000 }),
  baseMs: fc.integer({ min: 1, max: 60_000 }),
  maxMs: fc.integer({ min: 1, max: 3_600_000 }),
  jitter: fc.double({ min: 0, max: 0.999_999, noNaN: true }),
});

describe('machines / delays', () => {
  it('is positive and far below what a timer can hold', () => {
    for (const [name, delayMs] of Object.entries(delays)) {
      expect(name).toMatch(/Ms$/);
      expect(delayMs, name).toBeGreaterThan(0);
      expect(delayMs, name).toBeLessThan(timerLimitMs / 100);
    }
  });

  it('never pauses longer than the maximum, however many attempts failed', () => {
    fc.assert(
      fc.property(pauses, (options) => {
        const pauseMs = backoffMs(options);
        return pauseMs > 0 && pauseMs <= options.maxMs && Number.isFinite(pauseMs);
      }),
    );
  });

  it('never pauses less after more attempts', () => {
    fc.assert(
      fc.property(pauses, (options) => {
        const next = backoffMs({ ...options, attempt: options.attempt + 1 });
        return next >= backoffMs(options);
      }),
    );
  });

  it('doubles from the base to the maximum', () => {
    const whole = [0, 1, 2, 3, 40].map((attempt) =>
      backoffMs({ attempt, baseMs: 500, maxMs: 3_000, jitter: 0 }),
    );
    expect(whole).toEqual([250, 500, 1_000, 1_500, 1_500]);
  });

  it('spreads over the upper half', () => {
    const at = (jitter: number) => backoffMs({ attempt: 0, baseMs: 1_000, maxMs: 60_000, jitter });
    expect([at(0), at(0.5), at(0.998)]).toEqual([500, 750, 999]);
  });
});
