import { describe, expect, it } from 'vitest';

import { createAnswerOutbox } from '#src/actors/answerOutbox.ts';
import type { ListenerCounts } from '#src/actors/currentListener.ts';
import { parseGpu } from '#src/actors/views/gpuGauge.ts';
import { createMinerView } from '#src/actors/views/minerView.ts';
import { createRequestLog, maxRequests } from '#src/actors/views/requestLog.ts';
import { statusText } from '#src/cli/statusText.ts';
import { fail, succeed } from '#src/domain/outcome.ts';
import { turnedAwayReasons } from '#src/transport/admission.ts';
import { createCounters } from '#src/transport/counters.ts';
import { refusalReasons } from '#src/transport/refusals.ts';
import { announced, registered, runMiner } from '#test/support/machinesMiner.ts';
import { viewParts } from '#test/support/views.ts';

/** Pictures are a quarter of a second old at most. */
const later = () => new Promise((resolve) => setTimeout(resolve, 260));

const unreachable = {
  _tag: 'Unreachable',
  message: 'connection refused',
  retry: { when: 'reconnected' },
} as const;
const ready = { type: 'worker.ready', slot: 0, provider: 'cpu', note: null, loadMs: 5 } as const;

/** Of the services of a runtime only what a test gives. */
const watch = (
  miner: ReturnType<typeof runMiner>,
  outbox = createAnswerOutbox(),
  listener: ListenerCounts = { read: null },
) => {
  const { about } = viewParts();
  const view = createMinerView(viewParts({ about: { ...about, role: 'miner' } }));
  miner.actor.system.inspect((inspected) => view.onInspection(inspected));
  const services = [outbox, { pool: null }, listener];
  const runtime = { runPromise: () => Promise.resolve(services.shift()) };
  const live = { root: miner.actor, runtime, store: null };
  view.attach(live as unknown as Parameters<typeof view.attach>[0]);
  return view;
};

const codesOf = async (view: ReturnType<typeof watch>): Promise<readonly string[]> => {
  await later();
  return view.slices().health.reasons.map(({ code }) => code);
};

/** Registered, with its axon on chain, and its models loaded. */
const serving = async () => {
  const miner = runMiner();
  const view = watch(miner);
  miner.workers.newest().emit(ready);
  miner.chain.newest().emit({ type: 'chain.opened', genesisHash: '0xab', specVersion: 425 });
  miner.chain.newest().emit({ type: 'head.finalized', head: { block: 100, blockHash: '0x100' } });
  await miner.read.answer(succeed(registered));
  miner.listener.newest().emit({ type: 'listener.bound', port: 8091 });
  await miner.announce.answer(succeed(announced));
  return { miner, view };
};

const answer = (id: string) =>
  succeed({ type: 'answer', v: 1, id, answer: { label: 'a' }, elapsedMs: 12 } as const);
const task = (id: string, work: () => Promise<ReturnType<typeof answer>>, deadlineAtMs = 1e9) => ({
  id,
  kind: 'text_classification',
  deadlineAtMs,
  work,
});

