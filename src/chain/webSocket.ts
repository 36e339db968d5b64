import { WebSocket } from 'ws';

/** One WebSocket connection that can be destroyed at any time, whatever the other side does. */
export interface Socket {
  send(text: string): void;
  /** Says goodbye, and destroys the TCP connection shortly after in any case. Idempotent. */
  close(): void;
}

export type SocketHandlers = {
  readonly onMessage: (text: string) => void;
  /** Once, when the connection is gone for any reason other than `close()`. */
  readonly onLost: (detail: string) => void;
};

/** Full metadata is about 600 kB of hex; a block has at most 5 MB, 10 MB as hex. */
export const MAX_MESSAGE_BYTES = 16 * 1_024 * 1_024;
/** Unsent bytes above which a peer that does not read is given up. */
const MAX_UNSENT_BYTES = 16 * 1_024 * 1_024;
/**
 * How long the peer's closing frame may take before the connection is cut. Waiting without a limit, as Node's built-in
 * client does, is how validators pile up connections to sick nodes.
 */
const CLOSE_GRACE_MS = 250;
const NORMAL_CLOSURE = 1_000;

const describeCause = (cause: unknown): string => {
  if (cause instanceof AggregateError) return cause.errors.map(describeCause).join('; ');
  return cause instanceof Error ? cause.message || cause.name : String(cause);
};

/** Wraps an opened connection; errors and ends are told once. */
const attach = (socket: WebSocket, handlers: SocketHandlers): Socket => {
  let isOver = false;
  const lose = (detail: string): void => {
    if (isOver) return;
    isOver = true;
    socket.terminate();
    handlers.onLost(detail);
  };
  socket.on('message', (data, isBinary) => {
    if (isOver) return;
    if (isBinary) lose('the endpoint sent a binary frame');
    else handlers.onMessage(data.toString());
  });
  socket.on('error', (cause) => lose(describeCause(cause)));
  socket.on('close', (code) => lose(`closed by the endpoint with code ${code}`));
  return {
    send: (text) => {
      if (isOver) return;
      socket.send(text);
      if (socket.bufferedAmount > MAX_UNSENT_BYTES) lose('the endpoint does not read what is sent');
    },
    close: () => {
      if (isOver) return;
      isOver = true;
      socket.close(NORMAL_CLOSURE);
      setTimeout(() => socket.terminate(), CLOSE_GRACE_MS).unref();
    },
  };
};

/**
 * Starts a connection to a `ws://` or `wss://` endpoint; throws on any other address. Exactly one of `onOpen` and
 * `onFailed` is called, unless the returned function cancels the attempt first, which destroys the TCP connection.
 */
export const openSocket = (
  options: SocketHandlers & {
    readonly endpoint: string;
    readonly onOpen: (socket: Socket) => void;
    readonly onFailed: (detail: string) => void;
  },
): (() => void) => {
  if (!/^wss?:\/\//.test(options.endpoint)) throw new Error('an endpoint starts with ws:// or wss://');
  const socket = new WebSocket(options.endpoint, { maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false });
  let isSettled = false;
  // Stays registered: aborting a handshake makes ws emit an error, which must not reach the process.
  socket.on('error', (cause) => {
    if (isSettled) return;
    isSettled = true;
    options.onFailed(describeCause(cause));
  });
  socket.on('open', () => {
    if (isSettled) return;
    isSettled = true;
    options.onOpen(attach(socket, options));
  });
  return () => {
    isSettled = true;
    socket.terminate();
  };
};
