import { describe, expect, it } from 'vitest';
import { initialTransition, transition } from 'xstate';

import { delays } from '#src/machines/delays.ts';
import { type InferenceWorkers, inferencePoolMachine } from '#src/machines/inferencePool.machine.ts';
import { poolRestartLimit } from '#src/machines/restart.ts';
import { fakeLink, isPlainJson, reachedStates, start, stateIds, timeout } from '#test/support/machines.ts';

const input = { slots: 2, drainGraceMs: 5_000 };
const limit = poolRestartLimit(input.slots);
const ready = (slot: number, provider = 'cpu') =>
  ({ type: 'worker.ready', slot, provider, note: null, loadMs: 900 }) as const;
const exited = (slot: number, at: number, overran = false) =>
  ({ type: 'worker.exited', slot, reason: 'SIGSEGV', overran, at }) as const;
const drain = { type: 'system.drain' } as const;

const run = () => {
  const workers = fakeLink<InferenceWorkers>();
  const machine = inferencePoolMachine.provide({ actors: { inferenceWorkers: workers.logic } });
  return { workers, ...start(machine, { input }) };
};

describe('machines / inferencePool', () => {
  it('starts its workers and admits nothing before one is warm', () => {
    const [snapshot] = initialTransition(inferencePoolMachine, input);
    expect(snapshot.value).toEqual({ open: 'warming' });
    const { workers, facts } = run();
    expect(workers.newest().input).toEqual({ slots: 2 });
    expect(facts).toEqual([]);
  });

  it('knows which slots are ready as data, each once', () => {
    let [snapshot] = initialTransition(inferencePoolMachine, input);
    for (const event of [ready(0), ready(1), ready(0), exited(1, 10)]) {
      [snapshot] = transition(inferencePoolMachine, snapshot, event);
    }
    expect(snapshot.context).toMatchObject({ ready: [0], provider: 'cpu', restarts: [10] });
    expect(snapshot.value).toEqual({ open: 'ready' });
  });

  it('reaches every state', () => {
    const events = [
      ready(0),
      exited(0, 1),
      { type: 'pool.saturated', queued: 64 },
      { type: 'pool.relieved', queued: 8 },
      { type: 'pool.drained' },
      { type: 'pool.closed', reason: 'killed' },
      drain,
      timeout('warmUpPatience', 'inferencePool.open.warming'),
      timeout('drainGrace', 'inferencePool.open.draining'),
    ];
    expect(reachedStates(inferencePoolMachine, { input, events })).toEqual(stateIds(inferencePoolMachine));
  });

  it('says once that inference is ready', () => {
    const { workers, facts } = run();
    workers.newest().emit(ready(0));
    workers.newest().emit(ready(1));
    expect(facts).toEqual([{ type: 'inference.ready', provider: 'cpu', note: null }]);
  });

  it('fails when no worker warms up in time, and not when one did', () => {
    const cold = run();
    cold.clock.increment(delays.warmUpPatienceMs - 1);
    expect(cold.actor.getSnapshot().status).toBe('active');
    cold.clock.increment(1);
    expect(cold.value()).toBe('failed');
    expect(cold.facts).toMatchObject([{ type: 'inference.failed' }]);
    const warm = run();
    warm.workers.newest().emit(ready(0));
    warm.clock.increment(delays.warmUpPatienceMs);
    expect(warm.value()).toEqual({ open: 'ready' });
  });

  it('starts a dead worker again, with the restarts of the limit in one window', () => {
    const { workers, value } = run();
    workers.newest().emit(ready(0));
    for (let death = 0; death < limit.restarts; death += 1) {
      workers.newest().emit(exited(death % 2, death));
    }
    expect(value()).toEqual({ open: 'ready' });
    expect(workers.newest().received).toEqual(
      Array.from({ length: limit.restarts }, (_, death) => ({ type: 'worker.start', slot: death % 2 })),
    );
  });

  it('fails when workers die faster than that, and releases the rest', () => {
    const { workers, facts, actor } = run();
    for (let death = 0; death <= limit.restarts; death += 1) {
      workers.newest().emit(exited(0, death * 1_000));
    }
    expect(actor.getSnapshot().status).toBe('done');
    expect(facts.at(-1)).toEqual({ type: 'inference.failed', reason: 'SIGSEGV' });
    expect(workers.newest().isReleased).toBe(true);
  });

  it('goes on for ever with workers that die rarely', () => {
    const { workers, value, context } = run();
    workers.newest().emit(ready(0));
    for (let death = 0; death < 50; death += 1) {
      workers.newest().emit(exited(0, (death * limit.withinMs) / limit.restarts));
    }
    expect(value()).toEqual({ open: 'ready' });
    expect(context().restarts.length).toBeLessThanOrEqual(limit.restarts);
  });

  it('does not fail for workers that were killed at the deadlines of others', () => {
    const { workers, value, context, facts } = run();
    workers.newest().emit(ready(0));
    for (let death = 0; death < 10 * limit.restarts; death += 1) {
      workers.newest().emit(exited(0, death, true));
    }
    expect(value()).toEqual({ open: 'ready' });
    expect(context().restarts).toEqual([]);
    expect(workers.newest().received).toHaveLength(10 * limit.restarts);
    expect(facts.at(-1)).toEqual({
      type: 'inference.workerExited',
      slot: 0,
      reason: 'SIGSEGV',
      overran: true,
    });
  });

  it('says why its first worker is not on the preferred provider', () => {
    const { workers, facts } = run();
    workers.newest().emit({ ...ready(0), note: 'CUDA is not available here' });
    expect(facts).toEqual([{ type: 'inference.ready', provider: 'cpu', note: 'CUDA is not available here' }]);
  });

  it('says when a later worker runs on another provider than the first', () => {
    const { workers, facts, context } = run();
    for (const event of [ready(0, 'cuda'), ready(1, 'cuda'), exited(0, 1)]) workers.newest().emit(event);
    workers.newest().emit({ ...ready(0, 'cpu'), note: 'no device' });
    workers.newest().emit({ type: 'pool.saturated', queued: 64 });
    workers.newest().emit(ready(1, 'cpu'));
    expect(facts.filter(({ type }) => type === 'inference.degraded')).toEqual([
      { type: 'inference.degraded', slot: 0, provider: 'cpu', before: 'cuda', note: 'no device' },
      { type: 'inference.degraded', slot: 1, provider: 'cpu', before: 'cuda', note: null },
    ]);
    expect(context().provider).toBe('cuda');
  });

  it('says busy between saturation and relief', () => {
    const { workers, value, context } = run();
    workers.newest().emit(ready(0));
    workers.newest().emit({ type: 'pool.saturated', queued: 64 });
    workers.newest().emit({ type: 'pool.saturated', queued: 70 });
    expect(value()).toEqual({ open: 'saturated' });
    expect(context().queued).toBe(70);
    workers.newest().emit({ type: 'pool.relieved', queued: 8 });
    workers.newest().emit({ type: 'pool.relieved', queued: 4 });
    expect(value()).toEqual({ open: 'ready' });
  });

  it('fails when its pool closes by itself', () => {
    const { workers, facts } = run();
    workers.newest().emit(ready(0));
    workers.newest().emit({ type: 'pool.closed', reason: 'no memory' });
    expect(facts.at(-1)).toEqual({ type: 'inference.failed', reason: 'no memory' });
  });

  it('stops at once when it is drained before it was warm', () => {
    const { actor, value, workers } = run();
    actor.send(drain);
    expect(value()).toBe('stopped');
    expect(workers.newest().isReleased).toBe(true);
  });

  it('finishes what was admitted when it is drained, ready or saturated', () => {
    for (const saturation of [[], [{ type: 'pool.saturated', queued: 64 }]]) {
      const { actor, workers, value, facts } = run();
      for (const event of [ready(0), ...saturation]) workers.newest().emit(event);
      actor.send(drain);
      actor.send(drain);
      workers.newest().emit({ type: 'pool.saturated', queued: 64 });
      workers.newest().emit(exited(0, 1));
      workers.newest().emit(ready(0));
      expect(value()).toEqual({ open: 'draining' });
      expect(workers.newest().received).toEqual([{ type: 'pool.drain' }, { type: 'worker.start', slot: 0 }]);
      workers.newest().emit({ type: 'pool.drained' });
      expect(value()).toBe('stopped');
      expect(facts.map(({ type }) => type)).toEqual(['inference.ready', 'inference.workerExited']);
    }
  });

  it('stops after the grace when the queue does not empty', () => {
    const { actor, workers, value, clock } = run();
    workers.newest().emit(ready(0));
    actor.send(drain);
    clock.increment(input.drainGraceMs - 1);
    expect(value()).toEqual({ open: 'draining' });
    clock.increment(1);
    expect(value()).toBe('stopped');
  });

  it('keeps only plain JSON in its context', () => {
    const { workers, context } = run();
    workers.newest().emit(exited(1, 12.5));
    expect(isPlainJson(context())).toBe(true);
  });
});
