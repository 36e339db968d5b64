/** JSON-RPC over WebSocket: several clients, everything bounded. */
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { planAnswer } from './answers.ts';
import { authorMethods } from './authorMethods.ts';
import { chainHeadMethods } from './chainHeadMethods.ts';
import { chainMethods } from './chainMethods.ts';
import { createClient } from './client.ts';
import { devnetMethods } from './devnetMethods.ts';
import type { Methods, NodeContext } from './methods.ts';
import { stateMethods } from './stateMethods.ts';
import { systemMethods } from './systemMethods.ts';
import { transactionMethods } from './transactionMethods.ts';

/** Substrate's default for requests. */
const MAX_REQUEST_BYTES = 15 * 1024 * 1024;
const MAX_CONNECTIONS = 1024;
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

const nodeMethods: Methods = {
  ...chainMethods,
  ...stateMethods,
  ...authorMethods,
  ...systemMethods,
  ...chainHeadMethods,
  ...transactionMethods,
};

/** All methods, those that cause faults only where they are wanted. */
const methodsOf = (hasFaults: boolean): Methods => {
  const methods = hasFaults ? { ...nodeMethods, ...devnetMethods } : nodeMethods;
  return { ...methods, rpc_methods: () => ({ methods: [...Object.keys(methods), 'rpc_methods'].sort() }) };
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

const serve = (node: NodeContext, methods: Methods, socket: WebSocket): void => {
  const send = (message: unknown): void => {
    if (socket.readyState !== socket.OPEN) return;
    if (socket.bufferedAmount > MAX_UNSENT_BYTES) socket.terminate();
    else socket.send(JSON.stringify(message));
  };
  const client = createClient(send);
  const answer = (text: string): void => {
    const { delayMs, run } = planAnswer({ node, methods, client }, text);
    const finish = (): void => {
      if (client.isClosed()) return;
      const { message, flush } = run();
      send(message);
      flush();
    };
    if (delayMs === 0) finish();
    else setTimeout(finish, delayMs).unref();
  };
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
    answer(String(data));
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
  const methods = methodsOf(node.control !== undefined);
  const server = new WebSocketServer({
    host,
    port,
    maxPayload: MAX_REQUEST_BYTES,
    perMessageDeflate: false,
    clientTracking: true,
  });
  server.on('connection', (socket) => {
    if (server.clients.size > MAX_CONNECTIONS) socket.close(CLOSE_OVERLOADED, 'too many connections');
    else serve(node, methods, socket);
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
