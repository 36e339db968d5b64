import { afterEach, describe, expect, it } from 'vitest';

import type { Message } from '#src/transport/protocol.ts';
import {
  connectPair,
  endOf,
  minerIdentity,
  type Pair,
  receive,
  testLimits,
  until,
  validatorIdentity,
} from '#test/support/peers.ts';

const fromMiner: readonly Message[] = [
  {
    type: 'ready',
    v: 1,
    kinds: ['sentiment_analysis'],
    models: [{ name: 'tiny', sha256: 'ab'.repeat(32) }],
    maxInFlight: 8,
  },
  { type: 'answer', v: 1, id: 't1', answer: { label: 'positive', confidence: 0.75 }, elapsedMs: 12.5 },
  { type: 'refusal', v: 1, id: 't2', reason: 'busy' },
];
const fromValidator: readonly Message[] = [
  {
    type: 'tasks',
    v: 1,
    round: 'r1',
    deadlineMs: 1_500,
    tasks: [
      { id: 't1', kind: 'sentiment_analysis', request: { text: 'schön ☀ 好', nested: [null, true, 1.5] } },
    ],
  },
  { type: 'ack', v: 1, ids: ['t1', 't2'] },
];

describe('transport / session', () => {
  let pair: Pair | null = null;
  afterEach(async () => {
    await pair?.close();
    pair = null;
  });

  it('proves both hotkeys, whoever dials', async () => {
    pair = await connectPair();
    expect(pair.dialed.remote).toMatchObject({ hotkey: minerIdentity.hotkey, role: 'miner' });
    expect(pair.accepted.remote).toMatchObject({ hotkey: validatorIdentity.hotkey, role: 'validator' });
    expect(pair.accepted.remote.address).toBe('127.0.0.1');
    await pair.close();
    pair = await connectPair({
      listen: { identity: validatorIdentity, role: 'validator' },
      dial: { identity: minerIdentity, role: 'miner', expectedHotkey: validatorIdentity.hotkey },
    });
    expect(pair.dialed.remote).toMatchObject({ hotkey: validatorIdentity.hotkey, role: 'validator' });
    expect(pair.listener.counters()).toMatchObject({ established: 1, arrivals: 1, connections: 1 });
  });

  it('carries every message of both directions unchanged and in order', async () => {
    pair = await connectPair();
    const atMiner = receive(pair.accepted, fromValidator.length);
    const sentAtMs = performance.now();
    for (const message of fromValidator) expect(pair.dialed.send(message)).toEqual({ ok: true });
    for (const message of fromMiner) expect(pair.accepted.send(message).ok).toBe(true);
    const received = await atMiner;
    expect(received.map(({ message }) => message)).toEqual(fromValidator);
    // Messages that came before anybody listened are kept.
    const atValidator = await receive(pair.dialed, fromMiner.length);
    expect(atValidator.map(({ message }) => message)).toEqual(fromMiner);
    for (const { receivedAtMs } of [...received, ...atValidator]) {
      expect(receivedAtMs).toBeGreaterThanOrEqual(sentAtMs);
      expect(receivedAtMs).toBeLessThanOrEqual(performance.now());
    }
  });

  it('measures the round trip with its own pings and hands none of them on', async () => {
    const limits = { ...testLimits, heartbeatMs: 20, patienceMs: 500 };
    pair = await connectPair({ dial: { limits }, listen: { limits } });
    const { dialed, accepted } = pair;
    const seen: Message[] = [];
    accepted.listen((message) => seen.push(message));
    await until(() => dialed.rttMs() !== null && accepted.rttMs() !== null, 'both round trips');
    await new Promise((resolve) => setTimeout(resolve, 100));
    for (const side of [dialed, accepted]) {
      expect(side.minRttMs()).toBeGreaterThan(0);
      expect(side.minRttMs()).toBeLessThanOrEqual(side.rttMs() ?? 0);
      expect(side.rttMs()).toBeLessThan(500);
    }
    expect(seen).toEqual([]);
  });

  it('says bye with its reason, and reports the end once on both sides', async () => {
    pair = await connectPair();
    pair.accepted.close('maintenance\u2026');
    expect(await endOf(pair.dialed)).toEqual({
      _tag: 'ClosedByPeer',
      message: 'the peer said bye: maintenance?',
    });
    expect(await endOf(pair.accepted)).toMatchObject({ _tag: 'ClosedHere' });
    expect(pair.dialed.send({ type: 'ack', v: 1, ids: ['a'] })).toMatchObject({
      ok: false,
      error: { _tag: 'ClosedByPeer' },
    });
    pair.accepted.close('again');
    expect(await endOf(pair.accepted)).toMatchObject({ message: 'closed here: maintenance?' });
    expect(pair.listener.counters()['ended.ClosedHere']).toBe(1);
  });

  it('hangs up when the scope that dialed closes', async () => {
    pair = await connectPair();
    await pair.hangUp();
    expect(await endOf(pair.accepted)).toMatchObject({ _tag: 'ClosedByPeer' });
    expect(await endOf(pair.dialed)).toMatchObject({ _tag: 'ClosedHere' });
  });

  it('does not send what its role may not send, what is malformed, or what fits no frame', async () => {
    pair = await connectPair();
    const [ack, ready] = [fromValidator[1], fromMiner[0]];
    if (ack === undefined || ready === undefined) throw new Error('no messages');
    expect(pair.accepted.send(ack)).toMatchObject({ ok: false, error: { _tag: 'ProtocolViolation' } });
    expect(pair.dialed.send(ready)).toMatchObject({ ok: false, error: { _tag: 'ProtocolViolation' } });
    expect(pair.dialed.send({ type: 'ack', v: 1, ids: [''] })).toMatchObject({
      ok: false,
      error: { _tag: 'ProtocolViolation' },
    });
    const huge = { id: 'a', kind: 'k', request: 'x'.repeat(testLimits.maxFrameBytes) };
    expect(pair.dialed.send({ type: 'tasks', v: 1, round: 'r', deadlineMs: 1, tasks: [huge] })).toMatchObject(
      { ok: false, error: { _tag: 'Overflow' } },
    );
    const received = receive(pair.accepted, 1);
    expect(pair.dialed.send(ack).ok).toBe(true);
    expect((await received)[0]?.message).toEqual(ack);
  });

  it('carries a message as large as a frame', async () => {
    pair = await connectPair();
    const request = 'x'.repeat(testLimits.maxFrameBytes - 200);
    const message: Message = {
      type: 'tasks',
      v: 1,
      round: 'r',
      deadlineMs: 1,
      tasks: [{ id: 'a', kind: 'k', request }],
    };
    const received = receive(pair.accepted, 1);
    expect(pair.dialed.send(message).ok).toBe(true);
    expect((await received)[0]?.message).toEqual(message);
  });

  it('does not blame the peer for a stall of this very process', async () => {
    const limits = { ...testLimits, heartbeatMs: 40, patienceMs: 200 };
    pair = await connectPair({ dial: { limits }, listen: { limits } });
    const { dialed, accepted } = pair;
    await until(() => dialed.rttMs() !== null && accepted.rttMs() !== null, 'both round trips');
    const endAtMs = performance.now() + 500;
    while (performance.now() < endAtMs) JSON.parse('[1]');
    await new Promise((resolve) => setTimeout(resolve, 150));
    const received = receive(accepted, 1);
    expect(dialed.send({ type: 'ack', v: 1, ids: ['a'] }).ok).toBe(true);
    expect((await received).length).toBe(1);
  });
});
