import { describe, expect, it } from 'vitest';

import type { StoreHealth, StoreTrouble } from '#src/domain/storeHealth.ts';
import { delays } from '#src/machines/delays.ts';
import { type ProbeStore, type StoreWatch, storeHealthMachine } from '#src/machines/storeHealth.machine.ts';
import { done, fakeLink, fakeTask, reachedStates, start, stateIds, timeout } from '#test/support/machines.ts';

const well: StoreHealth = { isWell: true };
const ill = (trouble: StoreTrouble): StoreHealth => ({ isWell: false, trouble, message: `is ${trouble}` });
const reading = (health: StoreHealth, at: number) => ({ health, at });
const told = (health: StoreHealth, at: number) => ({ type: 'store.health', ...reading(health, at) }) as const;

const run = () => {
  const watch = fakeLink<StoreWatch>();
  const probe = fakeTask<ProbeStore>();
  const machine = storeHealthMachine.provide({
    actors: { storeWatch: watch.logic, probeStore: probe.logic },
  });
  const running = start(machine);
  return {
    watch,
    probe,
    tell: (health: StoreHealth, at: number) => watch.newest().emit(told(health, at)),
    ...running,
  };
};

describe('machines / storeHealth', () => {
  it('reaches every state', () => {
    const events = [
      told(well, 1),
      told(ill('full'), 2),
      { type: 'store.unwatched', reason: 'a bug' },
      timeout('probePause', 'storeHealth.watching.troubled.waiting'),
      timeout('retryPause', 'storeHealth.unwatched'),
      done('probeStore', { ok: true, value: reading(ill('full'), 3) }),
    ];
    // Said and left in one step, so that no path ends there.
    const passing = ['storeHealth.watching.recovered'];
    const distinguish = (context: { health: StoreHealth; reported: unknown }) => [
      context.health.isWell,
      context.reported,
    ];
    expect(reachedStates(storeHealthMachine, { events, distinguish })).toEqual(
      stateIds(storeHealthMachine).filter((id) => !passing.includes(id)),
    );
  });

  it('tells a trouble once, and a new one again', () => {
    const { tell, facts, value } = run();
    tell(well, 0);
    expect(facts).toEqual([]);
    tell(ill('unreachable'), 1_000);
    tell(ill('unreachable'), 1_500);
    tell(ill('loading'), 3_000);
    expect(facts).toEqual([
      { type: 'store.troubled', trouble: 'unreachable', message: 'is unreachable' },
      { type: 'store.troubled', trouble: 'loading', message: 'is loading' },
    ]);
    expect(value()).toEqual({ watching: { troubled: 'waiting' } });
    tell(well, 5_000);
    expect(facts.at(-1)).toEqual({ type: 'store.recovered', afterMs: 4_000 });
    expect(value()).toEqual({ watching: 'well' });
  });

  it('tries a store in trouble ever more rarely, and goes on with the first write that succeeds', async () => {
    const { tell, probe, clock, facts, value } = run();
    tell(ill('full'), 0);
    clock.increment(delays.storeProbeBaseMs - 1);
    expect(probe.calls).toHaveLength(0);
    clock.increment(1);
    expect(value()).toEqual({ watching: { troubled: 'probing' } });
    await probe.answer({ ok: true, value: reading(ill('full'), 600) });
    clock.increment(2 * delays.storeProbeBaseMs - 1);
    expect(probe.calls).toHaveLength(1);
    clock.increment(1);
    expect(probe.calls).toHaveLength(2);
    await probe.answer({ ok: true, value: reading(well, 1_600) });
    expect(value()).toEqual({ watching: 'well' });
    expect(facts.map(({ type }) => type)).toEqual(['store.troubled', 'store.recovered']);
  });

  it('begins with short pauses again after each recovery, and never waits longer than its maximum', async () => {
    const { tell, probe, clock } = run();
    tell(ill('full'), 0);
    for (let probes = 1; probes <= 12; probes += 1) {
      clock.increment(delays.storeProbeMaxMs);
      expect(probe.calls).toHaveLength(probes);
      await probe.answer({ ok: true, value: reading(ill('full'), probes) });
    }
    tell(well, 100);
    tell(ill('readOnly'), 200);
    clock.increment(delays.storeProbeBaseMs);
    expect(probe.calls).toHaveLength(13);
  });

  it('takes what the store says by itself during a probe', () => {
    const { tell, probe, clock, value } = run();
    tell(ill('slow'), 0);
    clock.increment(delays.storeProbeBaseMs);
    tell(well, 700);
    expect(value()).toEqual({ watching: 'well' });
    expect(probe.aborted()).toBe(1);
  });

  it('watches anew after a defect of the watch', () => {
    const { watch, clock, value } = run();
    watch.newest().emit({ type: 'store.unwatched', reason: 'a bug' });
    expect(value()).toBe('unwatched');
    clock.increment(delays.retryPauseMs);
    expect(watch.lives).toHaveLength(2);
    watch.newest().emit(told(ill('failed'), 5));
    expect(value()).toEqual({ watching: { troubled: 'waiting' } });
  });
});
