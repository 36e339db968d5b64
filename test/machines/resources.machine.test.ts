import { describe, expect, it } from 'vitest';

import type { ResourceSample } from '#src/domain/resources.ts';
import { delays } from '#src/machines/delays.ts';
import { resourcesMachine, type SampleResources } from '#src/machines/resources.machine.ts';
import { done, fakeTask, reachedStates, start, stateIds, timeout } from '#test/support/machines.ts';

const plenty: ResourceSample = {
  heapUsedBytes: 100,
  heapLimitBytes: 1_000,
  descriptors: 10,
  descriptorLimit: 100,
  diskFreeBytes: 1e12,
  diskTotalBytes: 2e12,
  loopDelayMs: 0,
  at: 0,
  uptimeMs: 0,
  wallMs: 1.7e12,
};
/** A sample after so many intervals in which time passed as it should. */
const nth = (count: number, given: Partial<ResourceSample> = {}): ResourceSample => {
  const passedMs = count * delays.sampleIntervalMs;
  return { ...plenty, at: passedMs, uptimeMs: passedMs, wallMs: plenty.wallMs + passedMs, ...given };
};

const run = () => {
  const look = fakeTask<SampleResources>();
  const running = start(resourcesMachine.provide({ actors: { sampleResources: look.logic } }));
  const see = async (sample: ResourceSample) => {
    await look.answer({ ok: true, value: sample });
    running.clock.increment(delays.sampleIntervalMs);
  };
  return { look, see, ...running };
};

describe('machines / resources', () => {
  it('reaches every state', () => {
    const events = [
      done('sampleResources', { ok: true, value: plenty }),
      done('sampleResources', { ok: true, value: nth(1, { descriptors: 95 }) }),
      timeout('sampleInterval', 'resources.sampling.resting'),
    ];
    const distinguish = (context: { shortages: readonly string[] }) => context.shortages;
    expect(reachedStates(resourcesMachine, { events, distinguish })).toEqual(stateIds(resourcesMachine));
  });

  it('looks again after each pause, one look at a time', async () => {
    const { look, see, clock } = run();
    clock.increment(10 * delays.sampleIntervalMs);
    expect(look.calls).toHaveLength(1);
    await see(plenty);
    await see(nth(1));
    expect(look.calls).toHaveLength(3);
  });

  it('tells what is short once, what else becomes short, and when nothing is any more', async () => {
    const { see, facts, value } = run();
    await see(plenty);
    await see(nth(1, { descriptors: 95 }));
    await see(nth(2, { descriptors: 94 }));
    expect(value()).toMatchObject({ supply: 'short' });
    await see(nth(3, { descriptors: 94, diskFreeBytes: 1e6 }));
    await see(nth(4, { descriptors: 50 }));
    expect(value()).toMatchObject({ supply: 'ample' });
    expect(facts).toMatchObject([
      { type: 'resources.short', of: ['descriptors'], descriptors: 95, descriptorLimit: 100 },
      { type: 'resources.short', of: ['descriptors', 'disk'], diskFreeBytes: 1e6 },
      { type: 'resources.ample', afterMs: 3 * delays.sampleIntervalMs },
    ]);
  });

  it('tells of a stopped process and of a clock that was set', async () => {
    const { see, facts } = run();
    await see(plenty);
    await see(nth(1));
    await see(nth(2, { at: 9_000, uptimeMs: 9_000, wallMs: plenty.wallMs + 9_000 }));
    await see(nth(2, { at: 11_000, uptimeMs: 11_000, wallMs: plenty.wallMs + 11_000 - 3_600_000 }));
    expect(facts).toEqual([
      { type: 'machine.slept', forMs: 5_000 },
      { type: 'clock.stepped', byMs: -3_600_000 },
    ]);
  });
});
