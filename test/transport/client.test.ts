import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';

import { dial } from '#src/transport/client.ts';
import { toLinkFailure } from '#src/transport/errors.ts';
import { createResponder } from '#src/transport/handshake.ts';
import { createReplayCache } from '#src/transport/replayCache.ts';
import {
  dialSettings,
  errorOf,
  GENESIS_HASH,
  minerIdentity,
  NETUID,
  openScope,
  startListener,
  strangerIdentity,
  testLimits,
  validatorIdentity,
} from '#test/support/peers.ts';

const shortDeadline = { ...testLimits, handshakeDeadlineMs: 200 };
const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;
const listening = async <S extends Server>(server: S): Promise<S> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
};

describe('transport / client', () => {
  const servers: { close(): unknown }[] = [];
  const sockets = new Set<{ terminate(): void } | { destroy(): void }>();
  afterEach(() => {
    for (const socket of sockets) 'terminate' in socket ? socket.terminate() : socket.destroy();
    for (const server of servers.splice(0)) server.close();
    sockets.clear();
  });
  /** A WebSocket server that does with its clients whatever the test says. */
  const serve = async (onClient: (client: WebSocket) => void): Promise<number> => {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    servers.push(server);
    server.on('connection', (client) => {
      sockets.add(client);
      client.on('error', () => undefined);
      onClient(client);
    });
    await new Promise((resolve) => server.once('listening', resolve));
    return portOf(server);
  };

  it('names a peer that cannot be reached', async () => {
    const closed = await listening(createServer());
    const port = portOf(closed);
    await new Promise((resolve) => closed.close(resolve));
    const error = await errorOf(dial(dialSettings(port)));
    expect(error).toMatchObject({ _tag: 'PeerUnreachable', port });
    expect(toLinkFailure(error)).toMatchObject({ _tag: 'Unreachable' });
    expect(await errorOf(dial(dialSettings(1, { host: 'not a host' })))).toMatchObject({
      _tag: 'PeerUnreachable',
    });
    expect(await errorOf(dial(dialSettings(1, { host: 'peer.invalid' })))).toMatchObject({
      _tag: 'PeerUnreachable',
    });
  });

  it('names a server that is no link', async () => {
    const http = await listening(createHttpServer((_request, response) => response.writeHead(404).end()));
    servers.push(http);
    expect(await errorOf(dial(dialSettings(portOf(http))))).toMatchObject({
      _tag: 'PeerUnreachable',
      message: expect.stringContaining('HTTP status 404'),
    });
  });

  it('waits no longer than its deadline, at whichever step the peer stalls', async () => {
    const mute = await listening(createServer((socket) => void sockets.add(socket)));
    servers.push(mute);
    const upgradedAndMute = await serve(() => undefined);
    const answersNothingMore = await serve((client) => {
      const responder = createResponder({
        network: { genesis: Buffer.from(GENESIS_HASH.slice(2), 'hex'), netuid: NETUID },
        identity: minerIdentity,
        role: 'miner',
        clockWindowMs: 30_000,
        now: Date.now,
        authorise: () => ({ ok: true, value: undefined }),
        remoteAddress: '127.0.0.1',
        replays: createReplayCache({ windowMs: 1, capacity: 1 }),
        mayWork: () => true,
      });
      client.once('message', (data) => {
        const answer = Buffer.isBuffer(data) ? responder.answer(data) : null;
        if (answer?.ok === true) client.send(answer.value);
      });
    });
    const tags: string[] = [];
    for (const port of [portOf(mute), upgradedAndMute, answersNothingMore]) {
      const startedAtMs = performance.now();
      const error = await errorOf(dial(dialSettings(port, { limits: shortDeadline })));
      expect(performance.now() - startedAtMs).toBeLessThan(2_000);
      tags.push(error._tag === 'HandshakeRejected' ? error.reason : error._tag);
    }
    expect(tags).toEqual(['PeerUnreachable', 'TooLate', 'TooLate']);
  });

  it('refuses a responder that cannot sign for the hotkey that was expected', async () => {
    const listener = await startListener({ identity: { ...minerIdentity, sign: strangerIdentity.sign } });
    const accepting = listener.acceptNext().catch((error: unknown) => error);
    const error = await errorOf(dial(dialSettings(listener.port)));
    expect(error).toMatchObject({ _tag: 'HandshakeRejected', reason: 'BadSignature' });
    expect(toLinkFailure(error)._tag).toBe('HandshakeFailed');
    expect(await accepting).toMatchObject({ _tag: 'RefusedByPeer', reason: 'BadSignature' });
    await listener.close();
  });

  it('refuses garbage from a responder, and sees a responder that hangs up', async () => {
    const garbage = await serve((client) => client.send(Buffer.alloc(400, 1)));
    expect(await errorOf(dial(dialSettings(garbage)))).toMatchObject({ reason: 'Undecryptable' });
    const oversized = await serve((client) => client.send(Buffer.alloc(testLimits.maxFrameBytes + 1)));
    expect(await errorOf(dial(dialSettings(oversized)))).toMatchObject({ _tag: 'LinkBroken' });
    const leaves = await serve((client) => client.terminate());
    expect(await errorOf(dial(dialSettings(leaves)))).toMatchObject({
      _tag: 'LinkBroken',
      failure: { _tag: 'Lost' },
    });
    const odd = await serve((client) => client.close(4_999));
    expect(await errorOf(dial(dialSettings(odd)))).toMatchObject({
      _tag: 'RefusedByPeer',
      reason: 'Unknown',
    });
  });

  it('checks its settings before it opens a socket', async () => {
    expect(
      await errorOf(dial(dialSettings(1, { expectedHotkey: `${validatorIdentity.hotkey.slice(0, -1)}x` }))),
    ).toMatchObject({
      _tag: 'InvalidLinkSettings',
      setting: 'expectedHotkey',
    });
    expect(await errorOf(dial(dialSettings(1, { genesisHash: 'finney' })))).toMatchObject({
      setting: 'genesisHash',
    });
  });

  it('gives up at once when its scope closes in the middle', async () => {
    let hungUp: (code: number) => void = () => undefined;
    const code = new Promise<number>((resolve) => {
      hungUp = resolve;
    });
    let arrived: () => void = () => undefined;
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const port = await serve((client) => {
      client.once('close', hungUp);
      arrived();
    });
    const scope = openScope();
    const outcome = scope.exit(dial(dialSettings(port)));
    await arrival;
    await scope.close();
    expect((await outcome)._tag).toBe('Failure');
    // Closed while the WebSocket was opening, or just after.
    expect([1006, 4013]).toContain(await code);
  });
});
