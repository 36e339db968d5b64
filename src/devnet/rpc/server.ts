/** JSON-RPC over WebSocket: several clients, everything bounded. */
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { authorMethods } from './authorMethods.ts';
import { chainMethods } from './chainMethods.ts';
import type { Connection, Methods, NodeContext } from './methods.ts';
import {
  INTERNAL_ERROR,
  INVALID_REQUEST,
  METHOD_NOT_FOUND,
  OVERSIZED_BATCH,
  PARSE_ERROR,
  type RpcError,
  RpcFailure,
  type RpcId,
  readRequest,
  TOO_MANY_SUBSCRIPTIONS,
} from './protocol.ts';
import { stateMethods } from './stateMethods.ts';
import { systemMethods } from './systemMethods.ts';

/** Substrate's default for requests. */
const MAX_REQUEST_BYTES = 15 * 1024 * 1024;
const MAX_CONNECTIONS = 1024;
const MAX_SUBSCRIPTIONS = 1024;
const MAX_BATCH_REQUESTS = 500;
/** A client that does not read what it asked for is cut off when this much waits. */
const MAX_UNSENT_BYTES = 64 * 1024 * 1024;
const MAX_REQUESTS_PER_SECOND = 20_000;
const PING_INTERVAL_MS = 30_000;
/** How long clients have to answer a close. */
const CLOSE_TIMEOUT_MS = 300;
/** WebSocket close codes: the node stops, the policy was violated, the service is overloaded. */
const CLOSE_GOING_AWAY = 1001;
const CLOSE_POLICY = 1008;
const CLOSE_OVERLOADED = 1013;

const methods: Methods = { ...chainMethods, ...stateMethods, ...authorMethods, ...systemMethods };
const allMethods: Methods = {
  ...methods,
  rpc_methods: () => ({ methods: [...Object.keys(methods), 'rpc_methods'].sort() }),
};

type Reply = { readonly jsonrpc: '2.0'; readonly id: RpcId } & (
  | { readonly result: unknown }
  | { readonly error: RpcError }
);
const failed = (id: RpcId, error: RpcError): Reply => ({ jsonrpc: '2.0', id, error });

type Client = { readonly connection: Connection; flush(): void; close(): void };

/** One connection's subscriptions. Notifications wait until the answer that names the subscription is sent. */
const createClient = (send: (message: unknown) => void): Client => {
  const stops = new Map<string, () => void>();
  let starting: (() => void)[] = [];
  let count = 0;
  return {
    connection: {
      subscribe: (notification, start) => {
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
        starting.push(() => {
          if (!isOpen) return;
          const stop = start(notify);
          stops.set(subscription, () => {
            isOpen = false;
            stop();
          });
        });
        return subscription;
      },
      unsubscribe: (subscription) => {
        const stop = stops.get(subscription);
        stops.delete(subscription);
        stop?.();
        return stop !== undefined;
      },
    },
    flush: () => {
      const run = starting;
      starting = [];
      for (const start of run) start();
    },
    close: () => {
      starting = [];
      for (const stop of stops.values()) stop();
      stops.clear();
    },
  };
};

const answer = (node: NodeContext, connection: Connection, value: unknown): Reply => {
  const request = readRequest(value);
  if (request === undefined) return failed(null, { code: INVALID_REQUEST, message: 'Invalid request' });
  const { id, method, params } = request;
  const handle = Object.hasOwn(allMethods, method) ? allMethods[method] : undefined;
  if (handle === undefined) return failed(id, { code: METHOD_NOT_FOUND, message: 'Method not found' });
  try {
    return { jsonrpc: '2.0', id, result: handle(node, params, connection) };
  } catch (error) {
    if (error instanceof RpcFailure) return failed(id, error.error);
    return failed(id, { code: INTERNAL_ERROR, message: 'Internal error', data: String(error) });
  }
};

const answerText = (node: NodeContext, connection: Connection, text: string): unknown => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return failed(null, { code: PARSE_ERROR, message: 'Parse error' });
  }
  if (!Array.isArray(value)) return answer(node, connection, value);
  if (value.length > MAX_BATCH_REQUESTS)
    return failed(null, {
      code: OVERSIZED_BATCH,
      message: 'The batch request was too large',
      data: `Exceeded max limit of ${MAX_BATCH_REQUESTS}`,
    });
  if (value.length === 0) return failed(null, { code: INVALID_REQUEST, message: 'Invalid request' });
  return value.map((request) => answer(node, connection, request));
};

/** Counts requests; false when a client sends more than it may. */
const createRateLimit = (): (() => boolean) => {
  let second = 0;
  let used = 0;
  return () => {
    const now = Math.floor(performance.now() / 1000);
    used = now === second ? used + 1 : 1;
    second = now;
    return used <= MAX_REQUESTS_PER_SECOND;
  };
};

const serve = (node: NodeContext, socket: WebSocket): void => {
  const send = (message: unknown): void => {
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > MAX_UNSENT_BYTES) socket.terminate();
    else socket.send(JSON.stringify(message));
  };
  const client = createClient(send);
  const isWithinRate = createRateLimit();
  let isAlive = true;
  const ping = setInterval(() => {
    if (!isAlive) {
      socket.terminate();
      return;
    }
    isAlive = false;
    socket.ping();
  }, PING_INTERVAL_MS);
  socket.on('pong', () => {
    isAlive = true;
  });
  socket.on('message', (data) => {
    if (!isWithinRate()) {
      socket.close(CLOSE_POLICY, `more than ${MAX_REQUESTS_PER_SECOND} requests in a second`);
      return;
    }
    send(answerText(node, client.connection, String(data)));
    client.flush();
  });
  socket.on('error', () => socket.terminate()); // oversized or malformed frames; ws has closed with the reason
  socket.on('close', () => {
    clearInterval(ping);
    client.close();
  });
};

export type RpcServer = { readonly port: number; stop(): Promise<void> };

/** Listens on `host`:`port`; port 0 takes a free one. Rejects when the port is taken. */
export const startRpcServer = async (
  node: NodeContext,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<RpcServer> => {
  const server = new WebSocketServer({
    host,
    port,
    maxPayload: MAX_REQUEST_BYTES,
    perMessageDeflate: false,
    clientTracking: true,
  });
  server.on('connection', (socket) => {
    if (server.clients.size > MAX_CONNECTIONS) socket.close(CLOSE_OVERLOADED, 'too many connections');
    else serve(node, socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve);
    server.once('error', reject);
  });
  server.on('error', () => undefined); // errors of single sockets end those; the server goes on
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of server.clients) socket.close(CLOSE_GOING_AWAY, 'the node stops');
      const cutOff = setTimeout(() => {
        for (const socket of server.clients) socket.terminate();
      }, CLOSE_TIMEOUT_MS);
      await closed;
      clearTimeout(cutOff);
    },
  };
};
