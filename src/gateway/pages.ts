import type { FastifyInstance } from 'fastify';

import { refuse, sendFile, wordsPage } from './replies.ts';
import { readStaticFiles, staticFile } from './staticFiles.ts';

const common = ['/', '/chain', '/machines', '/logs', '/config'];
const pagesOf = {
  validator: [...common, '/sessions', '/sessions/:uid', '/rounds', '/weights'],
  miner: [...common, '/requests', '/inference', '/models'],
} as const;

const notBuilt = staticFile(
  'index.html',
  Buffer.from(
    '<!doctype html><meta charset="utf-8"><title>MIAOAI</title><p>The page is not part of this installation: run <code>npm run build</code> and start the daemon again. <a href="/api/status">/api/status</a> has the figures.</p>\n',
  ),
);

/** The page at each of its addresses, and the files that it consists of. */
export const addPages = (
  app: FastifyInstance,
  options: { readonly role: 'validator' | 'miner'; readonly uiDir: string },
): void => {
  const files = readStaticFiles(options.uiDir);
  const index = files.get('index.html') ?? notBuilt;
  for (const page of pagesOf[options.role]) {
    app.get<{ Params: { readonly uid?: string } }>(page, (request, reply) => {
      const { uid } = request.params;
      return uid === undefined || /^\d{1,5}$/.test(uid)
        ? sendFile(request, reply, index)
        : wordsPage(reply, 404, 'There is no such page: a session has the number of its uid.');
    });
  }
  for (const [path, file] of files) {
    const url = `/${path}`;
    if (path === 'index.html' || !/^[A-Za-z0-9._/-]+$/.test(path)) continue;
    // A file that is named like something of the daemon is none of the page.
    if (app.hasRoute({ method: 'GET', url })) continue;
    app.get(url, (request, reply) => sendFile(request, reply, file));
  }
  app.setNotFoundHandler((request, reply) =>
    request.url.startsWith('/api/')
      ? refuse(reply, 404, 'there is nothing at this address')
      : wordsPage(reply, 404, 'There is no such page. <a href="/">Overview</a>'),
  );
};
