import { connect } from 'node:net';
import * as Effect from 'effect/Effect';
import * as Fiber from 'effect/Fiber';
import { afterEach, describe, expect, it } from 'vitest';

import { fail } from '#src/domain/outcome.ts';
import { dial } from '#src/transport/client.ts';
import type { CounterName } from '#src/transport/counters.ts';
import { toLinkFailure } from '#src/transport/errors.ts';
import { LINK_PATH } from '#src/transport/protocol.ts';
import { refusalCodes } from '#src/transport/refusals.ts';
import type { ListenSettings } from '#src/transport/server.ts';
import {
  dialSettings,
  endOf,
  errorOf,
  openScope,
  startListener,
  strangerIdentity,
  type TestListener,
  testLimits,
  until,
  validatorIdentity,
} from '#test/support/peers.ts';
import { honestInitiator, provenDial, rawDial, tcpDial } from '#test/transport/rawPeer.ts';

const UPGRADE = [
  `GET ${LINK_PATH} HTTP/1.1`,
  'Host: localhost',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];
const A_DAY_MS = 86_400_000;
const shortDeadline = { ...testLimits, handshakeDeadlineMs: 200 };

/** Runs an hour ahead with every look at it: no offset that it names is right any more. */
const driftingClock = (): { now(): number } => {
  let aheadMs = 0;
  return {
    now: () => {
      aheadMs += 3_600_000;
      return Date.now() + aheadMs;
    },
  };
};

