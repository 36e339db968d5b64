import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Gateway, type GatewayOptions, openGateway } from '#src/gateway/gateway.ts';
import { ask, gatewayStage, manualSources } from '#test/support/gatewayStage.ts';

describe('gateway / gateway', () => {
  const stage = gatewayStage();
  const manual = manualSources();
  const levels: string[] = [];
  const secret = 'k'.repeat(43);
  let gateway: Gateway;

  beforeAll(async () => {
    gateway = await stage.open({
      sources: manual.sources,
      control: { secret, setLogLevel: (level) => void levels.push(level) },
    });
  });
  afterAll(() => stage.close());

  const get = (path: string, headers: Readonly<Record<string, string>> = {}) =>
    ask(gateway.port, path, { headers });

  it.each([
    '/',
    '/sessions',
    '/sessions/7',
    '/rounds',
    '/weights',
    '/chain',
    '/machines',
    '/logs',
    '/config',
  ])('answers %s with the page', async (path) => {
    const { status, headers, body } = await get(path);
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['cache-control']).toBe('no-cache');
    expect(body).toContain('<title>page</title>');
  });

  it.each([
    '/requests',
    '/nothing',
    '/sessions/abc',
    '/index.html',
    '/api/nothing',
    '/%zz',
    '/api/charts/nothing',
  ])('answers %s with 404 or 400, and never with the page', async (path) => {
    const { status, body } = await get(path);
    expect([400, 404]).toContain(status);
    expect(body).not.toContain('<title>page</title>');
  });

  it('lets hashed files be kept for ever, compresses them, and knows who has them', async () => {
    const path = '/assets/index-AbCd1234.js';
    const plain = await get(path);
    expect(plain.headers['content-type']).toBe('text/javascript; charset=utf-8');
    expect(plain.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(plain.headers['content-encoding']).toBeUndefined();
    const zipped = await get(path, { 'accept-encoding': 'gzip, br' });
    expect(zipped.headers['content-encoding']).toBe('gzip');
    expect(zipped.body.length).toBeLessThan(plain.body.length);
    const etag = String(plain.headers['etag']);
    const again = await get(path, { 'if-none-match': `"other", W/${etag}` });
    expect(again).toMatchObject({ status: 304, body: '' });
  });

  it('tells the API as JSON that nobody keeps', async () => {
    for (const path of ['/api/status', '/api/config', '/api/doctor', '/api/charts', '/api/history']) {
      const { status, headers, body } = await get(path);
      expect(status).toBe(200);
      expect(headers['cache-control']).toBe('no-store');
      expect(headers['content-type']).toBe('application/json; charset=utf-8');
      expect(() => JSON.parse(body)).not.toThrow();
    }
    expect((await get('/api/charts')).body).toBe('["epoch"]');
    expect((await get('/api/charts/epoch')).body).toBe('{"chart":{}}');
    expect((await get('/api/sessions/9')).status).toBe(404);
    expect((await get('/api/inspection')).headers['content-disposition']).toContain('attachment');
    expect((await get('/api/logs')).headers['content-type']).toContain('application/x-ndjson');
  });

  it('answers probes by what the daemon says, reasons included', async () => {
    expect(await get('/livez')).toMatchObject({ status: 200 });
    expect(await get('/readyz')).toMatchObject({ status: 200 });
    manual.present.isReady = false;
    for (const path of ['/readyz', '/healthz']) {
      const { status, body } = await get(path);
      expect(status).toBe(503);
      expect(JSON.parse(body)).toEqual({ status: 'not ok', reasons: ['no node answers'] });
    }
    expect((await get('/livez')).status).toBe(200);
    manual.present.isReady = true;
    const { headers, body } = await get('/metrics');
    expect(headers['content-type']).toContain('version=0.0.4');
    expect(body).toBe('miaoai_test 1\n');
  });

  it('says by HEAD what GET would say, without a body, and takes no place in the stream', async () => {
    for (const path of ['/', '/api/status', '/api/stream?topics=view', '/livez']) {
      const { status, body } = await ask(gateway.port, path, { method: 'HEAD' });
      expect([status, body]).toEqual([200, '']);
    }
    expect(manual.view.followers.size).toBe(0);
  });

  it('changes the log level for who knows the secret of the run, and for nobody else', async () => {
    const post = (body: string, headers: Readonly<Record<string, string>> = {}) =>
      ask(gateway.port, '/control/log-level', {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json', ...headers },
      });
    const right = { authorization: `Bearer ${secret}` };
    expect((await post('{"level":"debug"}')).status).toBe(401);
    expect((await post('{"level":"debug"}', { authorization: 'Bearer wrong' })).status).toBe(401);
    expect((await post('{"level":"loud"}', right)).status).toBe(400);
    expect((await post('{', right)).status).toBe(400);
    expect(levels).toEqual([]);
    expect(await post('{"level":"debug"}', right)).toMatchObject({ status: 200, body: '{"level":"debug"}' });
    expect(levels).toEqual(['debug']);
  });

  it('takes another port where nobody wants this one, and refuses where somebody does', async () => {
    const held = createServer();
    await new Promise<void>((resolve) => held.listen(0, '127.0.0.1', resolve));
    const address = held.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const other = await stage.open({ port });
    expect(other.port).not.toBe(port);
    await expect(stage.open({ port, isPortFixed: true })).rejects.toThrow(`port ${port}`);
    await new Promise((resolve) => held.close(resolve));
  });

  const openDirectly = (options: Pick<GatewayOptions, 'host' | 'idleMs'>) =>
    openGateway({
      role: 'miner',
      port: 0,
      isPortFixed: false,
      token: null,
      metricsToken: null,
      allowedHosts: [],
      uiDir: stage.dir,
      chartsDir: stage.dir,
      sources: manual.sources,
      control: { secret, setLogLevel: () => {} },
      log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
      ...options,
    });

  it('opens no address of others without a token', async () => {
    const opened = await openDirectly({ host: '0.0.0.0' });
    expect(opened).toMatchObject({ ok: false, error: { reason: 'tokenNeeded' } });
  });

  it('says why it cannot be built and throws nothing into the daemon', async () => {
    const opened = await openDirectly({ host: '127.0.0.1', idleMs: 0.5 });
    expect(opened).toMatchObject({
      ok: false,
      error: { reason: 'failed', message: expect.stringContaining('must be integer') },
    });
  });

  it('turns an error of the daemon into a reply that says nothing of it', async () => {
    const told: unknown[] = [];
    const broken = await stage.open({
      sources: {
        ...manual.sources,
        status: () => {
          throw new Error('inside');
        },
        sessionDetail: () => Promise.reject(new Error('inside')),
      },
      log: {
        debug: () => {},
        info: () => {},
        warn: (fields) => void told.push(fields.event),
        error: () => {},
      },
    });
    for (const path of ['/api/status', '/api/sessions/3']) {
      const { status, body } = await ask(broken.port, path);
      expect(status).toBe(500);
      expect(body).not.toContain('inside');
    }
    expect(told).toEqual(['dashboard.failed', 'dashboard.failed']);
  });
});
