import type { FastifyInstance, FastifyReply } from 'fastify';

import { prometheusContentType } from './prometheus.ts';
import { remembered } from './remembered.ts';
import type { GatewaySources, Probe } from './sources.ts';

const metricsHoldMs = 500;

const answer = (reply: FastifyReply, { isWell, reasons }: Probe): FastifyReply =>
  reply
    .code(isWell ? 200 : 503)
    .header('cache-control', 'no-store')
    .send({ status: isWell ? 'ok' : 'not ok', reasons });

/** For supervisors and Prometheus: no login, because they cannot have one. */
export const addProbes = (app: FastifyInstance, { live, ready, metrics }: GatewaySources): void => {
  const rendered = remembered(metrics, metricsHoldMs);
  app.get('/livez', (_request, reply) => answer(reply, live()));
  for (const path of ['/readyz', '/healthz']) app.get(path, (_request, reply) => answer(reply, ready()));
  app.get('/metrics', async (_request, reply) =>
    reply
      .header('cache-control', 'no-store')
      .type(prometheusContentType)
      .send(await rendered()),
  );
};

export const probePaths: ReadonlySet<string> = new Set(['/livez', '/readyz', '/healthz']);
