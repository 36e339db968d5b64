/** The page of a daemon: what is shown, in which order, and the gateway that serves it. */
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { InspectionEvent } from 'xstate';

import type { Metrics } from './actors/metrics/metrics.ts';
import type { ViewSource } from './actors/views/viewSource.ts';
import { type Config, settingViews } from './config.ts';
import { type WrittenDaemonFile, writeDaemonFile } from './daemonFile.ts';
import type { CommonSlices, DoctorView } from './domain/view/commonView.ts';
import type { SessionDetail, WeightHistory } from './domain/view/validatorView.ts';
import { verdictOf } from './domain/view/verdict.ts';
import { type Gateway, openGateway } from './gateway/gateway.ts';
import type { GatewaySources } from './gateway/sources.ts';
import { writeTicket } from './gateway/ticket.ts';
import { type Token, tokenOfFile } from './gateway/tokenFile.ts';
import { createInspection, type Inspection } from './inspector/inspection.ts';
import { createStatelyBridge, type StatelyBridge } from './inspector/stately.ts';
import type { Logger, LogLevel } from './logging.ts';
import { controlLevel } from './logLevel.ts';
import type { LogTail } from './logTail.ts';
import { shown } from './machines/shown.ts';
import { announceReady } from './readiness.ts';

/** What the page follows, of either role; there from the first moment on. */
export type ShownView = Pick<
  ViewSource<CommonSlices, unknown>,
  'hello' | 'subscribe' | 'slices' | 'live' | 'ready' | 'status' | 'onInspection' | 'close'
> & {
  readonly sessionDetail?: (uid: number) => Promise<SessionDetail | null>;
  readonly history?: () => Promise<WeightHistory>;
};

export type Dashboard = {
  /** False with `--no-dashboard`, and where it could not be opened: nothing needs to be counted then. */
  readonly isShown: boolean;
  /** For the system that waits for the right to act, before the daemon's own. */
  readonly onLeaseInspection: (inspected: InspectionEvent) => void;
  /** For the daemon's own system. */
  readonly onInspection: (inspected: InspectionEvent) => void;
  /** This process is the one that acts: from here on the page shows its own machines. */
  readonly lead: () => void;
  readonly close: () => Promise<void>;
};

export type DashboardParts = {
  readonly config: Config;
  readonly dir: string;
  readonly log: Logger;
  readonly tail: LogTail;
  readonly view: ShownView;
  readonly metrics: Metrics;
  readonly doctor: () => Promise<DoctorView>;
};

/** Beside the bundle; where the sources run as they are, none. */
const folder = (name: string): string => fileURLToPath(new URL(`./${name}/`, import.meta.url));

/** What the gateway may ask for; `inspection` is that of the system which lives at the time. */
const sourcesOf = (parts: DashboardParts, inspection: () => Inspection): GatewaySources => {
  const { config, tail, view, metrics, doctor } = parts;
  return {
    view,
    inspection: {
      hello: () => inspection().hello(),
      subscribe: (onEntries) => inspection().subscribe(onEntries),
      session: () => inspection().session(),
    },
    logs: tail,
    status: view.status,
    sessionDetail: view.sessionDetail ?? null,
    history: view.history ?? null,
    settings: () => settingViews(config),
    doctor,
    metrics: metrics.render,
    live: view.live,
    ready: view.ready,
  };
};

/** Token files that are named; a line of the log where one cannot be used, and no page then. */
const readTokens = (
  config: Config,
  log: Logger,
): { readonly token: Token | null; readonly metricsToken: Token | null } | null => {
  const tokens: (Token | null)[] = [];
  for (const path of [config.dashboardTokenFile, config.metricsTokenFile]) {
    const read = path === null ? null : tokenOfFile(path);
    if (read?.ok === false) {
      log.error({ event: 'dashboard.refused', failure: read.error }, 'no page: its token cannot be used');
      return null;
    }
    tokens.push(read === null ? null : read.value);
  }
  const [token = null, metricsToken = null] = tokens;
  return { token, metricsToken };
};

type Opened = { readonly gateway: Gateway; readonly file: WrittenDaemonFile | null };

