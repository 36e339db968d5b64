/** What one connection may cost: how much it may ask for before it takes its answers, and how long it may rest. */
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';

import { notStored, securityHeaders } from './headers.ts';

/**
 * Requests of one connection that may wait for their answers. Browsers, proxies and Prometheus send the next request
 * when they have the answer to the last.
 */
export const maxUnanswered = 8;
/** A connection on which nothing moves is ended; an open stream beats more often. */
export const idleMs = 30_000;

export type Connections = {
  /** Counts a request; false ends its connection, and the request is not to be looked at. */
  readonly admit: (request: IncomingMessage, response: ServerResponse) => boolean;
  /** Ends connections that rest. What the daemon itself is still working on is waited for. */
  readonly watch: (server: Server) => void;
};

/** Node hands over all requests that arrive in one piece, a thousand and more, before the first is answered. */
export const createConnections = (restMs: number): Connections => {
  const unanswered = new WeakMap<Socket, number>();
  const countOf = (socket: Socket): number => unanswered.get(socket) ?? 0;
  return {
    admit: ({ socket }, response) => {
      if (socket.destroyed) return false;
      const count = countOf(socket) + 1;
      unanswered.set(socket, count);
      response.once('close', () => unanswered.set(socket, countOf(socket) - 1));
      if (count <= maxUnanswered) return true;
      socket.destroy();
      return false;
    },
    watch: (server) => {
      server.on('timeout', (socket) => {
        // Nothing waits to be taken: the rest is that of the daemon.
        if (countOf(socket) > 0 && socket.writableLength === 0) socket.setTimeout(restMs);
        else socket.destroy();
      });
    },
  };
};

const statusOfBroken: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
};

/** The last words on a connection whose request cannot even be read. */
export const answerBroken = ({ code = '' }: { readonly code?: string }, socket: Socket): void => {
  if (code === 'ECONNRESET' || socket.destroyed) return;
  const status = statusOfBroken[code] ?? 400;
  const headers = { ...securityHeaders, ...notStored, 'content-length': '0', connection: 'close' };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  if (socket.writable) socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n`);
  socket.destroy();
};
