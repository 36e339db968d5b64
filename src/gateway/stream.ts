import type { FastifyInstance } from 'fastify';

import type { StreamTopic } from '../domain/view/stream.ts';
import { securityHeaders } from './headers.ts';
import type { Hub } from './hub.ts';
import { refuse } from './replies.ts';

const topicNames: readonly StreamTopic[] = ['view', 'inspection', 'logs'];

/** Known topics of a list with commas; null where one is unknown or none is named. */
const topicsOf = (text: string): readonly StreamTopic[] | null => {
  const given = new Set(text.split(',').slice(0, 8));
  const known = topicNames.filter((topic) => given.has(topic));
  return known.length > 0 && known.length === given.size ? known : null;
};

const lastIdOf = (header: string | string[] | undefined): number | null => {
  const text = typeof header === 'string' ? header : '';
  return /^\d{1,15}$/.test(text) ? Number(text) : null;
};

const streamHeaders = {
  ...securityHeaders,
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  // For nginx, which would otherwise collect what should arrive at once.
  'x-accel-buffering': 'no',
};

/** `GET /api/stream?topics=view,logs`. */
export const addStream = (app: FastifyInstance, hub: Hub): void => {
  app.get<{ Querystring: { readonly topics?: string } }>('/api/stream', (request, reply) => {
    const topics = topicsOf(String(request.query.topics ?? 'view'));
    if (topics === null) return refuse(reply, 400, `give topics: some of ${topicNames.join(', ')}`);
    if (request.method === 'HEAD') return reply.headers(streamHeaders).send();
    if (hub.isFull()) {
      reply.header('retry-after', '10');
      return refuse(reply, 503, 'too many pages are open: close some of them');
    }
    reply.hijack();
    const { raw: response } = reply;
    response.socket?.setNoDelay(true);
    response.writeHead(200, streamHeaders);
    hub.add({ topics, lastId: lastIdOf(request.headers['last-event-id']), response });
    return reply;
  });
};