/** A person gets a link that can be clicked; never through the log, since it opens the page. */
const greet = (url: string, link: string | null): void => {
  if (process.stderr.isTTY) process.stderr.write(`Dashboard: ${link ?? url}\n`);
};

const open = async (
  { config, dir, log }: DashboardParts,
  sources: GatewaySources,
  setLogLevel: (level: LogLevel) => void,
): Promise<Opened | null> => {
  const tokens = readTokens(config, log);
  if (tokens === null) return null;
  const secret = randomBytes(32).toString('base64url');
  const opened = await openGateway({
    role: config.role,
    host: config.dashboardHost,
    port: config.dashboardPort,
    isPortFixed: config.sources['dashboardPort'] !== 'default' && config.dashboardPort !== 0,
    ...tokens,
    allowedHosts: config.dashboardAllowedHosts ?? [],
    uiDir: folder('ui'),
    chartsDir: folder('charts'),
    sources,
    control: { secret, setLogLevel },
    log,
  });
  if (!opened.ok) {
    const failure = opened.error.message;
    log.error({ event: 'dashboard.refused', failure }, 'the daemon goes on without its page');
    return null;
  }
  const { url } = opened.value;
  const machines = config.inspector === 'off' ? {} : { machines: `${url}/machines` };
  log.info({ event: 'dashboard.opened', url, ...machines }, 'the page of this daemon is open');
  greet(url, tokens.token === null ? null : `${url}/login?ticket=${writeTicket(secret, Date.now())}`);
  try {
    const file = writeDaemonFile(dir, { pid: process.pid, url, control: secret });
    // Whichever way the process ends, nothing points to a page that is gone.
    process.once('exit', file.remove);
    return { gateway: opened.value, file };
  } catch (cause) {
    log.warn({ event: 'dashboard.unannounced', failure: String(cause) }, '`miaoai status` will not find it');
    return { gateway: opened.value, file: null };
  }
};

/** `--inspector=stately`: the same machines in Stately's own protocol, for a receiver that is reached or is not. */
const openStately = ({ inspector, inspectorUrl: url }: Config, log: Logger): StatelyBridge | null => {
  if (inspector !== 'stately') return null;
  const onProblem = (failure: string): void =>
    log.warn({ event: 'inspector.unreachable', failure }, 'the receiver of --inspector=stately is away');
  return createStatelyBridge({ shown, onProblem, ...(url === null ? {} : { url }) });
};

/**
 * Opens the page of a daemon. Whatever goes wrong with it is a line of the log and never ends the daemon; with
 * `--no-dashboard` nothing is served, and only what the view counts remains.
 */
export const openDashboard = async (parts: DashboardParts): Promise<Dashboard> => {
  const { config, log, view, metrics } = parts;
  const lease = createInspection({ role: 'writerLease', shown });
  const own = createInspection({ role: config.role, shown });
  let isLeading = false;
  const level = controlLevel(log);
  const stately = openStately(config, log);
  const sources = sourcesOf(parts, () => (isLeading ? own : lease));
  const opened = config.dashboard ? await open(parts, sources, level.set) : null;
  const isShown = opened !== null;
  const readiness = announceReady({
    env: process.env,
    pid: process.pid,
    tellParent: process.send === undefined ? null : (message) => void process.send?.(message),
    // Without a page nobody tells the view what happens, and its verdict would be that of a daemon which never begins.
    verdict: () => (isShown ? view.slices().health : verdictOf([], 'running, without its page')),
    isLive: () => !isShown || view.live().isWell,
    log,
  });
  return {
    isShown,
    onLeaseInspection: (inspected) => {
      if (!isShown) return;
      view.onInspection(inspected);
      if (!isLeading) lease.observe(inspected);
    },
    onInspection: (inspected) => {
      stately?.observe(inspected);
      if (!isShown) return;
      view.onInspection(inspected);
      metrics.onInspection(inspected);
      own.observe(inspected);
    },
    lead: () => {
      isLeading = true;
      lease.close();
      opened?.file?.lead();
      opened?.gateway.restart('inspection');
    },
    close: async () => {
      await readiness.close();
      level.close();
      stately?.close();
      view.close();
      lease.close();
      own.close();
      metrics.close();
      opened?.file?.remove();
      await opened?.gateway.close();
    },
  };
};
