import { createServer, type Server, type Socket as TcpSocket } from 'node:net';
import * as Effect from 'effect/Effect';
import { afterEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import type { ChainError } from '#src/chain/errors.ts';
import { openRpc, type Rpc } from '#src/chain/rpc.ts';
import { maskEndpoint } from '#src/domain/endpoint.ts';

/** Of tests that are not about deadlines: nothing of theirs takes so long, on a busy machine either. */
const DEADLINES = { connectMs: 10_000, callMs: 10_000 };
const SHORT = { connectMs: 300, callMs: 300 };
const closers: (() => void)[] = [];

const portOf = (server: { address(): unknown }): number => {
  const address = server.address();
  if (typeof address !== 'object' || address === null || !('port' in address))
    throw new Error('not listening');
  return Number(address.port);
};

/** A node that answers each JSON-RPC request as `reply` says; it sees the socket to misbehave with. */
const node = async (
  reply: (socket: WebSocket, request: { id: number; method: string }) => void,
): Promise<string> => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await new Promise<void>((listening) => server.on('listening', () => listening()));
  server.on('connection', (socket) => {
    socket.on('message', (data) => reply(socket, JSON.parse(String(data))));
    closers.push(() => socket.terminate());
  });
  closers.push(() => server.close());
  return `ws://127.0.0.1:${portOf(server)}`;
};

/** A TCP server that does with each connection what `handle` says. */
const tcp = async (
  handle: (socket: TcpSocket) => void,
): Promise<{ url: string; open: () => Promise<number> }> => {
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined);
    closers.push(() => socket.destroy());
    // Reading is what makes Node notice the other side's end.
    socket.resume();
    handle(socket);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  closers.push(() => server.close());
  const open = (): Promise<number> =>
    new Promise((resolve, reject) =>
      server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
    );
  return { url: `ws://127.0.0.1:${portOf(server)}`, open };
};

const ok = (socket: WebSocket, id: number, result: unknown): void =>
  socket.send(JSON.stringify({ jsonrpc: '2.0', id, result }));

const use = <A>(
  endpoint: string,
  program: (rpc: Rpc) => Effect.Effect<A, ChainError>,
  deadlines: typeof DEADLINES = DEADLINES,
): Promise<A> =>
  Effect.runPromise(Effect.scoped(Effect.flatMap(openRpc({ endpoint, ...deadlines }), program)));

const failure = (
  endpoint: string,
  program: (rpc: Rpc) => Effect.Effect<unknown, ChainError>,
  deadlines: typeof DEADLINES = DEADLINES,
) =>
  Effect.runPromise(Effect.flip(Effect.scoped(Effect.flatMap(openRpc({ endpoint, ...deadlines }), program))));

/** The error of a call that must not succeed. */
const refused = (effect: Effect.Effect<unknown, ChainError>): Effect.Effect<ChainError> =>
  Effect.orDie(Effect.flip(effect));
const call = (rpc: Rpc) => rpc.call('system_chain', []);
const elapsedMs = async (run: () => Promise<unknown>): Promise<number> => {
  const startMs = performance.now();
  await run();
  return performance.now() - startMs;
};
const until = async (isTrue: () => Promise<boolean>): Promise<void> => {
  while (!(await isTrue())) await new Promise((wait) => setTimeout(wait, 10));
};

