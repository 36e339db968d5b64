import { connect } from 'node:net';
import { afterAll, describe, expect, it } from 'vitest';

import { beatMs } from '#src/domain/view/stream.ts';
import { idleMs, maxUnanswered } from '#src/gateway/connections.ts';
import { ask, gatewayStage, manualSources, readStream } from '#test/support/gatewayStage.ts';

const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
};

/** So many milliseconds in many small steps: a machine that stands still meanwhile skips nothing else. */
const turns = async (ms: number): Promise<void> => {
  for (let gone = 0; gone < ms; gone += 20) await new Promise((resolve) => setTimeout(resolve, 20));
};

/** More than the system lets wait between two sockets of one machine. */
const large = 'x'.repeat(16 * 1024 * 1024);

/** A connection that sends these requests at once and takes no answer until it is asked to. */
const sendUnread = (port: number, path: string, count: number) => {
  const socket = connect(port, '127.0.0.1');
  socket.pause();
  socket.on('error', () => {});
  let isClosed = false;
  socket.on('close', () => {
    isClosed = true;
  });
  const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;
  const sent = new Promise<void>((resolve) => socket.write(request.repeat(count), () => resolve()));
  return {
    sent,
    /** Bytes that came until the other end was gone. */
    readToEnd: (): Promise<number> =>
      new Promise((resolve) => {
        if (isClosed) return resolve(socket.bytesRead);
        socket.on('close', () => resolve(socket.bytesRead));
        socket.resume();
      }),
  };
};

/** Sources whose long replies are large, and how often each was made. */
const countedSources = () => {
  const { sources } = manualSources();
  const made = { inspection: 0, logs: 0, status: 0 };
  const line = { seq: 1, at: 0, level: 'info', event: 'test', msg: large, fields: {} } as const;
  return {
    made,
    sources: {
      ...sources,
      inspection: {
        ...sources.inspection,
        session: () => {
          made.inspection += 1;
          return { ...sources.inspection.session(), role: large };
        },
      },
      logs: {
        ...sources.logs,
        recent: () => {
          made.logs += 1;
          return [line];
        },
      },
      status: () => {
        made.status += 1;
        return {};
      },
    },
  };
};

describe('gateway / connections', () => {
  const stage = gatewayStage();
  afterAll(() => stage.close());

  it.each([
    ['/api/inspection', 'inspection'],
    ['/api/logs', 'logs'],
  ] as const)('ends one that asks for %s a thousand times and reads nothing', async (path, name) => {
    const { sources, made } = countedSources();
    const { port } = await stage.open({ sources });
    const flood = sendUnread(port, path, 1_000);
    await flood.sent;
    expect((await ask(port, '/livez')).status).toBe(200);
    expect(await flood.readToEnd()).toBeLessThan(large.length * maxUnanswered);
    expect(made[name]).toBeLessThanOrEqual(2);
  });

  it.each(['/api/status', '/%zz', '/nothing'])(
    'runs few of a thousand requests for %s that come at once',
    async (path) => {
      const { sources, made } = countedSources();
      const { port } = await stage.open({ sources });
      const bytes = await sendUnread(port, path, 1_000).readToEnd();
      expect(made.status).toBeLessThanOrEqual(maxUnanswered);
      expect(bytes).toBeLessThan(maxUnanswered * 2_048);
    },
  );

  it('answers one request after the other on the same connection without end', async () => {
    const { port } = await stage.open();
    const socket = connect(port, '127.0.0.1');
    let answered = 0;
    const count = 5 * maxUnanswered;
    await new Promise<void>((resolve, reject) => {
      const next = () => socket.write(`GET /livez HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
      socket.on('data', (chunk) => {
        if (!chunk.toString('utf8').includes('HTTP/1.1 200')) return;
        answered += 1;
        if (answered === count) resolve();
        else next();
      });
      socket.on('close', () => reject(new Error(`closed after ${answered} answers`)));
      next();
    });
    expect(answered).toBe(count);
    socket.destroy();
  });

  it('makes the long replies once for everybody who asks at the same moment', async () => {
    const { sources, made } = countedSources();
    const { port } = await stage.open({ sources });
    for (const path of ['/api/inspection', '/api/logs']) {
      const answers = await Promise.all([1, 2, 3].map(() => ask(port, path)));
      for (const { status, body } of answers)
        expect([status, body.length > large.length]).toEqual([200, true]);
    }
    expect(made.inspection).toBe(1);
    expect(made.logs).toBe(1);
  });

  it('ends one that does not take its answers, after a while', async () => {
    const { sources, made } = countedSources();
    const { port } = await stage.open({ sources, idleMs: 100 });
    const slow = sendUnread(port, '/api/inspection', maxUnanswered);
    await until(() => made.inspection > 0);
    await turns(500);
    expect(await slow.readToEnd()).toBeLessThan(large.length);
    expect(made.inspection).toBe(1);
  });

  it('waits with a reader for an answer that takes the daemon longer', async () => {
    let give = (): void => {};
    const { sources } = manualSources();
    const doctor = () =>
      new Promise<{ readonly at: number; readonly checks: [] }>((resolve) => {
        give = () => resolve({ at: 7, checks: [] });
      });
    const { port } = await stage.open({ sources: { ...sources, doctor }, idleMs: 50 });
    const asked = ask(port, '/api/doctor');
    // Several times what an idle connection is left for.
    await turns(400);
    give();
    expect(await asked).toMatchObject({ status: 200, body: '{"at":7,"checks":[]}' });
  });

  it('leaves a stream alone that is told something now and then', async () => {
    expect(idleMs).toBeGreaterThan(3 * beatMs);
    const manual = manualSources();
    const { port } = await stage.open({ sources: manual.sources, idleMs: 1_000 });
    const reader = await readStream(port, 'view');
    await reader.saw('view.hello');
    for (let count = 1; count <= 25; count += 1) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      manual.view.tell({ slices: { state: count }, rows: {} });
      await reader.saw('view.patch', count);
    }
    expect(reader.events.filter(({ event }) => event === 'view.hello')).toHaveLength(1);
    reader.close();
  });
});