describe('actors/views / minerView', () => {
  it('says that models are loading, and is not ready before they are', async () => {
    const miner = runMiner();
    const view = watch(miner);
    expect(await codesOf(view)).toContain('inference.warming');
    expect(view.ready().isWell).toBe(false);
    expect(view.live().isWell).toBe(true);
    view.close();
  });

  it('projects the live system', async () => {
    const { miner, view } = await serving();
    await later();
    const { about, root, health, chain, standing, inference, store } = view.slices();
    expect(about).toMatchObject({ role: 'miner', uid: 1 });
    expect(root.state).toBe('open.serving');
    expect(health).toMatchObject({ level: 'ok', text: 'All is well: serving, with 0 validators connected.' });
    expect(view.ready()).toEqual({ isWell: true, reasons: [] });
    expect(chain).toMatchObject({ state: 'following', finalizedBlock: 100, registration: { uid: 1 } });
    expect(standing).toMatchObject({ axon: '192.0.2.1:8091', announced: '192.0.2.1:8091', rank: null });
    expect(inference).toMatchObject({
      state: 'open.ready',
      provider: 'cpu',
      slots: 1,
      workers: [{ slot: 0, isReady: true, restarts: 0, lastExit: null }],
    });
    expect(store.state).toBe('none');
    expect(miner.errors).toEqual([]);
    view.close();
  });

  it('calls a worker that died down until another one has its place', async () => {
    const { miner, view } = await serving();
    miner.workers
      .newest()
      .emit({ type: 'worker.exited', slot: 0, reason: 'ended by signal SIGKILL', overran: false, at: 1 });
    expect(await codesOf(view)).toEqual(['inference.workerDown']);
    expect(view.slices().health.text).toMatch(/1 of 1 inference worker is down.*SIGKILL/);
    expect(view.ready().isWell).toBe(false);
    miner.workers.newest().emit(ready);
    expect(await codesOf(view)).toEqual([]);
    expect(view.slices().inference.workers).toMatchObject([{ isReady: true, restarts: 1 }]);
    view.close();
  });

  it('calls the chain lost, a full queue full, and both over when they are', async () => {
    const { miner, view } = await serving();
    miner.workers.newest().emit({ type: 'pool.saturated', queued: 256 });
    miner.chain.newest().emit({ type: 'chain.closed', failure: unreachable, jitter: 0 });
    expect(await codesOf(view)).toEqual(['chain.lost', 'queue.saturated']);
    miner.workers.newest().emit({ type: 'pool.relieved', queued: 1 });
    miner.clock.increment(1_000);
    miner.chain.newest().emit({ type: 'chain.opened', genesisHash: '0xab', specVersion: 425 });
    expect(await codesOf(view)).toEqual([]);
    view.close();
  });

  it('shows who is served, and by what link', async () => {
    const { miner, view } = await serving();
    miner.listener.newest().emit({ type: 'peer.arrived', arrival: 'a1' });
    miner.links.newest().emit({ type: 'link.opened', hotkey: '5busy' });
    await later();
    expect(view.rows().served).toMatchObject({
      '5busy': { uid: 2, state: 'ready', counts: { received: 0 }, sessionId: expect.any(String) },
    });
    miner.links.newest().emit({ type: 'link.busy' });
    await later();
    expect(view.rows().served['5busy']?.state).toBe('busy');
    view.close();
  });

  it('shows who knocked at the port, and why it let them not in', async () => {
    const counters = createCounters();
    const listener: ListenerCounts = { read: null };
    const view = watch(runMiner(), createAnswerOutbox(), listener);
    await later();
    expect(view.slices().port).toBeNull();
    listener.read = counters.read;
    for (const name of ['connections', 'established', 'notALink', 'evicted'] as const) counters.count(name);
    for (const name of ['turnedAway.AddressRate', 'refused.NotAuthorised', 'ended.Silent'] as const)
      counters.count(name);
    await later();
    const { connections, established, refused } = view.slices().port ?? {};
    expect({ connections, established }).toEqual({ connections: 1, established: 1 });
    expect(refused).toMatchObject({
      AddressRate: 1,
      NotAuthorised: 1,
      NotALink: 1,
      Evicted: 1,
      Malformed: 0,
    });
    expect(Object.keys(refused ?? {})).toHaveLength(turnedAwayReasons.length + refusalReasons.length + 2);
    view.close();
  });

  it('counts what becomes of each task', async () => {
    const outbox = createAnswerOutbox();
    const view = watch(runMiner(), outbox);
    await later();
    outbox.attach('5busy', () => true);
    await outbox.take(
      '5busy',
      task('a', async () => answer('a')),
    );
    await outbox.take(
      '5busy',
      task('b', async () => answer('b')),
    );
    await outbox.take(
      '5busy',
      task('c', async () => answer('c')),
    );
    await outbox.take(
      '5busy',
      task('d', async () => fail('busy') as never),
    );
    await outbox.take(
      '5busy',
      task('e', () => Promise.reject(new Error('a defect'))),
    );
    outbox.drop('5busy', ['a'], 'ack');
    outbox.drop('5busy', ['b'], 'unknown');
    await later();
    const { totals, recent } = view.slices().requests;
    expect(totals).toEqual({ received: 5, answered: 3, acknowledged: 1, refused: 1, failed: 1, lost: 1 });
    // What `miaoai status` says of it.
    expect(statusText(Object(view.status()), '')).toContain('5 received, 1 acknowledged, 1 lost');
    expect(recent.map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ['failed', 'failed'],
      ['refused', 'busy'],
      ['answered', null],
      ['lost', 'the validator did not want it any more'],
      ['acknowledged', null],
    ]);
    expect(recent[4]).toMatchObject({ validator: '5busy', kind: 'text_classification', ms: 12 });
    view.close();
  });

  it('counts an answer as lost once its deadline has passed, though nothing else happens', async () => {
    const outbox = createAnswerOutbox();
    const view = watch(runMiner(), outbox);
    await later();
    outbox.attach('5busy', () => true);
    const deadlineMs = performance.now() + 300;
    await outbox.take(
      '5busy',
      task('a', async () => answer('a'), deadlineMs),
    );
    while (view.slices().requests.totals.lost === 0) await later();
    expect(performance.now()).toBeGreaterThanOrEqual(deadlineMs);
    expect(view.slices().requests.totals).toMatchObject({ answered: 1, lost: 1 });
    view.close();
  });

  it('keeps the last requests and no more', () => {
    const log = createRequestLog();
    for (let index = 0; index < 3 * maxRequests; index += 1) {
      log.hear({ hotkey: '5busy', id: `${index}`, type: 'received', kind: 'k' }, index);
      log.hear({ hotkey: '5busy', id: `${index}`, type: 'answered', elapsedMs: 1 }, index);
    }
    expect(log.recent()).toHaveLength(maxRequests);
    expect(log.recent()[0]?.at).toBe(3 * maxRequests - 1);
    expect(log.totals().answered).toBe(3 * maxRequests);
    for (let peer = 0; peer < 1_000; peer += 1) {
      log.hear({ hotkey: `5peer${peer}`, id: 'x', type: 'received', kind: 'k' }, 0);
    }
    expect(log.validators().length).toBeLessThanOrEqual(512);
  });

  it('reads what nvidia-smi prints, and nothing else', () => {
    expect(parseGpu('NVIDIA H200, 4096, 143771, 37, 41\nNVIDIA H200, 1, 1, 1, 1\n')).toEqual({
      name: 'NVIDIA H200',
      usedBytes: 4_096 * 1_048_576,
      totalBytes: 143_771 * 1_048_576,
      utilization: 0.37,
      celsius: 41,
    });
    for (const text of ['', 'No devices were found', 'a, b, c, d, e', 'NVIDIA, 1, 2, [N/A], 4']) {
      expect(parseGpu(text)).toBeNull();
    }
  });
});
