/** What a request must pass before it is answered at all. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import { controlPath } from './control.ts';
import type { Credentials, Gate } from './gate.ts';
import { notStored, securityHeaders } from './headers.ts';
import { type Arrival, hostText, isOurHost, isOurOrigin } from './hosts.ts';
import { probePaths } from './probes.ts';
import { refuse, wordsPage } from './replies.ts';

const loginWords =
  'This page needs a login: run <code>miaoai status --link</code> on the machine of the daemon and open the link that it prints.';

const arrivalOf = ({ socket }: FastifyRequest): Arrival => ({
  address: socket.localAddress ?? '',
  port: socket.localPort ?? 0,
});

const pathOf = ({ url }: FastifyRequest): string => url.split('?', 1)[0] ?? '';

/** All characters that an address has here. Escaped ones, a fragment or a host before it are read otherwise by the router. */
const isPlain = (path: string): boolean => /^\/[A-Za-z0-9._/-]*$/.test(path);

/** What the router found, so that nothing is judged by another address than it is answered by. */
const placeOf = (request: FastifyRequest): string => request.routeOptions.url ?? pathOf(request);

const credentialsOf = ({ headers }: FastifyRequest): Credentials => ({
  cookie: headers.cookie,
  authorization: headers.authorization,
});

export type GuardOptions = {
  readonly gate: Gate;
  /** Where the gateway listens, as it was configured. */
  readonly host: string;
  readonly allowedHosts: readonly string[];
};

/** Answers a request that may not pass; null for one that may. */
export type Guard = (request: FastifyRequest, reply: FastifyReply) => FastifyReply | null;

/** Why this request is none of ours: a foreign name, or a foreign page. */
const foreignness = (
  request: FastifyRequest,
  { host, allowedHosts: further }: GuardOptions,
): string | null => {
  const { headers, method } = request;
  const arrival = arrivalOf(request);
  // Where it listens on all addresses, its own is none that could be asked for.
  const isAny = host === '0.0.0.0' || host === '::';
  const allowedHosts = isAny ? further : [...further, `${hostText(host)}:${arrival.port}`];
  if (!isOurHost(headers.host, arrival, allowedHosts))
    return 'this name is not allowed: use the address that the daemon printed, or add the name to --dashboard-allowed-hosts';
  const isReading = method === 'GET' || method === 'HEAD';
  const isPage = isReading && !placeOf(request).startsWith('/api/');
  if (isPage) return null;
  // Reading is closed to foreign pages by the browser; but they could take all places of the stream.
  const isForeign =
    !isOurOrigin(headers.origin, arrival, allowedHosts) ||
    headers['sec-fetch-site'] === 'cross-site' ||
    headers['sec-fetch-site'] === 'same-site';
  return isForeign ? 'pages of other sites may not ask this' : null;
};

const isReadable = (request: FastifyRequest, gate: Gate): boolean => {
  const path = placeOf(request);
  if (probePaths.has(path) || path === '/login') return true;
  const credentials = credentialsOf(request);
  return path === '/metrics' ? gate.isMetricsOpenTo(credentials) : gate.isOpenTo(credentials);
};

const refuseUnknown = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
  const isPage = (request.headers.accept ?? '').includes('text/html');
  reply.header('www-authenticate', 'Bearer');
  return isPage
    ? wordsPage(reply, 401, loginWords)
    : refuse(
        reply,
        401,
        'a login is needed: `miaoai status --link`, or Authorization: Bearer with the token',
      );
};

export const createGuard =
  (options: GuardOptions): Guard =>
  (request, reply) => {
    const { gate } = options;
    reply.headers(securityHeaders);
    const path = placeOf(request);
    if (path.startsWith('/api/') || path.startsWith('/control/')) reply.headers(notStored);
    const foreign = foreignness(request, options);
    if (foreign !== null) return refuse(reply, 403, foreign);
    if (!isPlain(pathOf(request)))
      return refuse(reply, 400, 'addresses here begin with / and have no escaped characters');
    if (request.method === 'POST' && path === controlPath) {
      if (gate.isControl(credentialsOf(request))) return null;
      return refuse(reply, 401, 'use `miaoai log-level` as the user of the daemon');
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      reply.header('allow', 'GET, HEAD');
      return refuse(reply, 405, 'nothing can be changed here: only GET and HEAD');
    }
    return isReadable(request, gate) ? null : refuseUnknown(request, reply);
  };

/** Adds the checks to everything that reaches a route, unknown addresses included. */
export const addGuard = (app: FastifyInstance, guard: Guard): void => {
  app.addHook('onRequest', async (request, reply) => guard(request, reply) ?? undefined);
};
