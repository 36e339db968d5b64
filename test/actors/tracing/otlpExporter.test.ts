import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createOtlpExporter, type Span, type SpanExporter } from '#src/actors/tracing/otlpExporter.ts';
import { traceIdsOf } from '#src/actors/tracing/traceIds.ts';
import { type TraceSettings, traceSettingsOf } from '#src/actors/tracing/traceSettings.ts';
import { recordingLog } from '#test/support/actors.ts';
import { until } from '#test/support/peers.ts';
import { openTraceCollector, type TraceCollector } from '#test/support/traceCollector.ts';

const spanOf = (name: string, more: Partial<Span> = {}): Span => ({
  traceId: traceIdsOf(name).traceId,
  spanId: traceIdsOf(name).askSpanId,
  parentSpanId: null,
  name,
  kind: 'internal',
  fromMs: 10,
  toMs: 20.5,
  attributes: { text: 'a', whole: 3, part: 0.5, flag: true },
  error: null,
  ...more,
});

describe('actors / tracing / otlpExporter', () => {
  let collector: TraceCollector;
  let now = (): number => 0;
  const { log, lines } = recordingLog();
  const exporters: SpanExporter[] = [];
  beforeEach(async () => {
    collector = await openTraceCollector();
    lines.length = 0;
    now = () => 0;
  });
  afterEach(async () => {
    await Promise.all(exporters.splice(0).map(({ close }) => close()));
    await collector.close();
  });

  const open = (env: Readonly<Record<string, string>> = {}): SpanExporter => {
    const all = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '20', ...env };
    const { settings } = traceSettingsOf(all, { role: 'miner', version: '1' });
    const exporter = createOtlpExporter(settings as TraceSettings, { log, now: () => now() });
    exporters.push(exporter);
    return exporter;
  };
  const failures = () => lines.filter(({ event }) => event === 'traces.failed');

  it('posts spans as OTLP in JSON, with the headers that were asked for', async () => {
    const { push } = open({ OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=a%20b', OTEL_SERVICE_NAME: 'mine' });
    push(spanOf('one', { error: 'busy' }));
    await until(() => collector.spans.length === 1, 'the span');
    const [request] = collector.requests;
    expect(request?.path).toBe('POST /v1/traces');
    expect(request?.headers).toMatchObject({ 'content-type': 'application/json', 'x-tenant': 'a b' });
    const [span] = collector.spans;
    expect(span).toMatchObject({ service: 'mine', name: 'one', error: 'busy', parentSpanId: undefined });
    expect(span?.attributes).toEqual({ text: 'a', whole: '3', part: 0.5, flag: true });
    expect((span?.toNanos ?? 0n) - (span?.fromNanos ?? 0n)).toBe(10_500_000n);
    const unixMs = Number((span?.fromNanos ?? 0n) / 1_000_000n);
    expect(Math.abs(unixMs - (Date.now() - performance.now() + 10))).toBeLessThan(1_000);
  });

  it('sends what waits when it is closed, and takes nothing afterwards', async () => {
    const exporter = open({ OTEL_BSP_SCHEDULE_DELAY: '600000' });
    exporter.push(spanOf('last'));
    await exporter.close();
    exporter.push(spanOf('too late'));
    await exporter.close();
    expect(collector.spans.map(({ name }) => name)).toEqual(['last']);
  });

  it('sends a full batch at once', async () => {
    const { push } = open({ OTEL_BSP_SCHEDULE_DELAY: '600000', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '3' });
    for (const name of ['a', 'b', 'c']) push(spanOf(name));
    await until(() => collector.spans.length === 3, 'the batch');
    expect(collector.requests).toHaveLength(1);
  });

  it('drops what is beyond its queue while a collector hangs, and ends nevertheless', async () => {
    collector.status = 0;
    const limits = { OTEL_BSP_MAX_QUEUE_SIZE: '5', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '2' };
    const exporter = open({ ...limits, OTEL_EXPORTER_OTLP_TIMEOUT: '200' });
    for (let i = 0; i < 1_000; i += 1) exporter.push(spanOf(`span ${i}`));
    await until(() => collector.requests.length > 0, 'a request');
    expect(collector.requests).toHaveLength(1);
    const fromMs = performance.now();
    await exporter.close();
    expect(performance.now() - fromMs).toBeLessThan(3_500);
    expect(failures()).toHaveLength(1);
  });

  it('warns of a collector that refuses once in ten minutes, and delivers when it is back', async () => {
    collector.status = 503;
    const { push } = open();
    push(spanOf('lost'));
    await until(() => collector.requests.length === 1, 'the first export');
    push(spanOf('lost too'));
    await until(() => collector.requests.length === 2, 'the second export');
    await until(() => failures().length === 1, 'a warning');
    expect(failures()).toMatchObject([{ level: 'warn', failure: 'the collector answered 503' }]);
    // There is one export at a time: when the third arrives, the second is accounted for.
    now = () => (collector.requests.length < 3 ? 0 : 600_000);
    push(spanOf('lost as well'));
    await until(() => failures().length === 2, 'the next warning');
    expect(failures()[1]).toMatchObject({ lost: 2 });
    collector.status = 200;
    push(spanOf('kept'));
    await until(() => collector.spans.length === 1, 'a span');
    expect(collector.spans[0]?.name).toBe('kept');
  });

  it('says why a collector cannot be reached', async () => {
    const { push } = open({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:1/v1/traces' });
    push(spanOf('lost'));
    await until(() => failures().length === 1, 'a warning');
    expect(String(failures()[0]?.['failure'])).toMatch(/fetch failed: .+/);
  });
});
