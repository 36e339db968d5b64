import { createReadStream, existsSync, readdirSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { SessionRow } from '#src/domain/view/validatorView.ts';
import { entriesAt, fixtureActors, logLineAt, recentLog } from '#test/browser/fixtureActors.ts';
import { minerSlices, servedRows } from '#test/browser/fixtureMiner.ts';
import { detailOf, fullNetwork, sessionOf } from '#test/browser/fixtureMiners.ts';
import { fixtureDoctor, fixtureSettings } from '#test/browser/fixtureSettings.ts';
import { type Scenario, scenarios, validatorSlices, weightHistory } from '#test/browser/fixtureValidator.ts';

/**
 * The page with a daemon that is only played: every slice, row and message of the stream, in a scenario that can be
 * changed while a browser looks on. `node test/browser/fixtureServer.ts --role miner --scenario well --port 8700`.
 */
export type FixtureOptions = {
  readonly role?: 'validator' | 'miner';
  readonly scenario?: Scenario;
  readonly port?: number;
  /** How many miners the validator knows; a full subnet where absent. */
  readonly miners?: number;
  readonly uiDir?: string;
};

export type Fixture = {
  readonly url: string;
  readonly set: (scenario: Scenario) => void;
  /** Ends all streams without ending the server; browsers come back by themselves. */
  readonly cut: () => void;
  readonly close: () => Promise<void>;
};

const tickMs = 250;
/** As the gateway's, so that a page that would be refused there is refused here. */
const policy = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
const kinds: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
};

const smallNetwork = (count: number): Record<string, SessionRow> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index) => {
      const uid = index + 1;
      const row = sessionOf(uid, uid === count ? 'cooling' : uid % 2 === 0 ? 'busy' : 'ready');
      const isGuessing = uid === 3;
      return [
        String(uid),
        isGuessing ? { ...row, isGuessing, recent: { ...row.recent, accuracy: 0.17, chance: 0.16 } } : row,
      ];
    }),
  );

const json = (response: ServerResponse, body: unknown, status = 200): void => {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
};

const sendFile = (response: ServerResponse, path: string): void => {
  response.writeHead(200, {
    'content-type': kinds[extname(path)] ?? 'application/octet-stream',
    'content-security-policy': policy,
  });
  createReadStream(path).pipe(response);
};

/** The played daemon: what it would say now, and the streams it says it on. */
class PlayedDaemon {
  readonly role: 'validator' | 'miner';
  scenario: Scenario;
  readonly network: Record<string, SessionRow>;
  readonly streams = new Map<ServerResponse, readonly string[]>();
  ticks = 0;
  seq = 1_000;

  constructor(options: FixtureOptions) {
    this.role = options.role ?? 'validator';
    this.scenario = options.scenario ?? 'guessing';
    this.network = options.miners === undefined ? fullNetwork() : smallNetwork(options.miners);
  }

  sessions(): Record<string, SessionRow> {
    if (this.scenario === 'starting') return {};
    if (this.scenario !== 'well') return this.network;
    return Object.fromEntries(
      Object.entries(this.network).map(([uid, row]) => [uid, { ...row, isGuessing: false }]),
    );
  }

  slices(): Readonly<Record<string, unknown>> {
    const { scenario, ticks } = this;
    const now = Date.now();
    return this.role === 'miner'
      ? minerSlices({ scenario, now, ticks })
      : validatorSlices({ scenario, now, ticks, sessions: Object.values(this.sessions()) });
  }

  rows(): Readonly<Record<string, Readonly<Record<string, unknown>>>> {
    return this.role === 'miner' ? { served: servedRows(Date.now()) } : { sessions: this.sessions() };
  }

  say(topic: string, event: string, data: unknown): void {
    for (const [stream, topics] of this.streams) {
      if (topics.includes(topic)) stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    }
  }

  open(stream: ServerResponse, topics: readonly string[]): void {
    stream.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    this.streams.set(stream, topics);
    stream.on('close', () => this.streams.delete(stream));
    const hello = (topic: string, event: string, data: unknown): void => {
      if (topics.includes(topic)) stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    };
    hello('view', 'view.hello', { slices: this.slices(), rows: this.rows() });
    hello('inspection', 'inspection.hello', { actors: fixtureActors(), entries: [], dropped: 0 });
    hello('logs', 'logs.hello', recentLog(Date.now()));
  }

