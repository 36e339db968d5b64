import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { Gateway } from '#src/gateway/gateway.ts';
import { maxReaders } from '#src/gateway/hub.ts';
import {
  ask,
  gatewayStage,
  type ManualSources,
  manualSources,
  neverRead,
  readStream,
} from '#test/support/gatewayStage.ts';

const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
};

describe('gateway / stream', () => {
  const stage = gatewayStage();
  const lingerMs = 100;
  let manual: ManualSources;
  let gateway: Gateway;

  beforeEach(async () => {
    manual = manualSources();
    gateway = await stage.open({ sources: manual.sources, lingerMs });
  });
  afterAll(() => stage.close());

  const patch = (state: number) => ({ slices: { state }, rows: {} });

  it('tells everything first and then what changes, with ids that grow by one', async () => {
    const reader = await readStream(gateway.port, 'view,logs');
    const [hello] = await reader.saw('view.hello');
    await reader.saw('logs.hello');
    await reader.saw('beat');
    expect(hello?.data).toEqual({ slices: { state: 0 }, rows: {} });
    manual.view.tell(patch(1));
    manual.logs.tell([]);
    manual.inspection.tell([]);
    manual.view.tell(patch(2));
    const patches = await reader.saw('view.patch', 2);
    expect(patches.map(({ data }) => data)).toEqual([patch(1), patch(2)]);
    const ids = reader.events.filter(({ event }) => !event.endsWith('hello')).map(({ id }) => id);
    const from = hello?.id ?? 0;
    // The beat has none; the inspection is nobody's here, so its news have no id either.
    expect(ids).toEqual([null, from + 1, from + 2, from + 3]);
    expect(reader.events.some(({ event }) => event.startsWith('inspection'))).toBe(false);
    reader.close();
  });

  it('listens to a source only while somebody reads it, and a little longer', async () => {
    expect(manual.view.followers.size).toBe(0);
    const first = await readStream(gateway.port, 'view');
    const second = await readStream(gateway.port, 'view');
    await second.saw('view.hello');
    expect([manual.view.followers.size, manual.logs.followers.size]).toEqual([1, 0]);
    first.close();
    second.close();
    await until(() => manual.view.followers.size === 0);
  });

  it('lets a reader that comes back go on where it stopped', async () => {
    const stayed = await readStream(gateway.port, 'view');
    const left = await readStream(gateway.port, 'view');
    const [hello] = await left.saw('view.hello');
    manual.view.tell(patch(1));
    const [last] = await left.saw('view.patch');
    left.close();
    manual.view.tell(patch(2));
    manual.view.tell(patch(3));
    await stayed.saw('view.patch', 3);
    const back = await readStream(gateway.port, 'view', { 'last-event-id': String(last?.id) });
    const missed = await back.saw('view.patch', 2);
    expect(missed.map(({ data }) => data)).toEqual([patch(2), patch(3)]);
    expect(back.events.some(({ event }) => event === 'view.hello')).toBe(false);
    expect(last?.id).toBe((hello?.id ?? 0) + 1);
  });

  it('greets again whoever missed too much, comes from another life, or makes ids up', async () => {
    const reader = await readStream(gateway.port, 'view');
    const [hello] = await reader.saw('view.hello');
    manual.view.tell(patch(1));
    for (let count = 0; count < 2_000; count += 1) manual.view.tell(patch(count));
    await reader.saw('view.patch', 2_001);
    for (const id of [String(hello?.id), '5', '99999999999999', '-1', 'x', `${'9'.repeat(400)}`]) {
      const back = await readStream(gateway.port, 'view', { 'last-event-id': id });
      expect(await back.saw('view.hello')).toHaveLength(1);
      back.close();
    }
  });

  it('does not go on where nobody listened for a while', async () => {
    const reader = await readStream(gateway.port, 'view');
    const [hello] = await reader.saw('view.hello');
    reader.close();
    await until(() => manual.view.followers.size === 0);
    const back = await readStream(gateway.port, 'view', { 'last-event-id': String(hello?.id) });
    await back.saw('view.hello');
    expect(back.events.filter(({ event }) => event === 'view.hello')).toHaveLength(1);
  });

  it('greets every reader again when the source becomes another one', async () => {
    const reader = await readStream(gateway.port, 'view');
    const [hello] = await reader.saw('view.hello');
    manual.present.state = 7;
    gateway.restart('view');
    const [, again] = await reader.saw('view.hello', 2);
    expect(again?.data).toEqual({ slices: { state: 7 }, rows: {} });
    expect(manual.view.followers.size).toBe(1);
    const back = await readStream(gateway.port, 'view', { 'last-event-id': String(hello?.id) });
    await back.saw('view.hello');
  });

  it('refuses the reader after the last place, and takes one when a place is free', async () => {
    const readers = [];
    for (let count = 0; count < maxReaders; count += 1) readers.push(await readStream(gateway.port, 'view'));
    const refused = await ask(gateway.port, '/api/stream?topics=view');
    expect(refused.status).toBe(503);
    expect(refused.headers['retry-after']).toBe('10');
    readers[0]?.close();
    for (;;) {
      const next = await readStream(gateway.port, 'view');
      next.close();
      if (next.status === 200) break;
    }
    for (const reader of readers) reader.close();
  });

  it('lets go of a reader that does not read, and of nobody else', async () => {
    const other = await readStream(gateway.port, 'view');
    await other.saw('view.hello');
    const slow = neverRead(gateway.port);
    await until(() => manual.view.followers.size === 1);
    const large = { slices: { text: 'x'.repeat(256 * 1024) }, rows: {} };
    // More than the system and the gateway together let wait.
    const told = 60;
    for (let count = 1; count <= told; count += 1) {
      manual.view.tell(large);
      await other.saw('view.patch', count);
    }
    expect(await slow.readToEnd()).toBeLessThan(told * 256 * 1024);
    manual.view.tell(patch(1));
    await other.saw('view.patch', told + 1);
    other.close();
  });

  it('keeps what cannot be told from ending anything', async () => {
    const reader = await readStream(gateway.port, 'view');
    await reader.saw('view.hello');
    manual.view.tell({ slices: { huge: 1n }, rows: {} });
    manual.view.tell(patch(2));
    const [next] = await reader.saw('view.patch');
    expect(next?.data).toEqual(patch(2));
  });

  it('refuses topics it does not have', async () => {
    for (const topics of ['', 'secrets', 'view,secrets', ','])
      expect((await ask(gateway.port, `/api/stream?topics=${topics}`)).status).toBe(400);
  });

  it('ends its readers when it closes, and listens to nothing any more', async () => {
    const own = manualSources();
    const closing = await stage.open({ sources: own.sources });
    const reader = await readStream(closing.port, 'view,inspection,logs');
    await reader.saw('logs.hello');
    await closing.close();
    await reader.ended;
    expect([own.view, own.inspection, own.logs].map(({ followers }) => followers.size)).toEqual([0, 0, 0]);
  });
});
