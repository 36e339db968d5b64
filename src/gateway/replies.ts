import type { FastifyReply, FastifyRequest } from 'fastify';

import type { StaticFile } from './staticFiles.ts';

/** An error as the API says it; `message` says what to do next. */
export const refuse = (reply: FastifyReply, status: number, message: string): FastifyReply =>
  reply.code(status).header('cache-control', 'no-store').send({ error: { status, message } });

/** A page for people that holds nothing but words. */
export const wordsPage = (reply: FastifyReply, status: number, words: string): FastifyReply =>
  reply
    .code(status)
    .header('cache-control', 'no-store')
    .type('text/html; charset=utf-8')
    .send(`<!doctype html><meta charset="utf-8"><title>MIAOAI</title><p>${words}</p>\n`);

/** One file, or that the reader has it already. */
export const sendFile = (request: FastifyRequest, reply: FastifyReply, file: StaticFile): FastifyReply => {
  reply.headers({ etag: file.etag, 'cache-control': file.cacheControl, vary: 'accept-encoding' });
  const known = (request.headers['if-none-match'] ?? '').split(',').map((tag) => tag.trim());
  // A proxy may have made a weak tag of it.
  if (known.some((tag) => tag.replace(/^W\//, '') === file.etag)) return reply.code(304).send();
  reply.type(file.contentType);
  const takesGzip = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
  const gzipped = takesGzip ? file.gzipped() : null;
  return gzipped === null ? reply.send(file.body) : reply.header('content-encoding', 'gzip').send(gzipped);
};
