import { afterEach, describe, expect, it } from 'vitest';

import type { LinkFailure } from '#src/domain/failures.ts';
import type { PeerConnection } from '#src/transport/connection.ts';
import type { CounterName } from '#src/transport/counters.ts';
import type { LinkLimits } from '#src/transport/limits.ts';
import type { Message } from '#src/transport/protocol.ts';
import { endOf, startListener, type TestListener, testLimits, until } from '#test/support/peers.ts';
import { type ProvenPeer, provenDial } from '#test/transport/rawPeer.ts';

const ack: Message = { type: 'ack', v: 1, ids: ['a'] };
const answer: Message = { type: 'answer', v: 1, id: 'a', answer: { text: 'x'.repeat(20_000) }, elapsedMs: 1 };

/** A validator with a proven hotkey that then misbehaves towards an honest miner. */
describe('transport / session with a hostile peer', () => {
  let listener: TestListener | null = null;
  let peer: ProvenPeer | null = null;
  afterEach(async () => {
    peer?.ws.terminate();
    await listener?.close();
    [listener, peer] = [null, null];
  });
  const begin = async (
    limits: Partial<LinkLimits> = {},
  ): Promise<{ readonly hostile: ProvenPeer; readonly honest: PeerConnection }> => {
    listener = await startListener({ limits: { ...testLimits, ...limits } });
    const accepting = listener.acceptNext();
    peer = await provenDial(listener.port);
    return { hostile: peer, honest: await accepting };
  };
  const counted = (name: CounterName): number => listener?.counters()[name] ?? -1;
  /** How the honest side ends, and that it was counted under `cause`. */
  const ended = async (honest: PeerConnection, cause: CounterName): Promise<LinkFailure['_tag']> => {
    const failure = await endOf(honest);
    expect(counted(cause), cause).toBe(1);
    return failure._tag;
  };

  it('accepts the honest beginning, so that the ends below mean something', async () => {
    const { hostile, honest } = await begin();
    hostile.say({ ...ack, unknown: 'key' });
    const received = await new Promise((resolve) => honest.listen(resolve));
    expect(received).toEqual(ack);
  });

  it('ends at a frame that is altered', async () => {
    const { hostile, honest } = await begin();
    const frame = hostile.sealer.seal(Buffer.from(JSON.stringify(ack)));
    if (frame === null) throw new Error('nothing was sealed');
    frame[5] = (frame[5] ?? 0) ^ 0x80;
    hostile.ws.send(frame);
    expect(await ended(honest, 'ended.BadSeal')).toBe('ProtocolViolation');
  });

  it('ends at a frame that is repeated, and delivers it once', async () => {
    const { hostile, honest } = await begin();
    const received: Message[] = [];
    honest.listen((message) => received.push(message));
    const frame = hostile.sealer.seal(Buffer.from(JSON.stringify(ack)));
    for (let index = 0; index < 2; index += 1) hostile.ws.send(frame ?? '');
    expect(await ended(honest, 'ended.BadSeal')).toBe('ProtocolViolation');
    expect(received).toEqual([ack]);
  });

  it('ends at frames that are reordered', async () => {
    const { hostile, honest } = await begin();
    const bytes = Buffer.from(JSON.stringify(ack));
    const [first, second] = [hostile.sealer.seal(bytes), hostile.sealer.seal(bytes)];
    hostile.ws.send(second ?? '');
    hostile.ws.send(first ?? '');
    expect(await ended(honest, 'ended.BadSeal')).toBe('ProtocolViolation');
  });

  it.each([
    ['ended.UnknownType', { type: 'xstate.stop', v: 1 }],
    ['ended.UnknownVersion', { ...ack, v: 2 }],
    ['ended.Invalid', { ...ack, ids: [7] }],
    ['ended.WrongDirection', { type: 'refusal', v: 1, id: 'a', reason: 'busy' }],
  ] as const)('counts %s and ends', async (cause, message) => {
    const { hostile, honest } = await begin();
    hostile.say(message);
    expect(await ended(honest, cause)).toBe('ProtocolViolation');
  });

  it('ends at sealed bytes that are no JSON', async () => {
    const { hostile, honest } = await begin();
    hostile.sendSealed(Buffer.from('{'));
    expect(await ended(honest, 'ended.NotJson')).toBe('ProtocolViolation');
  });

  it('ends at text frames and at control frames of the WebSocket', async () => {
    const first = await begin();
    first.hostile.ws.send('text');
    expect(await ended(first.honest, 'ended.TextFrame')).toBe('ProtocolViolation');
    await listener?.close();
    const second = await begin();
    second.hostile.ws.ping();
    expect(await ended(second.honest, 'ended.ControlFrame')).toBe('ProtocolViolation');
  });

  it('ends at a frame over the size limit without waiting for all of it', async () => {
    const { hostile, honest } = await begin();
    hostile.ws.send(Buffer.alloc(testLimits.maxFrameBytes + 1));
    expect(await ended(honest, 'ended.OversizedFrame')).toBe('Overflow');
  });

  it('ends a flood of messages, and a flood of bytes', async () => {
    const messages = await begin({ messagesPerSecond: 20, maxUnheardMessages: 1_000 });
    for (let index = 0; index < 60; index += 1) messages.hostile.say(ack);
    expect(await ended(messages.honest, 'ended.MessageRate')).toBe('Overflow');
    await listener?.close();
    const bytes = await begin({ bytesPerSecond: 8_192, maxFrameBytes: 4_096 });
    const padded = { ...ack, padding: 'x'.repeat(3_000) };
    for (let index = 0; index < 20; index += 1) bytes.hostile.say(padded);
    expect(await ended(bytes.honest, 'ended.ByteRate')).toBe('Overflow');
  });

  it('ends the link of a message that makes the receiver throw, and nothing else', async () => {
    const { hostile, honest } = await begin();
    hostile.say(ack);
    honest.listen(() => {
      throw new Error('a bug');
    });
    expect(await ended(honest, 'ended.Defect')).toBe('Defect');
    const accepting = listener?.acceptNext();
    const second = await provenDial(listener?.port ?? 0);
    const other = await accepting;
    const received = new Promise((resolve) => other?.listen(resolve));
    second.say(ack);
    expect(await received).toEqual(ack);
    second.ws.terminate();
  });

  it('keeps a bounded number of messages for a side that does not listen', async () => {
    const { hostile, honest } = await begin({ maxUnheardMessages: 10 });
    for (let index = 0; index < 11; index += 1) hostile.say(ack);
    expect(await ended(honest, 'ended.Unheard')).toBe('Overflow');
  });

  it('ends when the peer falls silent', async () => {
    const { honest } = await begin({ heartbeatMs: 30, patienceMs: 120 });
    const startedAtMs = performance.now();
    expect(await ended(honest, 'ended.Silent')).toBe('Silent');
    expect(performance.now() - startedAtMs).toBeGreaterThan(100);
    expect(performance.now() - startedAtMs).toBeLessThan(2_000);
  });

  it('ends when the peer talks on and answers no ping', async () => {
    const { hostile, honest } = await begin({ heartbeatMs: 30, patienceMs: 200 });
    const talking = setInterval(() => hostile.say(ack), 20);
    honest.listen(() => undefined);
    expect(await ended(honest, 'ended.Silent')).toBe('Silent');
    clearInterval(talking);
    expect((await endOf(honest)).message).toContain('ping');
  });

  it('gives a pong nobody asked for no effect', async () => {
    const { hostile, honest } = await begin();
    for (let n = 0; n < 20; n += 1) hostile.say({ type: 'pong', v: 1, n });
    hostile.say(ack);
    await new Promise((resolve) => honest.listen(resolve));
    expect(honest.rttMs()).toBeNull();
  });

  it('cuts a frame that drips, while whole frames may come as slowly as they like', async () => {
    const { hostile, honest } = await begin({ frameDeadlineMs: 150 });
    let delivered = 0;
    honest.listen(() => {
      delivered += 1;
    });
    for (let index = 0; index < 4; index += 1) {
      hostile.say(ack);
      await new Promise((resolve) => setTimeout(resolve, 80));
    }
    expect(delivered).toBe(4);
    const tcp = (hostile.ws as unknown as { readonly _socket: NodeJS.WritableStream })._socket;
    tcp.write(Buffer.from([0x82, 0xfe, 0x10, 0x00, 0, 0, 0, 0]));
    const drip = setInterval(() => tcp.write('x'), 20);
    expect(await ended(honest, 'ended.SlowFrame')).toBe('ProtocolViolation');
    clearInterval(drip);
  });

  it('bounds what waits for a peer that does not read, and keeps the link if told so', async () => {
    const bounds = { maxBufferedBytes: 300_000, maxFrameBytes: 100_000 };
    const { hostile, honest } = await begin({ ...bounds, overflowPolicy: 'refuse' });
    hostile.ws.pause();
    const sendUntilFull = (): LinkFailure | null => {
      for (let index = 0; index < 5_000; index += 1) {
        const sent = honest.send(answer);
        if (!sent.ok) return sent.error;
      }
      return null;
    };
    expect(sendUntilFull()).toMatchObject({ _tag: 'Overflow' });
    hostile.ws.resume();
    await until(() => honest.send(answer).ok, 'room after the peer has read');
    expect(counted('ended.OutboundFull')).toBe(0);
  });

  it('ends the link at such a peer if told so', async () => {
    const bounds = { maxBufferedBytes: 300_000, maxFrameBytes: 100_000 };
    const { hostile, honest } = await begin({ ...bounds, overflowPolicy: 'close' });
    hostile.ws.pause();
    for (let index = 0; index < 5_000; index += 1) if (!honest.send(answer).ok) break;
    expect(await ended(honest, 'ended.OutboundFull')).toBe('Overflow');
  });

  it('notices a connection that breaks', async () => {
    const { hostile, honest } = await begin();
    hostile.ws.terminate();
    expect(await ended(honest, 'ended.Lost')).toBe('Lost');
  });

  it('waits only briefly for a peer that says close and keeps its connection', async () => {
    const { hostile, honest } = await begin();
    const tcp = (hostile.ws as unknown as { readonly _socket: NodeJS.WritableStream })._socket;
    const startedAtMs = performance.now();
    hostile.ws.pause();
    tcp.write(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]));
    expect(await ended(honest, 'ended.ClosedByPeer')).toBe('ClosedByPeer');
    expect(performance.now() - startedAtMs).toBeLessThan(3_000);
  });
});
