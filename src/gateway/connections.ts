/** What one connection may cost: how much it may ask for before it takes its answers, and how long it may rest. */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
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
};

/**
 * Node hands over all requests that arrive in one piece, a thousand and more, before the first is answered. And it ends
 * a connection that rests for `restMs`, also one that waits for the daemon: that is waited with here.
 */
export const createConnections = (restMs: number): Connections => {
  const unanswered = new WeakMap<Socket, number>();
  const countOf = (socket: Socket): number => unanswered.get(socket) ?? 0;
  return {
    admit: ({ socket }, response) => {
      if (socket.destroyed) return false;
      const count = countOf(socket) + 1;
      unanswered.set(socket, count);
      response.once('close', () => unanswered.set(socket, countOf(socket) - 1));
      response.on('timeout', () => {
        if (socket.writableLength === 0) socket.setTimeout(restMs);
        else socket.destroy();
      });
      if (count <= maxUnanswered) return true;
      socket.destroy();
      return false;
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
