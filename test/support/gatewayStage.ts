import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { LogLine } from '#src/domain/view/commonView.ts';
import type { InspectionEntry } from '#src/domain/view/inspection.ts';
import type { ViewPatch } from '#src/domain/view/stream.ts';
import { type Gateway, type GatewayOptions, openGateway } from '#src/gateway/gateway.ts';
import type { GatewaySources } from '#src/gateway/sources.ts';

/** A source that a test tells news to, and that counts who listens. */
const manual = <News>() => {
  const followers = new Set<(news: News) => void>();
  return {
    followers,
    tell: (news: News): void => {
      for (const follower of [...followers]) follower(news);
    },
    subscribe: (onNews: (news: News) => void) => {
      followers.add(onNews);
      return () => void followers.delete(onNews);
    },
  };
};

/** Sources with known contents; `state` is what the view's hello says. */
export const manualSources = () => {
  const view = manual<ViewPatch>();
  const inspection = manual<readonly InspectionEntry[]>();
  const logs = manual<readonly LogLine[]>();
  const present = { state: 0, isReady: true };
  const hello = { actors: [], entries: [], dropped: 0 };
  const sources: GatewaySources = {
    view: {
      hello: () => ({ slices: { state: present.state }, rows: {} }),
      subscribe: view.subscribe,
    },
    inspection: {
      hello: () => hello,
      subscribe: inspection.subscribe,
      session: () => ({
        format: 'miaoai.inspection',
        version: 1,
        role: 'validator',
        exportedAt: 0,
        ...hello,
      }),
    },
    logs: { recent: () => [], subscribe: logs.subscribe },
    status: () => ({ state: present.state }),
    sessionDetail: () => Promise.resolve(null),
    history: () => Promise.resolve({ epochs: [1], uids: [2], scores: [[0.5]] }),
    settings: () => [],
    doctor: () => Promise.resolve({ at: 1, checks: [] }),
    metrics: () => Promise.resolve('miaoai_test 1\n'),
    live: () => ({ isWell: true, reasons: [] }),
    ready: () =>
      present.isReady ? { isWell: true, reasons: [] } : { isWell: false, reasons: ['no node answers'] },
  };
  return { sources, view, inspection, logs, present };
};

export type ManualSources = ReturnType<typeof manualSources>;

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

export type GatewayStage = {
  readonly dir: string;
  readonly open: (options?: Partial<GatewayOptions>) => Promise<Gateway>;
  readonly close: () => Promise<void>;
};

/** A folder with a small page and a chart, and gateways over it; all on free ports. */
export const gatewayStage = (): GatewayStage => {
  const dir = mkdtempSync(join(tmpdir(), 'miaoai-gateway-'));
  mkdirSync(join(dir, 'ui', 'assets'), { recursive: true });
  mkdirSync(join(dir, 'charts'));
  writeFileSync(join(dir, 'secret.txt'), 'outside');
  writeFileSync(join(dir, 'ui', 'index.html'), '<!doctype html><title>page</title>');
  writeFileSync(join(dir, 'ui', 'assets', 'index-AbCd1234.js'), `export const a = 1;${' '.repeat(2_000)}`);
  writeFileSync(join(dir, 'charts', 'epoch.json'), '{"chart":{}}');
  const opened: Gateway[] = [];
  return {
    dir,
    open: async (options = {}) => {
      const gateway = await openGateway({
        role: 'validator',
        host: '127.0.0.1',
        port: 0,
        isPortFixed: false,
        token: null,
        metricsToken: null,
        allowedHosts: [],
        uiDir: join(dir, 'ui'),
        chartsDir: join(dir, 'charts'),
        sources: manualSources().sources,
        control: { secret: 'c'.repeat(43), setLogLevel: () => {} },
        log: silent,
        ...options,
      });
      if (!gateway.ok) throw new Error(gateway.error.message);
      opened.push(gateway.value);
      return gateway.value;
    },
    close: async () => {
      for (const gateway of opened) await gateway.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
};

export type Answer = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
};

/** One request as it is given: `fetch` would mend paths and hosts. */
export const ask = (
  port: number,
  path: string,
  options: {
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
  } = {},
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { method = 'GET', headers = {}, body } = options;
    const sent = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString('utf8'),
        }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });

export type StreamEvent = { readonly id: number | null; readonly event: string; readonly data: unknown };

const eventOf = (frame: string): StreamEvent => {
  const field = (name: string): string | null => new RegExp(`^${name}: (.*)$`, 'm').exec(frame)?.[1] ?? null;
  const id = field('id');
  return {
    id: id === null ? null : Number(id),
    event: field('event') ?? '',
    data: JSON.parse(field('data') ?? 'null'),
  };
};

export type StreamReader = {
  readonly status: number;
  readonly events: readonly StreamEvent[];
  /** Resolves when so many events of this name have come. */
  readonly saw: (event: string, count?: number) => Promise<readonly StreamEvent[]>;
  readonly ended: Promise<void>;
  readonly close: () => void;
};

/** Reads the stream as a page does. */
export const readStream = (
  port: number,
  topics: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<StreamReader> =>
  new Promise((resolve, reject) => {
    const path = `/api/stream?topics=${topics}`;
    const sent = request({ host: '127.0.0.1', port, path, headers, agent: false }, (response) => {
      const events: StreamEvent[] = [];
      const watchers = new Set<() => void>();
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString('utf8');
        const frames = text.split('\n\n');
        text = frames.pop() ?? '';
        events.push(...frames.map(eventOf));
        for (const watcher of watchers) watcher();
      });
      const ended = new Promise<void>((end) => response.on('close', end));
      response.on('error', () => {});
      const saw = (event: string, count = 1): Promise<readonly StreamEvent[]> =>
        new Promise((found) => {
          const look = (): void => {
            const seen = events.filter((one) => one.event === event);
            if (seen.length < count) return;
            watchers.delete(look);
            found(seen);
          };
          watchers.add(look);
          look();
        });
      resolve({ status: response.statusCode ?? 0, events, saw, ended, close: () => sent.destroy() });
    });
    sent.on('error', reject);
    sent.end();
  });

/** A reader that asks and does not read: its socket fills up. `readToEnd` then reads until it was let go of. */
export const neverRead = (port: number): { readonly readToEnd: () => Promise<number> } => {
  const socket = connect(port, '127.0.0.1');
  socket.write(`GET /api/stream?topics=view HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  socket.pause();
  socket.on('error', () => {});
  return {
    readToEnd: () =>
      new Promise((resolve) => {
        socket.on('close', () => resolve(socket.bytesRead));
        socket.resume();
      }),
  };
};
