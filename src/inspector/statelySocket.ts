/** A sender over a WebSocket that comes back by itself, and forgets the oldest rather than grow. */
export type SocketSender = {
  readonly send: (text: string) => void;
  readonly state: () => { readonly isOpen: boolean; readonly queued: number; readonly dropped: number };
  readonly close: () => void;
};

export type SocketSenderOptions = {
  /** `ws://` or `wss://`. */
  readonly url: string;
  /** Called at each opening, before anything that waits is sent; what it returns goes first. */
  readonly onOpen: () => readonly string[];
  /** Why there is no connection; once for each time it is lost, not for each attempt. */
  readonly onProblem: (reason: string) => void;
  /** First pause before another attempt; it doubles up to 30 s. */
  readonly retryMs?: number;
};

const maxQueued = 1_000;
/** What a receiver that does not read may have outstanding. */
const maxBufferedBytes = 1_048_576;
const firstRetryMs = 1_000;
const maxRetryMs = 30_000;

export const openSocketSender = (options: SocketSenderOptions): SocketSender => {
  const { url, onOpen, onProblem, retryMs = firstRetryMs } = options;
  let queue: string[] = [];
  let dropped = 0;
  let attempt = 0;
  let isTold = false;
  let isClosed = false;
  let socket: WebSocket | null = null;
  let timer: NodeJS.Timeout | null = null;

  const isReady = (): boolean =>
    socket !== null && socket.readyState === WebSocket.OPEN && socket.bufferedAmount < maxBufferedBytes;

  const enqueue = (text: string): void => {
    queue.push(text);
    if (queue.length <= maxQueued) return;
    queue.shift();
    dropped += 1;
  };

  const drain = (): void => {
    while (queue.length > 0 && isReady()) socket?.send(queue.shift() ?? '');
  };

  const opened = (): void => {
    attempt = 0;
    isTold = false;
    queue = [...onOpen(), ...queue];
    drain();
  };

  /** A closed connection tells of itself once or twice, by an error and by its end. */
  const lost = (from: WebSocket | null, reason: string): void => {
    if (isClosed || from !== socket || timer !== null) return;
    if (!isTold) onProblem(reason);
    isTold = true;
    const pauseMs = Math.min(maxRetryMs, retryMs * 2 ** Math.min(attempt, 16));
    attempt += 1;
    timer = setTimeout(connect, pauseMs).unref();
  };

  const connect = (): void => {
    timer = null;
    try {
      const next = new WebSocket(url);
      socket = next;
      next.addEventListener('open', opened);
      next.addEventListener('error', () => lost(next, `no Stately receiver at ${url}; it is tried again`));
      next.addEventListener('close', () =>
        lost(next, `the Stately receiver at ${url} is gone; it is tried again`),
      );
    } catch (error) {
      // Not an address at all: trying again would not help.
      isClosed = true;
      onProblem(`--inspector-url ${url} is no address of a WebSocket: ${String(error)}`);
    }
  };

  connect();
  return {
    send: (text) => {
      if (isClosed) return;
      enqueue(text);
      drain();
    },
    state: () => ({ isOpen: socket?.readyState === WebSocket.OPEN, queued: queue.length, dropped }),
    close: () => {
      isClosed = true;
      if (timer !== null) clearTimeout(timer);
      queue = [];
      socket?.close();
    },
  };
};
