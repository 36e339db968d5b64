import { describe, expect, it } from 'vitest';

import { createPauseWatch } from '#src/actors/pauses.ts';

/** Clocks moved by hand. */
const clocks = () => {
  const at = { atMs: 10_000, uptimeMs: 500_000 };
  const watch = createPauseWatch({ atMs: () => at.atMs, uptimeMs: () => at.uptimeMs });
  const pass = (ms: number, suspendedMs = 0): void => {
    at.atMs += ms;
    at.uptimeMs += ms + suspendedMs;
  };
  return { at, watch, pass };
};

describe('actors / pauses', () => {
  it('knows none while the process runs, also under some load', () => {
    const { watch, pass } = clocks();
    for (const ms of [250, 250, 900, 251, 250]) {
      pass(ms);
      watch.tick();
    }
    expect(watch.pausedMs(0, 20_000)).toBe(0);
    expect(watch.hasPaused(0, 20_000)).toBe(false);
  });

  it('counts what of a stop lies between two instants', () => {
    const { watch, pass } = clocks();
    pass(5_000);
    watch.tick();
    expect(watch.pausedMs(10_000, 15_000)).toBe(5_000);
    expect(watch.pausedMs(12_000, 13_500)).toBe(1_500);
    expect(watch.pausedMs(0, 60_000)).toBe(5_000);
    expect(watch.pausedMs(15_001, 60_000)).toBe(0);
    expect(watch.hasPaused(9_000, 11_000)).toBe(true);
    expect(watch.hasPaused(15_001, 60_000)).toBe(false);
  });

  it('sees a stop before its own timer has run', () => {
    const { watch, pass, at } = clocks();
    pass(5_000);
    expect(watch.pausedMs(11_000, at.atMs)).toBe(4_000);
    expect(watch.hasPaused(14_000, at.atMs)).toBe(true);
    watch.tick();
    expect(watch.pausedMs(0, 60_000)).toBe(5_000);
  });

  it('sees a suspended machine, which takes no monotonic time', () => {
    const { watch, pass } = clocks();
    pass(100, 3_600_000);
    watch.tick();
    expect(watch.hasPaused(10_000, 11_000)).toBe(true);
    expect(watch.pausedMs(0, 60_000)).toBeLessThanOrEqual(100);
  });

  it('remembers a bounded number of them, the newest', () => {
    const { watch, pass, at } = clocks();
    for (let stop = 0; stop < 100; stop += 1) {
      pass(2_000);
      watch.tick();
      pass(10);
      watch.tick();
    }
    expect(watch.pausedMs(0, at.atMs)).toBe(64 * 2_000);
    expect(watch.hasPaused(at.atMs - 1_000, at.atMs)).toBe(true);
  });
});
