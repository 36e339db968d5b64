import * as Effect from 'effect/Effect';
import { afterEach, describe, expect, it } from 'vitest';

import { validatorRuntime } from '#src/actors/layers.ts';
import { sampleResources } from '#src/actors/resourceWatch.actor.ts';
import { probeStore, storeWatch } from '#src/actors/storeWatch.actor.ts';
import { createTaskDesk } from '#src/actors/taskDesk.ts';
import { CurrentGate, workGate } from '#src/actors/workGate.actor.ts';
import { StoreUnavailable } from '#src/store/errors.ts';
import type { StoreHealth, StoreVitals } from '#src/store/health.ts';
import {
  askOnce,
  dataFolder,
  hostLink,
  openMinerLife,
  openStore,
  recordingLog,
} from '#test/support/actors.ts';

const full: StoreHealth = { isWell: false, trouble: 'full', message: 'free some disk space' };

/** Vitals that are told by hand. */
const vitalsByHand = () => {
  const listeners = new Set<(health: StoreHealth) => void>();
  let health: StoreHealth = { isWell: true };
  let recoversWhenProbed = false;
  const become = (next: StoreHealth): void => {
    health = next;
    for (const listener of listeners) listener(next);
  };
  const vitals: StoreVitals = {
    health: () => health,
    onHealth: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    pressure: () => ({ pendingRows: 0, pendingBytes: 0, share: 0 }),
    probe: Effect.suspend(() => {
      if (!recoversWhenProbed) return Effect.fail(new StoreUnavailable({ message: 'still full' }));
      become({ isWell: true });
      return Effect.void;
    }),
  };
  return {
    vitals,
    become,
    listeners,
    recover: () => {
      recoversWhenProbed = true;
    },
  };
};

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

const life = async () => {
  const { dir, remove } = dataFolder();
  ends.push(remove);
  const { store, close } = await openStore(dir);
  ends.push(close);
  const byHand = vitalsByHand();
  const { log } = recordingLog();
  const runtime = validatorRuntime({ store, vitals: byHand.vitals, log });
  ends.push(() => runtime.dispose());
  return { dir, runtime, ...byHand };
};

describe('actors / storeWatch', () => {
  it('tells the health of the store at once and with each change, until its state is left', async () => {
    const { runtime, become, listeners } = await life();
    const host = hostLink(storeWatch(runtime), {});
    await host.event('store.health');
    become(full);
    become({ isWell: true });
    await host.event('store.health', 3);
    expect(host.events.map((event) => event['health'])).toEqual([{ isWell: true }, full, { isWell: true }]);
    expect(host.events.every((event) => typeof event['at'] === 'number')).toBe(true);
    host.leave();
    await expect.poll(() => listeners.size).toBe(0);
  });

  it('reads the health after a probe, whether or not it could write', async () => {
    const { runtime, become, recover } = await life();
    const probe = probeStore(runtime);
    become(full);
    expect(await askOnce(probe, {})).toMatchObject({ ok: true, value: { health: full } });
    recover();
    expect(await askOnce(probe, {})).toMatchObject({ ok: true, value: { health: { isWell: true } } });
  });
});

describe('actors / resourceWatch', () => {
  it('looks at its own process and the disk of its folder', async () => {
    const { runtime, dir } = await life();
    const look = sampleResources(runtime, { dir });
    const before = performance.now();
    const seen = await askOnce(look, {});
    if (!seen.ok) throw new Error('a look cannot fail');
    const { value } = seen;
    expect(value.heapUsedBytes).toBeGreaterThan(1e6);
    expect(value.heapUsedBytes).toBeLessThan(value.heapLimitBytes);
    expect(value.at).toBeGreaterThan(before);
    expect(Math.abs(value.wallMs - Date.now())).toBeLessThan(5_000);
    expect(value.diskFreeBytes ?? -1).toBeGreaterThan(0);
    expect(value.diskTotalBytes ?? -1).toBeGreaterThan(value.diskFreeBytes ?? 0);
    if (process.platform !== 'linux') return;
    expect(value.descriptors ?? 0).toBeGreaterThan(3);
    expect(value.descriptorLimit ?? 0).toBeGreaterThan(value.descriptors ?? 0);
    expect(value.uptimeMs ?? 0).toBeGreaterThan(1_000);
  });

  it('does without the disk of a folder that is gone', async () => {
    const { runtime } = await life();
    const seen = await askOnce(sampleResources(runtime, { dir: '/nowhere/at/all' }), {});
    expect(seen).toMatchObject({ ok: true, value: { diskFreeBytes: null, diskTotalBytes: null } });
  });
});

describe('actors / workGate', () => {
  it('closes and opens the desk', async () => {
    const miner = await openMinerLife();
    ends.push(() => miner.end());
    const gate = await miner.runtime.runPromise(CurrentGate);
    const host = hostLink(workGate(miner.runtime), {});
    const seat = createTaskDesk({ pool: null }, gate).join('5One', () => {});
    const ask = () =>
      seat.answer({
        kind: 'sentiment_analysis',
        request: { text: 'good' },
        deadlineAt: performance.now() + 100,
      });
    host.tell({ type: 'work.held', reasons: ['store full'] } as never);
    expect(await ask()).toEqual({ ok: false, error: 'busy' });
    host.tell({ type: 'work.held', reasons: [] } as never);
    expect(await ask()).toEqual({ ok: false, error: 'unsupported' });
  });
});
