import { performance } from 'node:perf_hooks';

import { afterAll, describe, expect, it } from 'vitest';

import type { OnRun, RunTimes } from '#src/inference/dispatch.ts';
import { LABELS, makeWorkspace, OUTSIDE, POISON, slowModel } from './modelFolders.ts';
import { isAlive, openTestPool } from './testPool.ts';

const workspace = makeWorkspace();
const quick = workspace.folder({ name: 'quick' });
const slow = workspace.folder({ name: 'slow', model: slowModel() });
afterAll(() => workspace.dispose());

/** 40 words make the slow model run for about a minute. */
const LONG_TEXT = 'good '.repeat(40);
const soon = (ms: number) => performance.now() + ms;
const argmax = (distribution: readonly { label: string; probability: number }[]) =>
  distribution.reduce((best, entry) => (entry.probability > best.probability ? entry : best)).label;

describe('inference / pool', () => {
  it('classifies texts with a real model and reports the observed provider', async () => {
    await using opened = await openTestPool({ modelDirs: [quick] });
    opened.pool.startWorker(0);
    const ready = await opened.event('worker.ready');
    expect(ready).toMatchObject({ slot: 0, provider: 'cpu', note: null });
    expect(ready.loadMs).toBeGreaterThan(0);
    const good = await opened.pool.classify('quick', { text: 'The shop is GREAT', deadlineAt: soon(5_000) });
    const bad = await opened.pool.classify('quick', { text: 'awful broken parcel', deadlineAt: soon(5_000) });
    if (!good.ok || !bad.ok) throw new Error('both texts have an answer');
    expect(argmax(good.value)).toBe('positive');
    expect(argmax(bad.value)).toBe('negative');
    expect(good.value.map((entry) => entry.label)).toEqual(LABELS);
    expect(good.value.reduce((sum, entry) => sum + entry.probability, 0)).toBeCloseTo(1, 12);
    expect(opened.pool.stats()).toMatchObject({ queued: 0, running: 0, served: 2, refused: 0, failed: 0 });
  });

  it('gives a text the same answer alone and in a batch', async () => {
    await using opened = await openTestPool({ modelDirs: [quick] });
    opened.pool.startWorker(0);
    await opened.event('worker.ready');
    const words = ['good', 'bad', 'shop', 'fast', 'slow', 'it', 'unknownword'];
    const texts = Array.from({ length: 60 }, (_, index) =>
      Array.from({ length: 1 + (index % 12) }, (__, place) => words[(index * 3 + place) % words.length]).join(
        ' ',
      ),
    );
    const together = await Promise.all(
      texts.map((text) => opened.pool.classify('quick', { text, deadlineAt: soon(10_000) })),
    );
    expect(together.every((answer) => answer.ok)).toBe(true);
    expect(opened.pool.stats().runs).toBeLessThan(30);
    for (const [index, text] of texts.entries()) {
      expect(await opened.pool.classify('quick', { text, deadlineAt: soon(10_000) })).toEqual(
        together[index],
      );
    }
  });

  it('tells whoever asks when a text waited and ran, and with how many others', async () => {
    await using opened = await openTestPool({ modelDirs: [quick] });
    opened.pool.startWorker(0);
    await opened.event('worker.ready');
    const told: RunTimes[] = [];
    const fromMs = performance.now();
    const classify = (text: string, onRun?: OnRun) =>
      opened.pool.classify('quick', { text, deadlineAt: soon(5_000), ...(onRun ? { onRun } : {}) });
    await Promise.all([classify('good', (times) => told.push(times)), classify('bad'), classify('shop')]);
    const [times] = told;
    expect(told).toHaveLength(1);
    expect(times?.texts).toBe(3);
    const moments = [fromMs, times?.acceptedAtMs, times?.startedAtMs, times?.endedAtMs, performance.now()];
    expect(moments).toEqual(moments.toSorted((a, b) => (a ?? 0) - (b ?? 0)));
  });

  it('serves several models and spreads work over all workers', async () => {
    await using opened = await openTestPool({ modelDirs: [quick, slow], slots: 2 });
    opened.pool.startWorker(0);
    opened.pool.startWorker(1);
    await opened.event('worker.ready', 2);
    const long = opened.pool.classify('slow', { text: LONG_TEXT, deadlineAt: soon(60_000) });
    await new Promise((resolve) => setTimeout(resolve, 100));
    // The other worker answers while the first is in a run of a minute.
    const short = await opened.pool.classify('quick', { text: 'lovely', deadlineAt: soon(20_000) });
    expect(short.ok && argmax(short.value)).toBe('positive');
    expect(opened.pool.stats().running).toBe(1);
    await opened.close();
    expect(await long).toMatchObject({ ok: false, error: { _tag: 'Failed' } });
  });

  it('kills a worker whose run overruns its deadline, and goes on after a restart', async () => {
    await using opened = await openTestPool({ modelDirs: [slow] });
    opened.pool.startWorker(0);
    await opened.event('worker.ready');
    const startedAt = performance.now();
    const overrunning = opened.pool.classify('slow', { text: LONG_TEXT, deadlineAt: soon(300) });
    await new Promise((resolve) => setTimeout(resolve, 20));
    const behind = opened.pool.classify('slow', { text: 'good', deadlineAt: soon(20_000) });
    expect(await overrunning).toMatchObject({
      ok: false,
      error: { _tag: 'Failed', message: expect.stringMatching(/deadline/) },
    });
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    const exited = await opened.event('worker.exited');
    expect(exited).toMatchObject({ overran: true, reason: expect.stringMatching(/overran its deadline/) });
    opened.pool.startWorker(0);
    const answer = await behind;
    expect(answer.ok && argmax(answer.value)).toBe('positive');
    expect(opened.events.filter((event) => event.type === 'worker.exited')).toHaveLength(1);
  });

  it('answers Busy at the bound and reports saturation and relief once each', async () => {
    await using opened = await openTestPool({ modelDirs: [quick], queueLimit: 4 });
    const answers = Array.from({ length: 7 }, () =>
      opened.pool.classify('quick', { text: 'good', deadlineAt: soon(20_000) }),
    );
    const refused = await Promise.all(answers.slice(4));
    expect(refused).toEqual(
      Array.from({ length: 3 }, () => ({ ok: false, error: { _tag: 'Busy', message: expect.any(String) } })),
    );
    expect(opened.pool.stats()).toMatchObject({ queued: 4, refused: 3 });
    opened.pool.startWorker(0);
    const served = await Promise.all(answers.slice(0, 4));
    expect(served.every((answer) => answer.ok)).toBe(true);
    expect(
      opened.events.filter((event) => event.type.startsWith('pool.')).map((event) => event.type),
    ).toEqual(['pool.saturated', 'pool.relieved']);
  });

  it('answers Expired when no worker was free before the deadline', async () => {
    await using opened = await openTestPool({ modelDirs: [quick] });
    const waiting = opened.pool.classify('quick', { text: 'good', deadlineAt: soon(100) });
    expect(await waiting).toMatchObject({ ok: false, error: { _tag: 'Expired' } });
    const late = opened.pool.classify('quick', { text: 'good', deadlineAt: soon(-1) });
    expect(await late).toMatchObject({ ok: false, error: { _tag: 'Expired' } });
    const undated = opened.pool.classify('quick', { text: 'good', deadlineAt: Number.NaN });
    expect(await undated).toMatchObject({ ok: false, error: { _tag: 'Expired' } });
    expect(opened.pool.stats()).toMatchObject({ queued: 0, expired: 3 });
  });

  it('names the models it has when asked for another', async () => {
    await using opened = await openTestPool({ modelDirs: [quick] });
    expect(await opened.pool.classify('other', { text: 'good', deadlineAt: soon(100) })).toMatchObject({
      ok: false,
      error: { _tag: 'NoSuchModel', message: 'no model "other" here: there is quick' },
    });
  });

  it('fails what a crashed worker was running and reports the crash', async () => {
    await using opened = await openTestPool({ modelDirs: [slow] });
    opened.pool.startWorker(0);
    await opened.event('worker.ready');
    const lost = opened.pool.classify('slow', { text: LONG_TEXT, deadlineAt: soon(20_000) });
    await new Promise((resolve) => setTimeout(resolve, 200));
    process.kill(opened.pool.stats().workers[0]?.pid ?? 0, 'SIGKILL');
    expect(await lost).toMatchObject({
      ok: false,
      error: { _tag: 'Failed', message: expect.stringMatching(/SIGKILL/) },
    });
    expect(await opened.event('worker.exited')).toEqual({
      type: 'worker.exited',
      slot: 0,
      reason: 'ended by signal SIGKILL',
      overran: false,
    });
    opened.pool.startWorker(0);
    await opened.event('worker.ready', 2);
    const next = await opened.pool.classify('slow', { text: 'bad', deadlineAt: soon(5_000) });
    expect(next.ok && argmax(next.value)).toBe('negative');
  });

  it('fails only the text whose scores are not numbers, or that makes the model fail', async () => {
    await using opened = await openTestPool({ modelDirs: [quick] });
    const texts = ['good', POISON, 'bad', OUTSIDE, 'lovely'];
    const answers = texts.map((text) => opened.pool.classify('quick', { text, deadlineAt: soon(20_000) }));
    opened.pool.startWorker(0);
    const settled = await Promise.all(answers);
    expect(settled.map((answer) => (answer.ok ? argmax(answer.value) : answer.error._tag))).toEqual([
      'positive',
      'Failed',
      'negative',
      'Failed',
      'positive',
    ]);
    expect(settled[1]).toMatchObject({ error: { message: expect.stringMatching(/not a finite number/) } });
    expect(settled[3]).toMatchObject({
      error: { message: expect.stringMatching(/the model failed: .*indices element out of data bounds/s) },
    });
    expect(opened.pool.stats().workers[0]?.state).toBe('ready');
  });

  it('truncates texts of any length at constant cost', async () => {
    await using opened = await openTestPool({ modelDirs: [quick] });
    opened.pool.startWorker(0);
    await opened.event('worker.ready');
    const startedAt = performance.now();
    const text = 'good '.repeat(2_000_000);
    const answer = await opened.pool.classify('quick', { text, deadlineAt: soon(5_000) });
    expect(answer.ok && argmax(answer.value)).toBe('positive');
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    const empty = await opened.pool.classify('quick', { text: '', deadlineAt: soon(5_000) });
    expect(empty.ok && empty.value.every((entry) => Number.isFinite(entry.probability))).toBe(true);
  });

  it('lets clients take turns: a few texts do not wait behind the many of another', async () => {
    await using opened = await openTestPool({ modelDirs: [quick], tokenBudget: 1 });
    const order: string[] = [];
    const ask = async (client: string): Promise<void> => {
      await opened.pool.classify('quick', { text: 'good', deadlineAt: soon(20_000), client });
      order.push(client);
    };
    const many = Array.from({ length: 20 }, () => ask('greedy'));
    const few = Array.from({ length: 2 }, () => ask('modest'));
    opened.pool.startWorker(0);
    await Promise.all([...many, ...few]);
    expect(order.slice(0, 4)).toEqual(['greedy', 'modest', 'greedy', 'modest']);
    expect(order).toHaveLength(22);
  });

  it('leaves no process behind when the scope closes, even in the middle of a run', async () => {
    const opened = await openTestPool({ modelDirs: [slow], slots: 2 });
    opened.pool.startWorker(0);
    opened.pool.startWorker(1);
    await opened.event('worker.ready', 2);
    const running = opened.pool.classify('slow', { text: LONG_TEXT, deadlineAt: soon(60_000) });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const pids = opened.pool.stats().workers.map((worker) => worker.pid ?? 0);
    expect(pids.every(isAlive)).toBe(true);
    await opened.close();
    expect(pids.some(isAlive)).toBe(false);
    expect(await running).toMatchObject({ ok: false, error: { _tag: 'Failed' } });
    opened.pool.startWorker(0);
    expect(opened.pool.stats().workers[0]?.state).toBe('stopped');
    const late = await opened.pool.classify('slow', { text: 'good', deadlineAt: soon(1_000) });
    expect(late).toMatchObject({ ok: false, error: { _tag: 'Failed', message: 'the pool is closed' } });
  });
});
