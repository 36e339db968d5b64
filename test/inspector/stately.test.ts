import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createWebSocketReceiver, type StatelyInspectionEvent } from '@statelyai/inspect';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocketServer } from 'ws';
import { assign, createActor, fromCallback, setup } from 'xstate';

import { createStatelyBridge, type StatelyBridge } from '#src/inspector/stately.ts';
import { shown } from '#src/machines/shown.ts';
import { weightSettingMachine } from '#src/machines/weightSetting.machine.ts';

/** What Stately's own tools put between a program and a viewer: everything goes to everybody else. */
const openRelay = async (port = 0) => {
  const server = new WebSocketServer({ port, host: '127.0.0.1' });
  const relayed: StatelyInspectionEvent[] = [];
  server.on('connection', (socket) =>
    socket.on('message', (data) => {
      relayed.push(JSON.parse(String(data)));
      for (const other of server.clients) if (other !== socket) other.send(String(data));
    }),
  );
  await once(server, 'listening');
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `ws://127.0.0.1:${bound}`,
    port: bound,
    relayed,
    close: async () => {
      for (const client of server.clients) client.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

/** The official receiver, once it is connected. */
const receiving = async (relay: Awaited<ReturnType<typeof openRelay>>) => {
  const got: StatelyInspectionEvent[] = [];
  createWebSocketReceiver({ server: relay.url }).subscribe((event) => void got.push(event));
  await new Promise((resolve) => setTimeout(resolve, 100));
  return got;
};

const deep = setup({
  types: {
    context: {} as { phrase: string; step: number },
    events: {} as { type: 'go'; step: number; phrase: string },
  },
  actors: { link: fromCallback(() => {}) },
}).createMachine({
  id: 'deep',
  context: { phrase: 'seed phrase', step: 0 },
  invoke: { id: 'link', src: 'link', input: { phrase: 'seed phrase' } },
  initial: 'a',
  states: {
    a: {
      initial: 'b',
      states: {
        b: {
          initial: 'c',
          states: {
            c: {
              initial: 'd',
              states: { d: { initial: 'e', states: { e: { initial: 'f', states: { f: {} } } } } },
            },
          },
        },
      },
      on: { go: { actions: assign({ step: ({ event }) => event.step }) } },
    },
  },
});

const allowed = { context: { deep: ['step'] }, events: { go: ['step'] } };

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const bridged = (url: string, onProblem: (reason: string) => void = () => {}): StatelyBridge => {
  const bridge = createStatelyBridge({ shown: allowed, url, onProblem, retryMs: 20 });
  closing.push(bridge.close);
  return bridge;
};

describe('inspector / stately', () => {
  it('is understood by the official receiver: actors, events and snapshots, whole and redacted', async () => {
    const relay = await openRelay();
    closing.push(relay.close);
    const got = await receiving(relay);
    const bridge = bridged(relay.url);
    const actor = createActor(deep, { inspect: bridge.observe, systemId: 'root' }).start();
    actor.send({ type: 'go', step: 2, phrase: 'seed phrase' });
    await vi.waitFor(() => expect(got.filter(({ type }) => type === '@xstate.event')).not.toHaveLength(0));
    await vi.waitFor(() =>
      expect(got.findLast(({ type }) => type === '@xstate.snapshot')).toMatchObject({
        sessionId: actor.sessionId,
        rootId: actor.sessionId,
        event: { type: 'go', step: 2 },
        snapshot: { status: 'active', context: { step: 2 }, value: { a: { b: { c: { d: { e: 'f' } } } } } },
      }),
    );
    const born = got.flatMap((event) => (event.type === '@xstate.actor' ? [event] : []));
    expect(born.map(({ sessionId }) => sessionId)).toContain(actor.sessionId);
    expect(born.find(({ name }) => name === 'link')).toMatchObject({
      parentId: actor.sessionId,
      rootId: actor.sessionId,
    });
    const definition = born.find(({ sessionId }) => sessionId === actor.sessionId)?.definition ?? '';
    expect(JSON.parse(definition).states.a.states.b.states.c.states.d.states.e.states.f).toEqual({});
    expect(JSON.stringify(got)).not.toContain('seed phrase');
    expect(bridge.state()).toMatchObject({ failures: 0, dropped: 0, isOpen: true });
    actor.stop();
  });

  it('comes back after a receiver was away, and announces all machines again', async () => {
    const relay = await openRelay();
    const problems: string[] = [];
    const bridge = bridged(relay.url, (reason) => void problems.push(reason));
    const actor = createActor(deep, { inspect: bridge.observe }).start();
    await vi.waitFor(() => expect(bridge.state().isOpen).toBe(true));
    await relay.close();
    await vi.waitFor(() => expect(problems).toHaveLength(1));
    for (let step = 0; step < 2_000; step += 1) actor.send({ type: 'go', step, phrase: '' });
    expect(bridge.state().queued).toBe(1_000);
    expect(bridge.state().dropped).toBeGreaterThan(0);
    const later = await openRelay(relay.port);
    closing.push(later.close);
    await vi.waitFor(() => expect(later.relayed.length).toBeGreaterThan(1_000));
    expect(bridge.state()).toMatchObject({ isOpen: true, queued: 0, failures: 0 });
    // Whoever only comes now can draw everything: the machines come first, as they are.
    const [root, link] = later.relayed;
    expect(root).toMatchObject({ type: '@xstate.actor', snapshot: { context: { step: 1_999 } } });
    expect(link).toMatchObject({ type: '@xstate.actor', name: 'link', parentId: actor.sessionId });
    expect(problems).toHaveLength(1);
    actor.stop();
  });

  it('does not mind an actor that failed while it was made, or a receiver that is no address', async () => {
    const problems: string[] = [];
    const bridge = bridged('http://', (reason) => void problems.push(reason));
    expect(problems[0]).toContain('--inspector-url');
    const twice = setup({ actors: { deep } }).createMachine({
      id: 'twice',
      invoke: [
        { id: 'one', src: 'deep', systemId: 'same' },
        { id: 'two', src: 'deep', systemId: 'same' },
      ],
    });
    const actor = createActor(twice, { inspect: bridge.observe });
    actor.subscribe({ error: () => {} });
    actor.start();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(bridge.state().failures).toBe(0);
    actor.stop();
  });

  it('sends nothing of weights that are on their way', async () => {
    const relay = await openRelay();
    closing.push(relay.close);
    const got = await receiving(relay);
    const bridge = createStatelyBridge({ shown, url: relay.url, retryMs: 20 });
    closing.push(bridge.close);
    const actors = Object.fromEntries(
      Object.keys(weightSettingMachine.implementations.actors).map((name) => [name, fromCallback(() => {})]),
    );
    const machine = weightSettingMachine.provide({ actors: actors as never });
    const actor = createActor(machine, { inspect: bridge.observe, systemId: 'root' }).start();
    const vector = { uids: [7_777], values: [65_431] };
    actor.send({ type: 'weights.due', epoch: 7, vector, lastEpochBlock: 1, endsAtBlock: 360 });
    await vi.waitFor(() => expect(JSON.stringify(got)).toContain('weights.due'));
    await vi.waitFor(() => expect(JSON.stringify(got)).toContain('"due.epoch":7'));
    expect(JSON.stringify(got)).not.toMatch(/7777|65431/);
    actor.stop();
  });
});
