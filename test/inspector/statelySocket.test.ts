import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type WebSocket as Peer, WebSocketServer } from 'ws';

import { maxQueued } from '#src/inspector/statelyQueue.ts';
import {
  openSocketSender,
  type SocketSender,
  type SocketSenderOptions,
} from '#src/inspector/statelySocket.ts';

const patience = { timeout: 15_000, interval: 5 };
/** A few hundred of these are more than the buffers of two sockets and what a sender leaves outstanding. */
const large = 'x'.repeat(16_000);

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

/** A relay that treats each connection as it is told. */
const openRelay = async (treat: (peer: Peer, count: number) => void, port = 0) => {
  const server = new WebSocketServer({ port, host: '127.0.0.1' });
  let count = 0;
  server.on('connection', (peer) => {
    count += 1;
    treat(peer, count);
  });
  await once(server, 'listening');
  closing.push(async () => {
    for (const client of server.clients) client.terminate();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port: bound } = server.address() as AddressInfo;
  return { url: `ws://127.0.0.1:${bound}`, count: () => count };
};

const collecting =
  (got: string[]) =>
  (peer: Peer): void =>
    void peer.on('message', (data) => got.push(String(data)));

const sending = (url: string, options: Partial<SocketSenderOptions> = {}): SocketSender => {
  const sender = openSocketSender({
    url,
    onOpen: () => [],
    onProblem: () => {},
    retryMs: 10,
    steadyMs: 600_000,
    ...options,
  });
  closing.push(sender.close);
  return sender;
};

describe('inspector / statelySocket', () => {
  it('waits longer and longer for a relay that takes connections and drops them, and tells it once', async () => {
    const retryMs = 10;
    const takenAtMs: number[] = [];
    const problems: string[] = [];
    const relay = await openRelay((peer) => {
      takenAtMs.push(performance.now());
      peer.close();
    });
    sending(relay.url, { retryMs, onProblem: (reason) => void problems.push(reason) });
    await vi.waitFor(() => expect(relay.count()).toBeGreaterThanOrEqual(6), patience);
    for (let attempt = 1; attempt < 6; attempt += 1) {
      const pauseMs = (takenAtMs[attempt] ?? 0) - (takenAtMs[attempt - 1] ?? 0);
      // A timer is true to a millisecond.
      expect(pauseMs).toBeGreaterThanOrEqual(retryMs * 2 ** (attempt - 1) - 2);
    }
    expect(problems).toHaveLength(1);
  });

  it('tells again that a connection is lost which had lasted', async () => {
    const problems: string[] = [];
    const peers: Peer[] = [];
    const relay = await openRelay((peer) => void peers.push(peer));
    sending(relay.url, { steadyMs: 0, onProblem: (reason) => void problems.push(reason) });
    for (const losses of [1, 2, 3]) {
      await vi.waitFor(() => expect(peers).toHaveLength(losses), patience);
      // Open on the other side too, before it ends.
      peers[losses - 1]?.send('hello');
      peers[losses - 1]?.close();
      await vi.waitFor(() => expect(problems).toHaveLength(losses), patience);
    }
  });

  it('keeps nothing of what earlier connections were to hear, and tells the next one all of it', async () => {
    const names = Array.from({ length: 600 }, (_, index) => `announced ${index}`);
    const got: string[] = [];
    const waiting: number[] = [];
    let made = 0;
    const onOpen = function* () {
      for (const name of names) {
        made += 1;
        yield `${name} ${large}`;
      }
    };
    const relay = await openRelay((peer, count) => {
      if (count === 5) return collecting(got)(peer);
      // It reads nothing: what is sent fills all that is between, and then waits.
      peer.pause();
      setTimeout(() => {
        waiting.push(sender.state().queued);
        peer.terminate();
      }, 30);
    });
    const sender = sending(relay.url, { onOpen });
    for (let count = 0; count < 300; count += 1) sender.send(`news ${count}`);
    await vi.waitFor(() => expect(got).toContain('news 299'), patience);
    // Four connections heard less than all, and none of what was left over waited for the next one.
    expect(waiting).toEqual([300, 300, 300, 300]);
    expect(made).toBeLessThan(5 * names.length);
    expect(got.slice(0, 600).map((text) => text.slice(0, text.indexOf(` ${large}`)))).toEqual(names);
    expect(got.slice(600).every((text) => text.startsWith('news '))).toBe(true);
    expect(sender.state()).toEqual({ isOpen: true, queued: 0, dropped: 0 });
  });

  it('sends to the end what did not go at once, though nothing new is said', async () => {
    const got: string[] = [];
    const peers: Peer[] = [];
    const relay = await openRelay((peer) => {
      peers.push(peer);
      collecting(got)(peer);
    });
    const sender = sending(relay.url);
    await vi.waitFor(() => expect(peers).toHaveLength(1), patience);
    peers[0]?.pause();
    for (let count = 0; count < 450; count += 1) sender.send(large);
    await vi.waitFor(() => expect(sender.state().queued).toBeGreaterThan(0), patience);
    peers[0]?.resume();
    await vi.waitFor(() => expect(got).toHaveLength(450), patience);
    expect(sender.state()).toMatchObject({ queued: 0, dropped: 0 });
  });

  it('forgets news before definitions while nobody listens', async () => {
    const got: string[] = [];
    const relay = await openRelay(collecting(got));
    const sender = sending(relay.url);
    // The connection is not open yet.
    for (let count = 0; count < 10; count += 1) sender.announce(`definition ${count}`);
    for (let count = 0; count < 3 * maxQueued; count += 1) sender.send(`news ${count}`);
    expect(sender.state()).toEqual({ isOpen: false, queued: maxQueued, dropped: 2 * maxQueued + 10 });
    await vi.waitFor(() => expect(got).toHaveLength(maxQueued), patience);
    expect(got[0]).toBe('definition 0');
    expect(got[10]).toBe(`news ${2 * maxQueued + 10}`);
    expect(got.at(-1)).toBe(`news ${3 * maxQueued - 1}`);
  });
});