describe('transport / server', () => {
  let listener: TestListener | null = null;
  afterEach(async () => {
    await listener?.close();
    listener = null;
  });
  const start = async (overrides: Partial<ListenSettings> = {}): Promise<TestListener> => {
    listener = await startListener(overrides);
    return listener;
  };
  /** Accepts everything that arrives, as a daemon does. */
  const startAccepting = async (overrides: Partial<ListenSettings> = {}): Promise<TestListener> => {
    const scope = openScope();
    const started = await start({
      onArrival: (arrival) => void scope.exit(arrival.accept),
      ...overrides,
    });
    return started;
  };
  const counted = (name: CounterName): number => listener?.counters()[name] ?? -1;

  it('refuses a dialer by name and counts it', async () => {
    const { port } = await startAccepting({
      authorise: ({ hotkey }) =>
        hotkey === strangerIdentity.hotkey ? fail('not registered') : { ok: true, value: undefined },
    });
    const now = Date.now();
    const cases: readonly (readonly [string, Parameters<typeof dialSettings>[1]])[] = [
      ['OtherSubnet', { netuid: 87 }],
      ['OtherNetwork', { genesisHash: `0x${'00'.repeat(32)}` }],
      ['SameRole', { role: 'miner' }],
      ['NotForMe', { expectedHotkey: strangerIdentity.hotkey }],
      ['NotAuthorised', { identity: strangerIdentity }],
      ['ClockSkew', { clock: { now: () => now + 2 * A_DAY_MS } }],
      ['ClockSkew', { clock: { now: () => now - 2 * A_DAY_MS } }],
      ['BadSignature', { identity: { ...validatorIdentity, sign: strangerIdentity.sign } }],
      ['BadSignature', { identity: { ...validatorIdentity, sign: () => new Uint8Array(64) } }],
    ];
    for (const [reason, overrides] of cases) {
      const error = await errorOf(dial(dialSettings(port, overrides)));
      expect(error, reason).toMatchObject({ _tag: 'RefusedByPeer', reason });
      expect(toLinkFailure(error)._tag).toBe('Refused');
    }
    expect(counted('refused.ClockSkew')).toBe(2);
    expect(counted('refused.BadSignature')).toBe(2);
    expect(counted('refused.NotAuthorised')).toBe(1);
    expect(counted('established')).toBe(0);
    expect(counted('arrivals')).toBe(cases.length);
  });

  it('lets a dialer in whose clock is wrong by hours, at its second try by our clock', async () => {
    const { port } = await startAccepting();
    const anHourMs = 3_600_000;
    let links = 0;
    for (const offsetMs of [-60_000, 60_000, -anHourMs, anHourMs, -20 * anHourMs]) {
      const scope = openScope();
      await scope.run(dial(dialSettings(port, { clock: { now: () => Date.now() + offsetMs } })));
      links += 1;
      expect(counted('refused.ClockSkew')).toBe(links);
      await until(() => counted('established') === links, `link ${links}`);
      await scope.close();
    }
    expect(counted('arrivals')).toBe(2 * links);
  });

  it('asks a peer that goes on refusing its own time no third time', async () => {
    const { port } = await startAccepting({ clock: driftingClock() });
    const error = await errorOf(dial(dialSettings(port)));
    expect(error).toMatchObject({ _tag: 'RefusedByPeer', reason: 'ClockSkew' });
    expect(counted('refused.ClockSkew')).toBe(2);
  });

  it('tells a dialer its clock and nothing else', async () => {
    const { port } = await startAccepting();
    const peer = await rawDial(port);
    const reasons: string[] = [];
    peer.ws.on('close', (_code, text) => reasons.push(text.toString('latin1')));
    peer.ws.send(honestInitiator({ now: () => 0 }).begin());
    expect(await peer.closeCode).toBe(refusalCodes.ClockSkew);
    expect(Math.abs(Number(reasons[0]) - Date.now())).toBeLessThan(10_000);
  });

  it('answers every refusal with a close frame of two bytes and nothing else', async () => {
    const { port } = await startAccepting({ authorise: () => fail('a reason that stays here') });
    const { socket, closed } = await tcpDial(port);
    socket.write(`${UPGRADE.join('\r\n')}\r\n\r\n`);
    const hello = Buffer.from(honestInitiator().begin());
    // One masked binary frame with a mask of zeros and a 16-bit length.
    const header = Buffer.from([0x82, 0xfe, hello.length >> 8, hello.length & 0xff, 0, 0, 0, 0]);
    socket.write(Buffer.concat([header, hello]));
    const answer = await closed;
    const frames = Buffer.from(answer.slice(answer.indexOf('\r\n\r\n') + 4), 'latin1');
    const { NotAuthorised } = refusalCodes;
    expect(frames).toEqual(Buffer.from([0x88, 0x02, NotAuthorised >> 8, NotAuthorised & 0xff]));
  });

  it('refuses a first message that was seen before, and a recorded session as a whole', async () => {
    const { port } = await startAccepting();
    const peer = await provenDial(port);
    await until(() => counted('established') === 1, 'the honest link');
    const replay = await rawDial(port);
    for (const frame of peer.recorded) replay.ws.send(frame);
    expect(await replay.closeCode).toBe(refusalCodes.Replayed);
    expect(counted('refused.Replayed')).toBe(1);
    expect(counted('established')).toBe(1);
    peer.ws.terminate();
  });

  it('refuses garbage and oversized handshake frames', async () => {
    const { port } = await startAccepting();
    const garbage = await rawDial(port);
    garbage.ws.send(Buffer.alloc(300, 7));
    expect(await garbage.closeCode).toBe(refusalCodes.Malformed);
    const text = await rawDial(port);
    text.ws.send('hello');
    expect(await text.closeCode).toBe(1008);
    const long = await rawDial(port);
    long.ws.send(Buffer.alloc(2_000));
    expect(await long.closeCode).toBe(refusalCodes.Malformed);
    const huge = await rawDial(port);
    huge.ws.send(Buffer.alloc(testLimits.maxFrameBytes + 1));
    await huge.closeCode;
    expect(counted('refused.Malformed')).toBe(2);
    expect(counted('ended.TextFrame')).toBe(1);
    expect(counted('ended.OversizedFrame') + counted('ended.EarlyFrame')).toBe(1);
  });

  it('cuts a stranger that pours in bytes before it is proven', async () => {
    const { port } = await startAccepting();
    const { socket, closed } = await tcpDial(port);
    socket.write(`${UPGRADE.join('\r\n')}\r\n\r\n`);
    // The header announces a frame of 200,000 bytes, which is within the size of a session's frames.
    socket.write(Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 3, 0x0d, 0x40, 0, 0, 0, 0]));
    const pouring = setInterval(() => socket.write(Buffer.alloc(3_000)), 10);
    await closed;
    clearInterval(pouring);
    expect(counted('ended.EarlyFrame')).toBe(1);
  });

  it('cuts whoever says nothing, drips its headers, or stops half-way', async () => {
    const { port } = await startAccepting({ limits: shortDeadline });
    const startedAtMs = performance.now();
    const mute = await tcpDial(port);
    const dripping = await tcpDial(port);
    dripping.socket.write('GET /');
    const drip = setInterval(() => dripping.socket.write('x'), 20);
    const halfOpen = await rawDial(port);
    const halfWay = await rawDial(port);
    halfWay.ws.send(honestInitiator().begin());
    await Promise.all([mute.closed, dripping.closed]);
    clearInterval(drip);
    expect(await halfOpen.closeCode).toBe(refusalCodes.TooLate);
    expect(await halfWay.closeCode).toBe(refusalCodes.TooLate);
    expect(performance.now() - startedAtMs).toBeLessThan(2_000);
    expect(counted('notALink')).toBe(2);
    expect(counted('refused.TooLate')).toBe(2);
  });

  it('cuts a handshake frame that drips', async () => {
    const { port } = await startAccepting({ limits: { ...testLimits, frameDeadlineMs: 150 } });
    const { socket, closed } = await tcpDial(port);
    socket.write(`${UPGRADE.join('\r\n')}\r\n\r\n`);
    socket.write(Buffer.from([0x82, 0xfe, 0x01, 0x2c, 0, 0, 0, 0]));
    const drip = setInterval(() => socket.write('x'), 20);
    await closed;
    clearInterval(drip);
    expect(counted('ended.SlowFrame')).toBe(1);
  });

  it('turns plain HTTP and other paths away', async () => {
    const { port } = await start();
    for (const request of [
      'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
      'POST /miaoai/link HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n',
      `${UPGRADE.join('\r\n').replace(LINK_PATH, '/other')}\r\n\r\n`,
      `GET / HTTP/1.1\r\nX: ${'y'.repeat(10_000)}\r\n\r\n`,
      'no http at all\r\n\r\n',
    ]) {
      const { socket, closed } = await tcpDial(port);
      socket.write(request);
      expect(await closed).toBe('');
    }
    expect(counted('notALink')).toBe(5);
    expect(counted('arrivals')).toBe(0);
  });

  it('lets one address in at a limited rate, before it reads a byte', async () => {
    const { port } = await start({ maxPerAddressPerMinute: 5 });
    const attempts = Array.from({ length: 40 }, () => tcpDial(port));
    for (const { socket } of await Promise.all(attempts)) socket.write('x');
    await until(() => counted('turnedAway.AddressRate') === 35, 'the flood to be turned away');
    expect(counted('connections')).toBe(5);
  });

  it('bounds connections, and those that are not proven yet', async () => {
    const { port } = await startAccepting({ maxPending: 2, maxConnections: 3 });
    const proven = await Promise.all([provenDial(port), provenDial(port)]);
    await until(() => counted('established') === 2, 'two links');
    const pending = await rawDial(port);
    const fourth = await tcpDial(port);
    await fourth.closed;
    expect(counted('turnedAway.TooManyConnections')).toBe(1);
    for (const peer of [...proven, pending]) peer.ws.terminate();
    await until(() => counted('ended.Lost') === 3, 'places to be free again');
    const waiting = await Promise.all([rawDial(port), rawDial(port)]);
    const third = await tcpDial(port);
    await third.closed;
    expect(counted('turnedAway.TooManyPending')).toBe(1);
    for (const peer of waiting) peer.ws.terminate();
  });

  it('is not locked by the idle sockets of one address, which can have few', async () => {
    const { port } = await startAccepting({ maxPending: 8, maxPendingPerAddress: 4 });
    const idle = await Promise.all(Array.from({ length: 64 }, () => tcpDial(port, '127.0.0.2')));
    await until(() => counted('turnedAway.TooManyOfAddress') === 60, 'the flood to be turned away');
    const scope = openScope();
    await scope.run(dial(dialSettings(port)));
    expect(counted('established')).toBe(1);
    expect(counted('evicted')).toBe(0);
    await scope.close();
    for (const { socket } of idle) socket.destroy();
  });

  it('lets a validator in although many addresses hold all places', async () => {
    const { port } = await startAccepting({ maxPending: 8, maxPendingPerAddress: 4 });
    const attackers = ['127.0.0.2', '127.0.0.3', '127.0.0.4'];
    const idle = await Promise.all(
      attackers.flatMap((address) => Array.from({ length: 4 }, () => tcpDial(port, address))),
    );
    const scope = openScope();
    await scope.run(dial(dialSettings(port)));
    expect(counted('established')).toBe(1);
    expect(counted('evicted')).toBeGreaterThan(0);
    await scope.close();
    for (const { socket } of idle) socket.destroy();
  });

  it('cuts a socket without a first byte long before the deadline of the handshake', async () => {
    const { port } = await startAccepting({ limits: { ...testLimits, firstByteDeadlineMs: 100 } });
    const startedAtMs = performance.now();
    const mute = await tcpDial(port);
    const speaking = await tcpDial(port);
    speaking.socket.write('GET /');
    await mute.closed;
    expect(performance.now() - startedAtMs).toBeLessThan(2_000);
    expect(counted('notALink')).toBe(1);
    speaking.socket.destroy();
  });

  it('survives an exception of whoever authorises, and says to that peer that it is not to blame', async () => {
    const { port } = await startAccepting({
      authorise: ({ hotkey }) => {
        if (hotkey === strangerIdentity.hotkey) throw new Error('a bug');
        return { ok: true, value: undefined };
      },
    });
    const error = await errorOf(dial(dialSettings(port, { identity: strangerIdentity })));
    expect(error).toMatchObject({ _tag: 'RefusedByPeer', reason: 'Internal' });
    expect(counted('refused.Internal')).toBe(1);
    const scope = openScope();
    await scope.run(dial(dialSettings(port)));
    expect(counted('established')).toBe(1);
    await scope.close();
  });

  it('survives an exception of whoever is told of arrivals', async () => {
    const { port } = await start({
      onArrival: () => {
        throw new Error('a bug');
      },
    });
    for (let index = 0; index < 2; index += 1) {
      const peer = await rawDial(port);
      expect(await peer.closeCode).toBe(refusalCodes.Internal);
    }
    expect(counted('refused.Internal')).toBe(2);
  });

  it('bounds the handshakes it works for', async () => {
    const limits = { ...testLimits, handshakesPerSecond: 1 };
    const { port } = await startAccepting({ limits });
    const codes = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const peer = await rawDial(port);
        peer.ws.send(honestInitiator().begin());
        const first = await Promise.race([peer.closeCode, peer.next()]);
        peer.ws.terminate();
        return typeof first === 'number' ? first : 'answered';
      }),
    );
    expect(codes.filter((code) => code === 'answered').length).toBe(2);
    expect(codes.filter((code) => code === refusalCodes.Busy).length).toBe(2);
  });

  it('cuts an arrival that nobody accepts, and one that is refused', async () => {
    const started = await start({ limits: shortDeadline });
    const ignored = await rawDial(started.port);
    ignored.ws.send(honestInitiator().begin());
    expect((await started.nextArrival()).address).toBe('127.0.0.1');
    expect(await ignored.closeCode).toBe(refusalCodes.TooLate);
    const unwanted = await rawDial(started.port);
    (await started.nextArrival()).refuse();
    expect(await unwanted.closeCode).toBe(refusalCodes.Unaccepted);
    const impatient = await rawDial(started.port);
    for (let index = 0; index < 2; index += 1) impatient.ws.send(honestInitiator().begin());
    expect(await impatient.closeCode).toBe(refusalCodes.Malformed);
  });

  it('lets an arrival be accepted once', async () => {
    const started = await start();
    const peer = await rawDial(started.port);
    const arrival = await started.nextArrival();
    const first = Effect.runFork(Effect.scoped(arrival.accept));
    expect(await errorOf(arrival.accept)).toMatchObject({
      _tag: 'LinkBroken',
      failure: { _tag: 'ClosedHere' },
    });
    // Giving up an accept closes the socket.
    await Effect.runPromise(Fiber.interrupt(first));
    expect(await peer.closeCode).toBe(refusalCodes.Unaccepted);
  });

  it('closes every link and frees its port when its scope closes', async () => {
    const started = await start();
    const scope = openScope();
    const accepting = started.acceptNext();
    const dialed = await scope.run(dial(dialSettings(started.port)));
    await accepting;
    const pending = await rawDial(started.port);
    await started.close();
    expect(await endOf(dialed)).toMatchObject({ _tag: 'ClosedByPeer' });
    await pending.closeCode;
    const refused = await new Promise((resolve) => {
      connect({ host: '127.0.0.1', port: started.port }).once('error', (error: NodeJS.ErrnoException) =>
        resolve(error.code),
      );
    });
    expect(refused).toBe('ECONNREFUSED');
    listener = await startListener({ port: started.port });
    expect(listener.port).toBe(started.port);
    await scope.close();
  });

  it('says what is wrong with its settings or its port', async () => {
    const started = await start();
    await expect(startListener({ port: started.port })).rejects.toThrow(/EADDRINUSE.*choose another port/);
    await expect(startListener({ genesisHash: '0x12' })).rejects.toThrow(/ask the chain for block 0/);
    await expect(startListener({ netuid: 70_000 })).rejects.toThrow(/netuid/);
    const impatient = { ...testLimits, patienceMs: testLimits.heartbeatMs };
    await expect(startListener({ limits: impatient })).rejects.toThrow(/patienceMs must exceed heartbeatMs/);
  });
});
