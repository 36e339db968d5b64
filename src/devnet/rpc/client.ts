/** One connection's subscriptions, and what waits for the answer of the request that caused it. */
import type { Connection } from './methods.ts';
import { RpcFailure, TOO_MANY_SUBSCRIPTIONS } from './protocol.ts';

const MAX_SUBSCRIPTIONS = 1024;

export type ClientRequest = {
  readonly connection: Connection;
  /** To be called when the answer is sent: starts what was put off until then. */
  flush(): void;
};
export type Client = {
  request(): ClientRequest;
  isClosed(): boolean;
  close(): void;
};

export const createClient = (send: (message: unknown) => void): Client => {
  const stops = new Map<string, () => void>();
  const attachments = new Map<symbol, unknown>();
  const endings = new Set<() => void>();
  let count = 0;
  let isClosed = false;

  const open = (
    notification: string,
    start: Parameters<Connection['subscribe']>[1],
    defer: Connection['defer'],
  ) => {
    if (stops.size >= MAX_SUBSCRIPTIONS)
      throw new RpcFailure(TOO_MANY_SUBSCRIPTIONS, `Exceeded max limit of ${MAX_SUBSCRIPTIONS}`);
    count += 1;
    const subscription = `${notification}-${count}`;
    let isOpen = true;
    const notify = (result: unknown): void => {
      if (isOpen) send({ jsonrpc: '2.0', method: notification, params: { subscription, result } });
    };
    stops.set(subscription, () => {
      isOpen = false;
    });
    defer(() => {
      if (!isOpen) return;
      const stop = start(notify);
      if (isOpen)
        stops.set(subscription, () => {
          isOpen = false;
          stop();
        });
      else stop();
    });
    return subscription;
  };
  const unsubscribe = (subscription: string): boolean => {
    const stop = stops.get(subscription);
    stops.delete(subscription);
    stop?.();
    return stop !== undefined;
  };

  return {
    request: () => {
      let deferred: (() => void)[] = [];
      const defer = (run: () => void): void => {
        deferred.push(run);
      };
      const connection: Connection = {
        subscribe: (notification, start) => open(notification, start, defer),
        unsubscribe,
        defer,
        onClose: (run) => {
          endings.add(run);
          return () => endings.delete(run);
        },
        attachment: <A>(key: symbol, make: () => A): A => {
          const known = attachments.get(key) ?? make();
          attachments.set(key, known);
          return known as A; // each key is one module's, which stores one type under it
        },
      };
      const flush = (): void => {
        const run = deferred;
        deferred = [];
        for (const start of run) if (!isClosed) start();
      };
      return { connection, flush };
    },
    isClosed: () => isClosed,
    close: () => {
      isClosed = true;
      for (const stop of stops.values()) stop();
      stops.clear();
      for (const run of endings) run();
      endings.clear();
    },
  };
};
