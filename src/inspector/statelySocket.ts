import { createStatelyQueue } from './statelyQueue.ts';

/** A sender over a WebSocket that comes back by itself, and forgets the oldest rather than grow. */
export type SocketSender = {
  /** A definition: it goes before the news that wait, and is forgotten after them. */
  readonly announce: (text: string) => void;
  readonly send: (text: string) => void;
  readonly state: () => { readonly isOpen: boolean; readonly queued: number; readonly dropped: number };
  readonly close: () => void;
};

export type SocketSenderOptions = {
  /** `ws://` or `wss://`. */
  readonly url: string;
  /** Called at each opening: what goes first. Each message is made only when it can be sent. */
  readonly onOpen: () => Iterable<string>;
  /** Why there is no connection; once until one has lasted again, not for each attempt. */
  readonly onProblem: (reason: string) => void;
  /** First pause before another attempt; it doubles up to 30 s. */
  readonly retryMs?: number;
  /** How long a connection has to last before its loss counts as the first one. */
  readonly steadyMs?: number;
};

/** What a receiver that does not read may have outstanding. */
const maxBufferedBytes = 1_048_576;
const firstRetryMs = 1_000;
const maxRetryMs = 30_000;
const defaultSteadyMs = 10_000;
/** A WebSocket does not tell when it takes more. */
const lookAgainMs = 50;

/** Keeps one connection to an address: opened again whenever it is lost, with growing pauses. */
const keepSocket = (options: Omit<SocketSenderOptions, 'onOpen'>, onOpen: () => void, onLost: () => void) => {
  const { url, onProblem, retryMs = firstRetryMs, steadyMs = defaultSteadyMs } = options;
  let attempt = 0;
  let isTold = false;
  let isClosed = false;
  let openedAtMs: number | null = null;
  let socket: WebSocket | null = null;
  let timer: NodeJS.Timeout | null = null;

  /** A closed connection tells of itself once or twice, by an error and by its end. */
  const lost = (from: WebSocket | null, reason: string): void => {
    if (isClosed || from !== socket || timer !== null) return;
    // A receiver that takes connections and drops them is away as much as one that takes none.
    if (openedAtMs !== null && performance.now() - openedAtMs >= steadyMs) {
      attempt = 0;
      isTold = false;
    }
    openedAtMs = null;
    onLost();
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
      next.addEventListener('open', () => {
        openedAtMs = performance.now();
        onOpen();
      });
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
    open: (): WebSocket | null => (socket?.readyState === WebSocket.OPEN ? socket : null),
    isClosed: () => isClosed,
    close: () => {
      isClosed = true;
      if (timer !== null) clearTimeout(timer);
      socket?.close();
    },
  };
};

/** Sends what it is given over one connection that comes back by itself. */
export const openSocketSender = ({ onOpen, ...options }: SocketSenderOptions): SocketSender => {
  const queue = createStatelyQueue();
  /** What this connection has to hear first. */
  let announcements: Iterator<string> | null = null;
  let looking: NodeJS.Timeout | null = null;

  const nextText = (): string | undefined => {
    const next = announcements?.next();
    if (next !== undefined && next.done !== true) return next.value;
    announcements = null;
    return queue.take();
  };

  const drain = (): void => {
    const socket = kept.open();
    if (socket === null) return;
    while (socket.bufferedAmount < maxBufferedBytes) {
      const text = nextText();
      if (text === undefined) return;
      socket.send(text);
    }
    looking ??= setTimeout(() => {
      looking = null;
      drain();
    }, lookAgainMs).unref();
  };

  const kept = keepSocket(
    options,
    () => {
      announcements = onOpen()[Symbol.iterator]();
      drain();
    },
    () => {
      // The next connection hears them anew, as they are then.
      announcements = null;
    },
  );

  const accept = (add: (text: string) => void, text: string): void => {
    if (kept.isClosed()) return;
    add(text);
    drain();
  };

  return {
    announce: (text) => accept(queue.addDefinition, text),
    send: (text) => accept(queue.addNews, text),
    state: () => ({ isOpen: kept.open() !== null, ...queue.state() }),
    close: () => {
      kept.close();
      if (looking !== null) clearTimeout(looking);
      announcements = null;
      queue.clear();
    },
  };
};
