import { connect } from 'node:net';
import { join } from 'node:path';
import * as Redacted from 'effect/Redacted';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Gateway } from '#src/gateway/gateway.ts';
import { tokenOfFile } from '#src/gateway/tokenFile.ts';
import { type Answer, ask, gatewayStage } from '#test/support/gatewayStage.ts';

const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };

const expectGuarded = ({ headers, body }: Answer, path: string): void => {
  expect(headers['content-security-policy']).toContain("default-src 'self'");
  expect(headers['x-content-type-options']).toBe('nosniff');
  expect(headers['cache-control']).toBe('no-store');
  expect(body).not.toContain(path);
  expect(body).not.toContain('FST_ERR');
};

describe('gateway / guard of spelled addresses', () => {
  const stage = gatewayStage();
  const metricsToken = Redacted.make('m'.repeat(40));
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await stage.open({ metricsToken });
  });
  afterAll(() => stage.close());

  it.each([
    '/%61pi/stream',
    '/%61pi/inspection',
    '/%61pi/doctor',
    '/api%2fstatus',
    '/a%70i/status?a=1',
    '/%6civez',
    '/assets/index-AbCd1234%2ejs',
    '/sessions/%37',
    '/%zz',
    '/%',
  ])('refuses %s, which only the router would take for an address of its own', async (path) => {
    const own = await ask(gateway.port, path);
    expect(own.status).toBe(400);
    expectGuarded(own, path);
    const others = await ask(gateway.port, path, { headers: foreign });
    expect([400, 403]).toContain(others.status);
    expectGuarded(others, path);
  });

  it('refuses metrics without their token, however the address is spelled', async () => {
    expect((await ask(gateway.port, '/metrics')).status).toBe(401);
    const authorization = `Bearer ${Redacted.value(metricsToken)}`;
    for (const path of ['/%6detrics', '/m%65trics', '/metrics%23', '/metrics#x', '/metrics#?x']) {
      expect([path, (await ask(gateway.port, path)).status]).toEqual([path, 400]);
      expect([path, (await ask(gateway.port, path, { headers: { authorization } })).status]).toEqual([
        path,
        400,
      ]);
    }
    expect((await ask(gateway.port, '/metrics', { headers: { authorization } })).status).toBe(200);
  });

  it('refuses an address that begins with a host', async () => {
    const { port } = gateway;
    for (const path of [
      `http://127.0.0.1:${port}/api/status`,
      `http://127.0.0.1:${port}/metrics`,
      'http://evil.example/api/stream',
      'x:/api/status',
      '*',
    ]) {
      const own = await ask(port, path);
      expect([path, own.status]).toEqual([path, 400]);
      expectGuarded(own, path);
      expect([400, 403]).toContain((await ask(port, path, { headers: foreign })).status);
    }
  });

  it('lets a query be spelled as it likes', async () => {
    expect((await ask(gateway.port, '/rounds?round=%61%2f%23')).status).toBe(200);
    expect((await ask(gateway.port, '/api/stream?topics=%76iew', { method: 'HEAD' })).status).toBe(200);
  });
});

describe('gateway / guard of what the router answers by itself', () => {
  const stage = gatewayStage();
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await stage.open();
  });
  afterAll(() => stage.close());

  const tooLong = `/api/charts/${'x'.repeat(70)}`;

  it('answers an address that is too long like any other refusal', async () => {
    const answer = await ask(gateway.port, tooLong);
    expect(answer.status).toBe(414);
    expectGuarded(answer, tooLong);
    expect(JSON.parse(answer.body)).toMatchObject({ error: { status: 414 } });
  });

  it('asks for its own name and its own page there as well', async () => {
    for (const path of [tooLong, '/%zz']) {
      const rebound = await ask(gateway.port, path, { headers: { host: 'evil.example' } });
      expect([path, rebound.status]).toEqual([path, 403]);
      expectGuarded(rebound, path);
    }
    expect((await ask(gateway.port, tooLong, { headers: foreign })).status).toBe(403);
    expect((await ask(gateway.port, tooLong, { method: 'DELETE' })).status).toBe(405);
  });

  it('says the same of what is no request at all', async () => {
    for (const path of ['x:/api/status', `/api/status?${'x'.repeat(20_000)}`]) {
      const answer = await ask(gateway.port, path);
      expect([400, 431]).toContain(answer.status);
      expectGuarded(answer, path);
    }
  });

  it('asks for the login there as well', async () => {
    const read = tokenOfFile(join(stage.dir, 'token'));
    const closed = await stage.open({ token: read.ok ? read.value : null });
    expect((await ask(closed.port, tooLong)).status).toBe(401);
  });
});

describe('gateway / guard of a configured name', () => {
  const stage = gatewayStage();
  // Resolved like a name, and on every machine to a loopback address.
  const host = '127.1';
  const control = { secret: 's'.repeat(43), setLogLevel: () => {} };
  let gateway: Gateway;
  beforeAll(async () => {
    const read = tokenOfFile(join(stage.dir, 'token'));
    gateway = await stage.open({ host, control, token: read.ok ? read.value : null });
  });
  afterAll(() => stage.close());

  /** As `curl` sends it: `fetch` and `URL` would mend the name. */
  const statusAt = (address: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const [name = '', port = ''] = address.split(':');
      const socket = connect(Number(port), name);
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk.toString('utf8');
      });
      socket.on('error', reject);
      socket.on('close', () => resolve(text.split(' ', 2)[1] ?? ''));
      socket.write(
        `GET /api/status HTTP/1.1\r\nHost: ${address}\r\nAuthorization: Bearer ${control.secret}\r\nConnection: close\r\n\r\n`,
      );
    });

  it('answers at the address that it says it has', async () => {
    expect(gateway.url).toBe(`http://${host}:${gateway.port}`);
    expect(await statusAt(gateway.url.slice('http://'.length))).toBe('200');
  });

  it('takes that name with its own port and for its own page alone', async () => {
    const authorization = `Bearer ${control.secret}`;
    const status = async (headers: Readonly<Record<string, string>>): Promise<number> =>
      (await ask(gateway.port, '/api/status', { headers: { authorization, ...headers } })).status;
    expect(await status({ host: `${host}:1` })).toBe(403);
    expect(await status({ host: `x.${host}:${gateway.port}` })).toBe(403);
    expect(await status({ host: `127.0.0.1:${gateway.port}` })).toBe(200);
    expect(await status({ host: `0.0.0.0:${gateway.port}` })).toBe(403);
  });
});
