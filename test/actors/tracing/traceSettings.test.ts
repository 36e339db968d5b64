import { describe, expect, it } from 'vitest';
import { traceSettingsOf } from '#src/actors/tracing/traceSettings.ts';
import { openTracing } from '#src/actors/tracing/tracing.ts';
import { recordingLog } from '#test/support/actors.ts';

const read = (env: Readonly<Record<string, string>>) =>
  traceSettingsOf(env, { role: 'validator', version: '1.2.3' });
const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };

describe('actors / tracing / traceSettings', () => {
  it('is off unless an endpoint is set', () => {
    for (const env of [
      {},
      { OTEL_EXPORTER_OTLP_ENDPOINT: '' },
      { OTEL_TRACES_SAMPLER_ARG: '1' },
      { ...endpoint, OTEL_SDK_DISABLED: 'true' },
      { ...endpoint, OTEL_TRACES_EXPORTER: 'none' },
    ]) {
      expect(read(env)).toEqual({ settings: null, ignored: [] });
      expect(openTracing({ env, role: 'miner', version: '1', log: recordingLog().log })).toBeNull();
    }
  });

  it('has defaults for all the rest', () => {
    expect(read(endpoint)).toEqual({
      ignored: [],
      settings: {
        url: 'http://collector:4318/v1/traces',
        headers: {},
        timeoutMs: 10_000,
        resource: { 'service.name': 'miaoai-validator', 'service.version': '1.2.3' },
        ratio: 0.01,
        exportEveryMs: 5_000,
        maxQueued: 2_048,
        maxBatch: 512,
      },
    });
  });

  it('takes the variables of traces before those of everything', () => {
    const { settings } = read({
      ...endpoint,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://other/in?key=1',
      OTEL_EXPORTER_OTLP_HEADERS: 'a=1',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'Authorization=Basic%20dTpw, b = 2',
      OTEL_EXPORTER_OTLP_TIMEOUT: '5',
      OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '7',
      OTEL_RESOURCE_ATTRIBUTES: 'service.name=x,deployment.environment=test',
      OTEL_SERVICE_NAME: 'y',
    });
    expect(settings).toMatchObject({
      url: 'https://other/in?key=1',
      headers: { authorization: 'Basic dTpw', b: '2' },
      timeoutMs: 7,
      resource: { 'service.name': 'y', 'deployment.environment': 'test' },
    });
  });

  it('names what cannot be read, never shows a header, and goes on with the default', () => {
    const { settings, ignored } = read({
      ...endpoint,
      OTEL_TRACES_SAMPLER_ARG: '2',
      OTEL_EXPORTER_OTLP_TIMEOUT: 'soon',
      OTEL_EXPORTER_OTLP_HEADERS: 'topsecret',
    });
    expect(settings).toMatchObject({ ratio: 0.01, timeoutMs: 10_000, headers: {} });
    expect(ignored.map((line) => line.split(':')[0]).toSorted()).toEqual([
      'OTEL_EXPORTER_OTLP_HEADERS',
      'OTEL_EXPORTER_OTLP_TIMEOUT',
      'OTEL_TRACES_SAMPLER_ARG',
    ]);
    expect(ignored.join()).not.toContain('topsecret');
    expect(read({ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }).settings).toBeNull();
    expect(read({ OTEL_EXPORTER_OTLP_ENDPOINT: 'not a url' }).ignored).toHaveLength(1);
    const withPassword = read({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://u:hunter2@collector' });
    expect(withPassword.settings).toBeNull();
    expect(withPassword.ignored.join()).toMatch(/OTEL_EXPORTER_OTLP_HEADERS/);
    expect(withPassword.ignored.join()).not.toContain('hunter2');
    expect(read({ ...endpoint, OTEL_EXPORTER_OTLP_HEADERS: 'a=b%0Ac' })).toMatchObject({
      settings: { headers: {} },
      ignored: [expect.stringContaining('HEADERS')],
    });
  });

  it('tells at its start where traces go, without a query', async () => {
    const { log, lines } = recordingLog();
    const env = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:4318/in?key=1' };
    const tracing = openTracing({ env, role: 'miner', version: '1', log });
    await tracing?.close();
    expect(lines).toMatchObject([{ event: 'traces.opened', collector: 'http://127.0.0.1:4318/in' }]);
  });
});
