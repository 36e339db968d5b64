import { connect } from 'node:net';
import { join } from 'node:path';
import * as Redacted from 'effect/Redacted';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Gateway } from '#src/gateway/gateway.ts';
import { writeTicket } from '#src/gateway/ticket.ts';
import { tokenOfFile } from '#src/gateway/tokenFile.ts';
import { ask, gatewayStage, manualSources } from '#test/support/gatewayStage.ts';

const secret = 's'.repeat(43);

describe('gateway / attacks from a web page', () => {
  const stage = gatewayStage();
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await stage.open({ allowedHosts: ['miner.example', 'tunnel.example:9000'] });
  });
  afterAll(() => stage.close());

  const withHost = async (host: string): Promise<number> =>
    (await ask(gateway.port, '/api/status', { headers: { host } })).status;

  it('answers to its own names alone', async () => {
    const { port } = gateway;
    for (const host of [
      `127.0.0.1:${port}`,
      `localhost:${port}`,
      `LOCALHOST:${port}`,
      `[::1]:${port}`,
      'miner.example',
      'miner.example:443',
      'tunnel.example:9000',
    ])
      expect([host, await withHost(host)]).toEqual([host, 200]);
    for (const host of [
      `evil.example:${port}`,
      'localhost:1',
      'localhost',
      `localhost.evil.example:${port}`,
      `127.0.0.1.evil.example:${port}`,
      'tunnel.example:9001',
      `evil.example@127.0.0.1:${port}`,
      `127.0.0.1:${port}/evil`,
      'evil.example:x',
    ])
      expect([host, await withHost(host)]).toEqual([host, 403]);
  });

  it('protects every address from a rebound name, probes and files too', async () => {
    for (const path of [
      '/',
      '/livez',
      '/metrics',
      '/assets/index-AbCd1234.js',
      '/nothing',
      '/login?ticket=x',
    ])
      expect((await ask(gateway.port, path, { headers: { host: 'evil.example' } })).status).toBe(403);
  });

  it('takes nothing from foreign pages', async () => {
    const origin = 'https://evil.example';
    const control = (headers: Readonly<Record<string, string>>) =>
      ask(gateway.port, '/control/log-level', { method: 'POST', body: '{"level":"debug"}', headers });
    expect((await control({ origin })).status).toBe(403);
    expect((await control({ origin: 'null' })).status).toBe(403);
    expect((await control({ origin: 'http://localhost:1' })).status).toBe(403);
    // It may not take the places of the stream either.
    for (const headers of [{ origin }, { 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }])
      expect((await ask(gateway.port, '/api/stream?topics=view', { headers })).status).toBe(403);
    const own = { origin: `http://127.0.0.1:${gateway.port}`, 'sec-fetch-site': 'same-origin' };
    expect((await ask(gateway.port, '/api/status', { headers: own })).status).toBe(200);
  });

  it('tells every reader to trust nothing else, whatever the reply', async () => {
    for (const path of ['/', '/api/status', '/nothing', '/livez', '/assets/index-AbCd1234.js']) {
      const { headers } = await ask(gateway.port, path);
      expect(headers['content-security-policy']).toContain("default-src 'self'");
      expect(headers['content-security-policy']).not.toContain('unsafe');
      expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
      expect(headers['x-frame-options']).toBe('DENY');
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['referrer-policy']).toBe('no-referrer');
      expect(headers['access-control-allow-origin']).toBeUndefined();
      expect(headers['server'] ?? headers['x-powered-by']).toBeUndefined();
    }
  });

  it('leads to no file outside of the page', async () => {
    for (const path of [
      '/../secret.txt',
      '/assets/../../secret.txt',
      '/%2e%2e/secret.txt',
      '/..%2fsecret.txt',
      '/assets/..%5c..%5csecret.txt',
      '//etc/passwd',
      '/api/charts/..%2f..%2fsecret.txt',
      '/api/charts/%2e%2e%2fsecret',
      '/assets/index-AbCd1234.js%00.txt',
    ]) {
      const { status, body } = await ask(gateway.port, path);
      expect([400, 404]).toContain(status);
      expect(body).not.toContain('outside');
      expect(body).not.toContain('root:');
    }
  });

  it('takes no other method, and no body to speak of', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE'])
      for (const path of ['/', '/api/status', '/sessions/3', '/login']) {
        const { status, headers } = await ask(gateway.port, path, { method });
        expect([404, 405]).toContain(status);
        if (status === 405) expect(headers['allow']).toBe('GET, HEAD');
      }
    const large = await ask(gateway.port, '/control/log-level', {
      method: 'POST',
      headers: { authorization: `Bearer ${'c'.repeat(43)}`, 'content-type': 'application/json' },
      body: JSON.stringify({ level: 'debug', more: 'x'.repeat(5_000) }),
    });
    expect(large.status).toBe(413);
    const long = await ask(gateway.port, `/api/status?${'x'.repeat(20_000)}`);
    expect(long.status).toBe(431);
  });

  it('survives what is no HTTP', async () => {
    const socket = connect(gateway.port, '127.0.0.1');
    socket.on('error', () => {});
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.on('data', () => {});
    socket.end('\u0000\u0001 nonsense\r\n\r\n');
    await closed;
    expect((await ask(gateway.port, '/livez')).status).toBe(200);
  });
});

