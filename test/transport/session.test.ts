import { afterEach, describe, expect, it } from 'vitest';

import type { Message } from '#src/transport/protocol.ts';
import {
  connectPair,
  dialSettings,
  endOf,
  minerIdentity,
  openScope,
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
});