  /** One miner changes between busy and ready in each tick. */
  changedSession(): Record<string, SessionRow> {
    const rows = Object.values(this.network);
    const row = rows[(this.ticks * 37) % rows.length];
    if (row === undefined || this.scenario === 'starting') return {};
    if (row.isGuessing || (row.state !== 'ready' && row.state !== 'busy')) return {};
    const changed: SessionRow = { ...row, state: row.state === 'ready' ? 'busy' : 'ready' };
    this.network[String(row.uid)] = changed;
    return { [String(row.uid)]: changed };
  }

  tick(): void {
    this.ticks += 1;
    // A daemon that hangs keeps its sockets open and says nothing.
    if (this.scenario === 'stale') return;
    const at = Date.now();
    if (this.ticks % 20 === 0) this.say('view', 'beat', { at });
    const slices = this.ticks % 4 === 0 ? this.slices() : {};
    const rows = this.role === 'miner' ? {} : { sessions: this.changedSession() };
    this.say('view', 'view.patch', { slices, rows });
    this.seq += 3;
    this.say('inspection', 'inspection.entries', entriesAt(this.seq, at));
    if (this.ticks % 3 === 0) this.say('logs', 'logs.lines', [logLineAt(this.seq, at)]);
  }

  set(scenario: Scenario): void {
    this.scenario = scenario;
    if (scenario !== 'stale') this.say('view', 'view.hello', { slices: this.slices(), rows: this.rows() });
  }
}

const chartsDir = resolve('dist/charts');

/** What is asked for by name; undefined where there is nothing of that name. */
const apiBody = (daemon: PlayedDaemon, path: string): unknown => {
  const now = Date.now();
  const bodies: Readonly<Record<string, () => unknown>> = {
    history: () => weightHistory(Object.values(daemon.sessions())),
    config: () => fixtureSettings,
    doctor: () => fixtureDoctor(now),
    logs: () => recentLog(now),
    status: () => daemon.slices(),
    charts: () => (existsSync(chartsDir) ? readdirSync(chartsDir).map((name) => name.slice(0, -5)) : []),
  };
  const [kind = '', id = ''] = path.split('/');
  const row = kind === 'sessions' ? daemon.sessions()[id] : undefined;
  return row === undefined ? bodies[path]?.() : detailOf(row, now);
};

const answerApi = (daemon: PlayedDaemon, url: URL, response: ServerResponse): void => {
  const path = url.pathname.slice('/api/'.length);
  const chart = join(chartsDir, `${path.slice('charts/'.length)}.json`);
  const body = apiBody(daemon, path);
  if (path === 'stream') daemon.open(response, (url.searchParams.get('topics') ?? '').split(','));
  else if (/^charts\/\w+$/.test(path) && existsSync(chart)) sendFile(response, chart);
  else if (body === undefined) json(response, { error: 'not found' }, 404);
  else json(response, body);
};

/** Starts the played daemon on a free port of loopback, or on the one that is given. */
export const openFixture = async (options: FixtureOptions = {}): Promise<Fixture> => {
  const daemon = new PlayedDaemon(options);
  const uiDir = resolve(options.uiDir ?? 'dist/ui');
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://fixture');
    const file = join(uiDir, url.pathname);
    const isAsset = file.startsWith(uiDir) && extname(file) !== '' && existsSync(file);
    if (url.pathname.startsWith('/api/')) answerApi(daemon, url, response);
    else sendFile(response, isAsset ? file : join(uiDir, 'index.html'));
  });
  await new Promise<void>((done) => server.listen(options.port ?? 0, '127.0.0.1', done));
  const timer = setInterval(() => daemon.tick(), tickMs);
  const cut = (): void => {
    for (const stream of daemon.streams.keys()) stream.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    set: (scenario) => daemon.set(scenario),
    cut,
    close: () => {
      clearInterval(timer);
      cut();
      return new Promise((done) => server.close(() => done()));
    },
  };
};

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      role: { type: 'string', default: 'validator' },
      scenario: { type: 'string', default: 'guessing' },
      port: { type: 'string', default: '8700' },
      miners: { type: 'string' },
      ui: { type: 'string' },
    },
  });
  const fixture = await openFixture({
    role: values.role === 'miner' ? 'miner' : 'validator',
    scenario: scenarios.find((name) => name === values.scenario) ?? 'guessing',
    port: Number(values.port),
    ...(values.miners === undefined ? {} : { miners: Number(values.miners) }),
    ...(values.ui === undefined ? {} : { uiDir: values.ui }),
  });
  process.stdout.write(`${fixture.url}\n`);
};

if (import.meta.main) await main();