describe('gateway / attacks on the login', () => {
  const stage = gatewayStage();
  const tokenFile = join(stage.dir, 'token');
  const read = tokenOfFile(tokenFile);
  if (!read.ok) throw new Error(read.error);
  const token = read.value;
  const metricsToken = Redacted.make('m'.repeat(40));
  const control = { secret, setLogLevel: () => {} };
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await stage.open({ token, metricsToken, control, sources: manualSources().sources });
  });
  afterAll(() => stage.close());

  const status = async (path: string, headers: Readonly<Record<string, string>> = {}): Promise<number> =>
    (await ask(gateway.port, path, { headers })).status;
  const login = (ticket: string) => ask(gateway.port, `/login?ticket=${ticket}`);
  const cookieOf = ({ headers }: Awaited<ReturnType<typeof login>>): string =>
    headers['set-cookie']?.[0]?.split(';')[0] ?? '';

  it('shows nothing without a cookie, or with a wrong one', async () => {
    for (const path of [
      '/',
      '/api/status',
      '/assets/index-AbCd1234.js',
      '/api/stream?topics=view',
      '/nothing',
    ]) {
      expect(await status(path)).toBe(401);
      expect(await status(path, { cookie: 'miaoai-00000000=wrong' })).toBe(401);
      expect(await status(path, { authorization: 'Bearer wrong' })).toBe(401);
      expect(await status(path, { authorization: 'Basic d3Jvbmc=' })).toBe(401);
    }
    const { headers, body } = await ask(gateway.port, '/', { headers: { accept: 'text/html' } });
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(body).toContain('miaoai status --link');
  });

  it('lets supervisors probe, and Prometheus in with its own token', async () => {
    expect(await status('/livez')).toBe(200);
    expect(await status('/readyz')).toBe(200);
    expect(await status('/metrics')).toBe(401);
    const authorization = `Bearer ${Redacted.value(metricsToken)}`;
    expect(await status('/metrics', { authorization })).toBe(200);
    expect(await status('/api/status', { authorization })).toBe(401);
    const full = `Bearer ${Redacted.value(token)}`;
    expect(await status('/metrics', { authorization: full })).toBe(200);
    expect(await status('/api/status', { authorization: full })).toBe(200);
  });

  it('takes a ticket once and gives a cookie that scripts and other sites never see', async () => {
    const ticket = writeTicket(secret, Date.now());
    expect(await ask(gateway.port, `/login?ticket=${ticket}`, { method: 'HEAD' })).not.toMatchObject({
      status: 200,
    });
    const taken = await login(ticket);
    expect(taken.status).toBe(200);
    const [cookie = ''] = taken.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(/; HttpOnly; SameSite=Strict$/);
    expect(cookie).not.toContain(Redacted.value(token));
    expect(await status('/api/status', { cookie: `other=1; ${cookieOf(taken)}` })).toBe(200);
    const again = await login(ticket);
    expect(again.status).toBe(401);
    expect(again.headers['set-cookie']).toBeUndefined();
  });

  it('takes no ticket that is over, forged, or of another run', async () => {
    const now = Date.now();
    const [expiry = '', nonce = '', signature = ''] = writeTicket(secret, now).split('.');
    for (const ticket of [
      writeTicket(secret, now - 601_000),
      writeTicket(secret, now + 3_600_000),
      writeTicket('another run'.repeat(4), now),
      `${expiry}x.${nonce}.${signature}`,
      `${expiry}.${nonce}.`,
      '..',
      '',
    ])
      expect((await login(ticket)).status).toBe(401);
  });

  it('stops answering wrong tickets, and takes a right one all the same', async () => {
    const codes: number[] = [];
    for (let tries = 0; tries < 12; tries += 1) codes.push((await login('wrong')).status);
    expect(codes.at(-1)).toBe(429);
    expect((await login(writeTicket(secret, Date.now()))).status).toBe(200);
  });

  it('knows the cookie again after a restart, until the token changes', async () => {
    const cookie = cookieOf(await login(writeTicket(secret, Date.now())));
    const fresh = { secret: 't'.repeat(43), setLogLevel: () => {} };
    const next = await stage.open({ token, control: fresh });
    expect((await ask(next.port, '/api/status', { headers: { cookie } })).status).toBe(200);
    const other = tokenOfFile(join(stage.dir, 'otherToken'));
    const changed = await stage.open({ token: other.ok ? other.value : null, control: fresh });
    expect((await ask(changed.port, '/api/status', { headers: { cookie } })).status).toBe(401);
  });
});
