import { createHash, randomBytes } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';

import { encodeFrame, frameReader, OPCODE } from './frames.ts';

/**
 * A WebSocket client whose socket can be destroyed at any time. Node's built-in one waits for the peer's closing
 * frame without a limit (measured on Node 24: a wedged endpoint keeps the TCP connection for ever), which is how
 * validators pile up connections to sick nodes; and an exception in its message handler ends the process.
 */
export interface Socket {
  send(text: string): void;
  /** Says goodbye if the peer listens, and destroys the TCP connection in any case. Idempotent. */
  close(): void;
}

export type SocketHandlers = {
  readonly onMessage: (text: string) => void;
  /** Once, when the connection is gone for any reason other than `close()`. */
  readonly onLost: (detail: string) => void;
};

/** Suffix of the handshake key (RFC 6455 section 1.3). */
const HANDSHAKE_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** Full metadata is about 600 kB of hex; full blocks reach some 10 MB. */
export const MAX_MESSAGE_BYTES = 32 * 1_024 * 1_024;
/** Unsent bytes above which a peer that does not read is given up. */
const MAX_UNSENT_BYTES = 16 * 1_024 * 1_024;
/** How long the closing frame may take before the connection is cut. */
const CLOSE_GRACE_MS = 250;
const KEEP_ALIVE_MS = 30_000;
const NORMAL_CLOSURE = Buffer.from([0x03, 0xe8]);

const describeCause = (cause: unknown): string => {
  if (cause instanceof AggregateError) return cause.errors.map(describeCause).join('; ');
  return cause instanceof Error ? cause.message || cause.name : String(cause);
};

/** `ws:`/`wss:` as the http client wants it. Throws on other schemes and malformed addresses. */
const httpUrl = (endpoint: string): URL => {
  const url = new URL(endpoint);
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:')
    throw new Error('an endpoint starts with ws:// or wss://');
  url.protocol = url.protocol === 'wss:' ? 'https:' : 'http:';
  return url;
};

const attach = (duplex: Duplex, head: Buffer, handlers: SocketHandlers): Socket => {
  const reader = frameReader(MAX_MESSAGE_BYTES);
  const utf8 = new TextDecoder('utf-8', { fatal: true });
  let isOver = false;

  const lose = (detail: string): void => {
    if (isOver) return;
    isOver = true;
    duplex.destroy();
    handlers.onLost(detail);
  };
  const write = (opcode: number, payload: Buffer): void => {
    if (isOver) return;
    duplex.write(encodeFrame(opcode, payload));
    if (duplex.writableLength > MAX_UNSENT_BYTES) lose('the endpoint does not read what is sent');
  };
  const receive = (chunk: Buffer): void => {
    try {
      for (const frame of reader.push(chunk)) {
        if (isOver) return;
        if (frame.opcode === OPCODE.text) handlers.onMessage(utf8.decode(frame.payload));
        else if (frame.opcode === OPCODE.ping) write(OPCODE.pong, frame.payload);
        else if (frame.opcode === OPCODE.close) lose('closed by the endpoint');
        else if (frame.opcode !== OPCODE.pong) lose('the endpoint sent a frame that is no text');
      }
    } catch (cause) {
      lose(`protocol violation: ${describeCause(cause)}`);
    }
  };

  duplex.on('data', receive);
  duplex.on('error', (cause) => lose(describeCause(cause)));
  duplex.on('end', () => lose('closed by the endpoint'));
  duplex.on('close', () => lose('connection closed'));
  if (head.length > 0) receive(head);

  return {
    send: (text) => write(OPCODE.text, Buffer.from(text)),
    close: () => {
      if (isOver) return;
      isOver = true;
      duplex.end(encodeFrame(OPCODE.close, NORMAL_CLOSURE));
      setTimeout(() => duplex.destroy(), CLOSE_GRACE_MS).unref();
    },
  };
};

const isAccepted = (response: IncomingMessage, key: string): boolean =>
  response.headers['sec-websocket-accept'] ===
  createHash('sha1').update(`${key}${HANDSHAKE_GUID}`).digest('base64');

/**
 * Starts a connection to a `ws://` or `wss://` endpoint. Exactly one of `onOpen` and `onFailed` is called, unless the
 * returned function cancels the attempt first; cancelling destroys the TCP connection at once.
 */
export const openSocket = (
  options: SocketHandlers & {
    readonly endpoint: string;
    readonly onOpen: (socket: Socket) => void;
    readonly onFailed: (detail: string) => void;
  },
): (() => void) => {
  const key = randomBytes(16).toString('base64');
  const url = httpUrl(options.endpoint);
  const headers = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Key': key,
    'Sec-WebSocket-Version': '13',
  };
  // `agent: false`: a connection of its own, never one of a pool that would outlive it.
  const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, { headers, agent: false });
  let isSettled = false;
  const failWith = (detail: string): void => {
    if (isSettled) return;
    isSettled = true;
    request.destroy();
    options.onFailed(detail);
  };
  request.on('error', (cause) => failWith(describeCause(cause)));
  request.on('response', (response) =>
    failWith(`answered HTTP ${response.statusCode} instead of a WebSocket`),
  );
  request.on('upgrade', (response, socket, head) => {
    if (isSettled || !isAccepted(response, key)) {
      socket.destroy();
      failWith('wrong WebSocket handshake');
      return;
    }
    isSettled = true;
    request.setTimeout(0);
    if ('setKeepAlive' in socket && typeof socket.setKeepAlive === 'function') {
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
    }
    options.onOpen(attach(socket, head, options));
  });
  request.end();
  return () => {
    isSettled = true;
    request.destroy();
  };
};
