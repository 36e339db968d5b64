import type { FastifyInstance } from 'fastify';

import type { Gate } from './gate.ts';
import { wordsPage } from './replies.ts';

const again = 'Run <code>miaoai status --link</code> on the machine of the daemon for a new one.';

/**
 * `GET /login?ticket=…`: exchanges a ticket for the cookie. The reply is a page that leads on, not a redirect: a cookie
 * of `SameSite=Strict` does not go along where the link was followed from another site, such as a mail.
 */
export const addLogin = (app: FastifyInstance, gate: Gate): void => {
  app.get<{ Querystring: { readonly ticket?: string } }>(
    '/login',
    { exposeHeadRoute: false },
    (request, reply) => {
      const taken = gate.redeem(String(request.query.ticket ?? ''));
      if (taken === 'tooMany') {
        reply.header('retry-after', '60');
        return wordsPage(reply, 429, 'Too many wrong links. Wait for a minute.');
      }
      if (taken === 'wrong') return wordsPage(reply, 401, `This link is used or over. ${again}`);
      const cookie = gate.setCookie();
      if (cookie !== '') reply.header('set-cookie', cookie);
      reply.header('refresh', '0; url=/');
      return wordsPage(reply, 200, '<a href="/">Go on</a>');
    },
  );
};
