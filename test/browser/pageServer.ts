import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';

import type { ViewHello } from '#src/domain/view/stream.ts';

/** What the stand-in of a daemon tells a page. */
export type PageSource = {
  readonly view: ViewHello;
  /** First message of a topic, made when a page asks. */
  readonly hello: { readonly inspection: () => unknown; readonly logs: () => unknown };
  /** Answers of `/api/…`, by path. */
  readonly api: (path: string) => unknown;
};

export type PageServer = {
  readonly url: string;
  /** Sends a message to every page that listens. */
  readonly send: (event: string, data: unknown) => void;
  readonly pages: () => number;
  readonly close: () => Promise<void>;
};

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The policy under which a daemon serves the page. */
const policy = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

const message = (event: string, data: unknown): string =>
  `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

const serveFile = async (dir: string, path: string, response: ServerResponse): Promise<void> => {
  const file = extname(path) === '' ? '/index.html' : path;
  try {
    const body = await readFile(join(dir, file));
    response.setHeader('content-type', types[extname(file)] ?? 'application/octet-stream');
    response.setHeader('content-security-policy', policy);
    response.end(body);
  } catch {
    response.writeHead(404).end();
  }
};

const openStream = (source: PageSource, topics: string, response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.write(message('view.hello', source.view));
  if (topics.includes('inspection')) response.write(message('inspection.hello', source.hello.inspection()));
  if (topics.includes('logs')) response.write(message('logs.hello', source.hello.logs()));
};

/** Serves the page as a daemon does, with data of a test in place of a running system. */
export const openPageServer = async (dir: string, source: PageSource): Promise<PageServer> => {
  const streams = new Set<ServerResponse>();
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://page');
    if (pathname === '/api/stream') {
      streams.add(response);
      response.on('close', () => streams.delete(response));
      openStream(source, searchParams.get('topics') ?? '', response);
    } else if (pathname.startsWith('/api/')) {
      const body = source.api(pathname);
      response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body ?? {}));
    } else await serveFile(dir, pathname, response);
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const send = (event: string, data: unknown): void => {
    const text = message(event, data);
    for (const stream of streams) stream.write(text);
  };
  const beat = setInterval(() => send('beat', { at: Date.now() }), 5_000);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    send,
    pages: () => streams.size,
    close: async () => {
      clearInterval(beat);
      for (const stream of streams) stream.end();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
};
