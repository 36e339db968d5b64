/** The web server of a daemon: its page, what the page is told, probes and metrics. */
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';

import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import type { StreamTopic } from '../domain/view/stream.ts';
import { addApi } from './api.ts';
import { answerBroken, type Connections, createConnections, idleMs } from './connections.ts';
import { addControl, type Control } from './control.ts';
import { createGate } from './gate.ts';
import { addGuard, createGuard, type Guard } from './guard.ts';
import { hostText, isLoopback } from './hosts.ts';
import { createHub, type Hub } from './hub.ts';
import type { GatewayLog } from './log.ts';
import { addLogin } from './login.ts';
import { addPages } from './pages.ts';
import { addProbes } from './probes.ts';
import { refuse } from './replies.ts';
import type { GatewaySources } from './sources.ts';
import { addStream } from './stream.ts';
import type { Token } from './tokenFile.ts';

export type GatewayOptions = {
  readonly role: 'validator' | 'miner';
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  /** Somebody wants exactly this port; otherwise any free one stands in for one that is taken. */
  readonly isPortFixed: boolean;
  /** null: who reaches the gateway may read. Only on a loopback address. */
  readonly token: Token | null;
  /** For `/metrics` alone; null: open. */
  readonly metricsToken: Token | null;
  /** Further names in the Host header, with or without a port. */
  readonly allowedHosts: readonly string[];
  /** Folder of the built page, and of the charts of its machines. */
  readonly uiDir: string;
  readonly chartsDir: string;
  readonly sources: GatewaySources;
  readonly control: Control;
  readonly log: GatewayLog;
  /** How long a topic is followed after its last reader; milliseconds. */
  readonly lingerMs?: number;
  /** How long a connection may rest; milliseconds. */
  readonly idleMs?: number;
};

export type Gateway = {
  /** Of the overview, without a slash at its end; a loopback address where it listens on all. */
  readonly url: string;
  readonly port: number;
  /** The source of this topic has become another one: whoever follows it is told everything again. */
  readonly restart: (topic: StreamTopic) => void;
  /** Ends every connection; resolves when none is left. */
  readonly close: () => Promise<void>;
};

export type GatewayFailure = {
  readonly reason: 'tokenNeeded' | 'portTaken' | 'failed';
  readonly message: string;
};

const maxConnections = 128;
const headersPatienceMs = 10_000;
/** A control request is a few words. */
const bodyLimitBytes = 1_024;

const addErrors = (app: FastifyInstance, log: GatewayLog): void => {
  app.setErrorHandler((error, request, reply) => {
    const given =
      typeof error === 'object' && error !== null && 'statusCode' in error ? error.statusCode : 500;
    const status = typeof given === 'number' && given >= 400 && given < 500 ? given : 500;
    if (status < 500) return refuse(reply, status, error instanceof Error ? error.message : 'bad request');
    const failure = String(error);
    log.warn(
      { event: 'dashboard.failed', path: request.routeOptions.url ?? '', failure },
      'a request failed',
    );
    return refuse(reply, 500, 'this failed: the log of the daemon says why');
  });
};

/** No request of a connection that asks for too much gets any further. */
const addLimits = (app: FastifyInstance, connections: Connections): void => {
  app.server.maxConnections = maxConnections;
  app.addHook('onRequest', async (request, reply) =>
    connections.admit(request.raw, reply.raw) ? undefined : reply.hijack(),
  );
};

/** What the router itself refuses passes no hook: an address that it cannot read, or a part that is too long. */
const answerRouterError =
  (connections: Connections, guard: Guard) =>
  (error: { readonly statusCode?: number }, request: FastifyRequest, reply: FastifyReply): void => {
    if (!connections.admit(request.raw, reply.raw)) reply.hijack();
    else if (guard(request, reply) === null)
      refuse(reply, error.statusCode ?? 400, 'there is no such address: a part of it is too long');
  };

const createApp = (connections: Connections, guard: Guard, restMs: number): FastifyInstance =>
  Fastify({
    logger: false,
    bodyLimit: bodyLimitBytes,
    connectionTimeout: restMs,
    requestTimeout: headersPatienceMs,
    keepAliveTimeout: 20_000,
    forceCloseConnections: true,
    clientErrorHandler: answerBroken,
    frameworkErrors: answerRouterError(connections, guard),
    routerOptions: { maxParamLength: 64 },
    http: { maxHeaderSize: 16_384, headersTimeout: headersPatienceMs, connectionsCheckingInterval: 2_000 },
  });

const build = (options: GatewayOptions): { readonly app: FastifyInstance; readonly hub: Hub } => {
  const { role, sources, log, control, token, metricsToken, uiDir, chartsDir } = options;
  const restMs = options.idleMs ?? idleMs;
  const gate = createGate({ token, metricsToken, control: control.secret, now: Date.now });
  const guard = createGuard({ gate, host: options.host, allowedHosts: options.allowedHosts });
  const connections = createConnections(restMs);
  const app = createApp(connections, guard, restMs);
  const hub = createHub({
    sources,
    log,
    ...(options.lingerMs === undefined ? {} : { lingerMs: options.lingerMs }),
  });
  addLimits(app, connections);
  addGuard(app, guard);
  addErrors(app, log);
  addProbes(app, sources);
  addLogin(app, gate);
  addStream(app, hub);
  addApi(app, { sources, chartsDir });
  addControl(app, control);
  addPages(app, { role, uiDir });
  return { app, hub };
};

const isTaken = (cause: unknown): boolean =>
  cause instanceof Error && 'code' in cause && (cause.code === 'EADDRINUSE' || cause.code === 'EACCES');

const urlOf = (host: string, port: number): string => {
  const shown = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${hostText(shown)}:${port}`;
};

const listen = async (options: GatewayOptions, port: number): Promise<Outcome<Gateway, GatewayFailure>> => {
  const { host, log } = options;
  const { app, hub } = build(options);
  try {
    await app.listen({ host, port });
  } catch (cause) {
    hub.close();
    await app.close();
    if (isTaken(cause) && port !== 0) {
      if (!options.isPortFixed) {
        log.info(
          { event: 'dashboard.portTaken', port },
          'the port of the page is taken; any free one is used',
        );
        return listen(options, 0);
      }
      return fail({ reason: 'portTaken', message: `port ${port} of ${host} is taken or not allowed` });
    }
    return fail({ reason: 'failed', message: String(cause) });
  }
  const address = app.server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  return succeed({
    url: urlOf(host, bound),
    port: bound,
    restart: hub.restart,
    close: async () => {
      hub.close();
      await app.close();
    },
  });
};

/**
 * Opens the gateway of a daemon. Refuses an address that others can reach without a token. Nothing it does can throw
 * into the daemon: what goes wrong in a source becomes a reply with code 500 and a line of the log.
 */
export const openGateway = async (options: GatewayOptions): Promise<Outcome<Gateway, GatewayFailure>> => {
  const { host, token } = options;
  if (token === null && !isLoopback(host))
    return fail({
      reason: 'tokenNeeded',
      message: `the page would be open to everybody who reaches ${host}: name a token file with --dashboard-token-file, or use --dashboard-host 127.0.0.1`,
    });
  try {
    return await listen(options, options.port);
  } catch (cause) {
    return fail({ reason: 'failed', message: String(cause) });
  }
};
