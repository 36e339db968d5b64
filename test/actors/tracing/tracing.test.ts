import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { cohort } from '#src/actors/cohort.actor.ts';
import { planRound } from '#src/actors/planRound.actor.ts';
import { createTaskDesk } from '#src/actors/taskDesk.ts';
import { openTracing, type Tracing } from '#src/actors/tracing/tracing.ts';
import { defaultScoringPolicy } from '#src/domain/scoring.ts';
import { openTestPool } from '#test/inference/testPool.ts';
import { askOnce, dataFolder, hostLink, openValidatorLife, recordingLog } from '#test/support/actors.ts';
import { openOutboxMiner } from '#test/support/actorsOutbox.ts';
import { until } from '#test/support/peers.ts';
import { type CollectedSpan, openTraceCollector, type TraceCollector } from '#test/support/traceCollector.ts';

const sentiment = fileURLToPath(new URL('../../../models/sentiment', import.meta.url));

const tasks = 2;
const settings = {
  tasksPerRound: tasks,
  cohortSize: 1,
  kinds: ['sentiment_analysis'] as const,
  policy: defaultScoringPolicy,
};

const open = (role: 'validator' | 'miner', env: Readonly<Record<string, string>>): Tracing => {
  const tracing = openTracing({ env, role, version: '1.2.3', log: recordingLog().log });
  if (tracing === null) throw new Error('traces are off');
  return tracing;
};

describe('actors / tracing', () => {
  const folder = dataFolder();
  let pool: Awaited<ReturnType<typeof openTestPool>>;
  let collector: TraceCollector;
  const endings: (() => unknown)[] = [];
  beforeAll(async () => {
    pool = await openTestPool({ modelDirs: [sentiment] });
    pool.pool.startWorker(0);
    await pool.event('worker.ready');
  });
  afterEach(async () => {
    for (const end of endings.splice(0)) await end();
    folder.remove();
  });
  afterAll(() => pool.close());

  /** Holds one round with one miner to its end, and ends both sides. */
  const holdRound = async (ratio: string): Promise<readonly string[]> => {
    collector = await openTraceCollector();
    endings.push(collector.close);
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_TRACES_SAMPLER_ARG: ratio };
    const life = await openValidatorLife(folder.dir, undefined, open('validator', env));
    const desk = createTaskDesk({ pool: pool.pool });
    const miner = await openOutboxMiner('//Miner', { desk, tracing: open('miner', env) });
    await miner.dial(life);
    const candidates = [{ uid: 1, hotkey: miner.hotkey, stake: 0 }];
    const input = { epoch: 7, block: 100, candidates, deadlineMs: 20_000 };
    const planned = await askOnce(planRound(life.runtime, settings), input);
    if (!planned.ok) throw new Error(planned.error.message);
    const { roundId } = planned.value;
    const texts = (life.book.plans.get(roundId)?.tasks ?? []).map(
      ({ request }) => (request as { readonly text: string }).text,
    );
    const round = hostLink(cohort(life.runtime), { roundId });
    await round.event('cohort.complete');
    round.tell({ type: 'round.expire' });
    await round.event('cohort.settled');
    await until(() => miner.outbox.counts().answers === 0, 'the acknowledgements');
    await miner.end();
    await life.end();
    return texts;
  };

  const traces = (): readonly (readonly CollectedSpan[])[] => [
    ...Map.groupBy(collector.spans, ({ traceId }) => traceId).values(),
  ];
  const named = (trace: readonly CollectedSpan[], name: string): CollectedSpan => {
    const found = trace.filter((span) => span.name === name);
    const [span] = found;
    if (span === undefined || found.length > 1) throw new Error(`${found.length} spans ${name}`);
    return span;
  };

  it('make one trace of each request, with the spans of both sides from the task to its verdict', async () => {
    await holdRound('1');
    expect(traces()).toHaveLength(tasks);
    for (const trace of traces()) {
      const names = trace.map(({ service, name }) => `${service} ${name}`).toSorted();
      expect(names).toEqual([
        'miaoai-miner answer.send',
        'miaoai-miner inference.queue',
        'miaoai-miner inference.run',
        'miaoai-miner task.receive',
        'miaoai-validator answer.judge',
        'miaoai-validator evidence.append',
        'miaoai-validator round.plan',
        'miaoai-validator task',
        'miaoai-validator task.ask',
      ]);
      const [task, ask] = [named(trace, 'task'), named(trace, 'task.ask')];
      expect(task.parentSpanId).toBeUndefined();
      for (const { name, service, parentSpanId } of trace) {
        if (name !== 'task') expect(parentSpanId).toBe(service === 'miaoai-miner' ? ask.spanId : task.spanId);
      }
      expect(task.attributes).toMatchObject({ 'miaoai.outcome': 'judged', 'miaoai.uid': '1' });
      expect(trace.filter(({ error }) => error !== null)).toEqual([]);
    }
  });

  it('has its spans in the order of what happened', async () => {
    await holdRound('1');
    // One host and one clock, read by two offsets: each is exact to about a millisecond.
    const slackNanos = 5_000_000n;
    for (const trace of traces()) {
      const order = ['round.plan', 'task.ask', 'task.receive', 'inference.queue', 'inference.run'];
      const starts = [...order, 'answer.send', 'evidence.append'].map((name) => named(trace, name).fromNanos);
      for (const [index, start] of starts.entries()) {
        expect(start + slackNanos).toBeGreaterThanOrEqual(starts[index - 1] ?? 0n);
      }
      const task = named(trace, 'task');
      for (const { fromNanos, toNanos } of trace) expect(toNanos).toBeGreaterThanOrEqual(fromNanos);
      expect(task.fromNanos).toBe(named(trace, 'round.plan').fromNanos);
      expect(task.toNanos + slackNanos).toBeGreaterThanOrEqual(named(trace, 'answer.judge').toNanos);
    }
  });

  it('holds nothing of what was asked, answered or true', async () => {
    const texts = await holdRound('1');
    const text = JSON.stringify(collector.spans, (_, value) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    expect(texts).toHaveLength(tasks);
    for (const asked of texts) expect(text).not.toContain(asked);
    expect(text).not.toMatch(/positive|negative|sentiment_score|confidence|truth|requestKey/i);
  });

  it('sends nothing of a request that is not sampled', async () => {
    await holdRound('0');
    expect(collector.requests).toEqual([]);
  });
});