describe('chain / rpc', () => {
  afterEach(() => {
    for (const close of closers.splice(0)) close();
  });

  it('gives each caller its own answer, in whatever order they come', async () => {
    const held: (() => void)[] = [];
    const url = await node((socket, { id, method }) => {
      held.push(() => ok(socket, id, method));
      if (held.length === 3) for (const send of held.reverse()) send();
    });
    const methods = ['a', 'b', 'c'];
    const answers = await use(url, (rpc) =>
      Effect.all(
        methods.map((m) => rpc.call(m, [])),
        { concurrency: 3 },
      ),
    );
    expect(answers).toEqual(methods);
  });

  it("passes on the node's refusal with code and data", async () => {
    const url = await node((socket, { id }) =>
      socket.send(
        JSON.stringify({
          jsonrpc: '2.0',
          id,
          error: { code: 1010, message: 'Invalid', data: 'Custom error: 6' },
        }),
      ),
    );
    expect(await failure(url, call)).toMatchObject({
      _tag: 'RpcRefused',
      code: 1010,
      data: 'Custom error: 6',
    });
  });

  it.each([
    ['a server accepts and never speaks', 'ws', undefined],
    ['a server never begins with TLS', 'wss', undefined],
    ['the answer to the upgrade never ends', 'ws', 'HTTP/1.1 101 Switching Protocols\r\nX-Slow: '],
    ['a refusal never ends', 'ws', 'HTTP/1.1 503 Service Unavailable\r\nRetry-After: '],
  ])('fails within its deadline where %s', async (_name, scheme, begins) => {
    const hole = await tcp((socket) => {
      if (begins === undefined) return;
      socket.write(begins);
      const drip = setInterval(() => socket.write('x'), 20);
      socket.on('close', () => clearInterval(drip));
    });
    let error: unknown;
    const tookMs = await elapsedMs(async () => {
      error = await failure(hole.url.replace('ws:', `${scheme}:`), call, SHORT);
    });
    expect(error).toMatchObject({ _tag: 'ChainUnreachable', operation: 'connect' });
    expect(tookMs).toBeGreaterThanOrEqual(290);
    // Without a deadline it would never end.
    expect(tookMs).toBeLessThan(3_000);
    await until(async () => (await hole.open()) === 0);
  });

  it.each([
    ['ws://127.0.0.1:1', /ECONNREFUSED/],
    ['ws://no-such-host.invalid:9944', /ENOTFOUND|EAI_AGAIN|no connection within/],
    ['http://127.0.0.1:1', /ws:\/\/ or wss:\/\//],
    ['nonsense', /ws:\/\/ or wss:\/\//],
    ['ws://', /Invalid URL/],
  ])('says why %s cannot be reached', async (endpoint, reason) => {
    const error = await failure(endpoint, call, SHORT);
    expect(error).toMatchObject({ _tag: 'ChainUnreachable', endpoint: maskEndpoint(endpoint) });
    expect(error.message).toMatch(reason);
  });

  it.each([
    'ws://user:hunter2@127.0.0.1:1/',
    'ws://127.0.0.1:1/?apikey=hunter2',
    'ws://127.0.0.1:99999/hunter2',
  ])('keeps the credentials of %s out of its errors', async (endpoint) => {
    const error = await failure(endpoint, call);
    expect(error._tag).toBe('ChainUnreachable');
    expect(`${error.message} ${JSON.stringify(error)}`).not.toContain('hunter2');
  });

  it.each(['403 Forbidden', '429 Too Many Requests', '503 Service Unavailable', '301 Moved'])(
    'says so when a web server answers with %s',
    async (status) => {
      const head = `HTTP/1.1 ${status}\r\nLocation: /\r\nContent-Length: 0\r\n\r\n`;
      const web = await tcp((socket) => socket.end(head));
      expect((await failure(web.url, call)).message).toContain(status.slice(0, 3));
      await until(async () => (await web.open()) === 0);
    },
  );

  it('says so when the server has no TLS', async () => {
    const plain = await tcp((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const error = await failure(plain.url.replace('ws:', 'wss:'), call);
    expect(error).toMatchObject({ _tag: 'ChainUnreachable', operation: 'connect' });
    expect(error.message).toMatch(/ssl|tls|EPROTO/i);
  });

  it('refuses a handshake that was not made for its key', async () => {
    const liar = await tcp((socket) =>
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n',
      ),
    );
    expect((await failure(liar.url, call)).message).toContain('Sec-WebSocket-Accept');
    await until(async () => (await liar.open()) === 0);
  });

  it('gives up a call that is never answered, and keeps the connection', async () => {
    const url = await node((socket, { id, method }) => {
      if (method === 'second') ok(socket, id, 'fine');
    });
    const answers = await use(
      url,
      (rpc) => Effect.all([refused(rpc.call('first', [])), rpc.call('second', [])]),
      { ...SHORT, connectMs: 10_000 },
    );
    expect(answers[0]).toMatchObject({ _tag: 'ChainUnreachable', operation: 'first' });
    expect(answers[1]).toBe('fine');
  });

  it('fails every waiting call at once when the connection is cut', async () => {
    const url = await node((socket, { method }) => {
      if (method === 'cut') socket.terminate();
    });
    const tookMs = await elapsedMs(() =>
      use(
        url,
        (rpc) =>
          Effect.gen(function* () {
            const waiting = ['a', 'b', 'cut'].map((method) => refused(rpc.call(method, [])));
            const errors = yield* Effect.all(waiting, { concurrency: 3 });
            expect(errors.map(({ _tag }) => _tag)).toEqual(Array(3).fill('ChainUnreachable'));
            expect((yield* refused(rpc.call('late', [])))._tag).toBe('ChainUnreachable');
            expect((yield* refused(rpc.lost))._tag).toBe('ChainUnreachable');
          }),
        { connectMs: 1_000, callMs: 10_000 },
      ),
    );
    expect(tookMs).toBeLessThan(5_000);
  });

  it.each([
    ['text that is no JSON', (socket: WebSocket) => socket.send('<html>')],
    ['JSON that is no answer', (socket: WebSocket) => socket.send('[1,2]')],
    ['a binary frame', (socket: WebSocket) => socket.send(Buffer.from([1, 2, 3]))],
    ['broken UTF-8', (socket: WebSocket) => socket.send(Buffer.from([0xff, 0xfe]), { binary: false })],
  ])('drops a node that sends %s', async (_name, misbehave) => {
    const url = await node((socket) => misbehave(socket));
    expect((await failure(url, call))._tag).toBe('ChainUnreachable');
  });

  it.each([
    [
      'an error',
      (id: number, deep: string) => `{"id":${id},"error":{"code":1,"message":"x","data":${deep}}}`,
    ],
    [
      'a field of an error',
      (id: number, deep: string) => `{"id":${id},"error":{"code":1,"message":"x","data":{"a":${deep}}}}`,
    ],
  ])('survives %s that is nested deeper than the stack', async (_name, answer) => {
    const depth = 50_000;
    const deep = '['.repeat(depth) + ']'.repeat(depth);
    const url = await node((socket, { id }) => socket.send(answer(id, deep)));
    expect(await failure(url, call)).toMatchObject({ _tag: 'RpcRefused', code: 1 });
  });

  it('drops a node whose frame would take forty times its size as values', async () => {
    const url = await node((socket, { id }) =>
      socket.send(`{"id":${id},"result":[${'{},'.repeat(300_000)}0]}`),
    );
    const error = await failure(url, call);
    expect(error).toMatchObject({ _tag: 'ChainUnreachable' });
    expect(error.message).toContain('more than 200000 values');
  });

  it('drops a node whose frame is larger than any answer', async () => {
    const url = await node((socket, { id }) =>
      socket.send(`{"id":${id},"result":"${'0'.repeat(17 * 1_024 * 1_024)}"}`),
    );
    const error = await failure(url, call);
    expect(error._tag).toBe('ChainUnreachable');
    expect(error.message).toMatch(/payload/i);
  });

  it('ignores answers to calls that it never made, and a second answer to one', async () => {
    const url = await node((socket, { id }) => {
      for (let other = 1_000; other < 2_000; other += 1) ok(socket, other, 'never asked');
      ok(socket, id, 'first');
      ok(socket, id, 'second');
    });
    expect(await use(url, (rpc) => Effect.all([call(rpc), call(rpc)]))).toEqual(['first', 'first']);
  });

  it('delivers notifications, those that come before the subscription id included', async () => {
    const note = (result: number) =>
      JSON.stringify({ jsonrpc: '2.0', method: 'n', params: { subscription: 'S1', result } });
    const url = await node((socket, { id, method }) => {
      if (method !== 'subscribe') return;
      socket.send(note(1));
      ok(socket, id, 'S1');
      socket.send(note(2));
      socket.send(
        JSON.stringify({ jsonrpc: '2.0', method: 'n', params: { subscription: 'other', result: 9 } }),
      );
      socket.send(note(3));
    });
    const seen: unknown[] = [];
    await use(url, (rpc) =>
      Effect.scoped(
        Effect.gen(function* () {
          yield* rpc.subscribe({
            method: 'subscribe',
            unsubscribe: 'un',
            onResult: (result) => seen.push(result),
          });
          yield* Effect.promise(() => until(async () => seen.length >= 3));
        }),
      ),
    );
    expect(seen).toEqual([1, 2, 3]);
  });

  it('answers pings', async () => {
    let pongs = 0;
    const url = await node((socket, { id }) => {
      socket.on('pong', () => {
        pongs += 1;
        ok(socket, id, 'alive');
      });
      socket.ping();
    });
    expect(await use(url, call)).toBe('alive');
    expect(pongs).toBe(1);
  });

  it('destroys its socket at the end, even where the peer never closes', async () => {
    const wedged = await tcp((socket) =>
      socket.once('data', async (request) => {
        const { createHash } = await import('node:crypto');
        const key = /sec-websocket-key: (.*)\r\n/i.exec(String(request))?.[1];
        const accept = createHash('sha1')
          .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
          .digest('base64');
        socket.write(
          `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
        );
        socket.on('end', () => undefined);
      }),
    );
    const before = process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
    expect(await failure(wedged.url, call, { ...SHORT, connectMs: 10_000 })).toMatchObject({
      _tag: 'ChainUnreachable',
      operation: 'system_chain',
    });
    await until(async () => (await wedged.open()) === 0);
    await until(
      async () =>
        process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length <= before,
    );
  });
});
