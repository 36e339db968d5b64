import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export type RedisProxy = {
  readonly port: number;
  /** The next answer of the server is lost, and with it its connection: what was asked has been done. */
  readonly loseNextAnswer: () => void;
  readonly lostAnswers: () => number;
  readonly close: () => void;
};

/** A line to a server that can break between the doing and the answer. */
export const openRedisProxy = async (serverPort: number): Promise<RedisProxy> => {
  const sockets = new Set<Socket>();
  let isArmed = false;
  let lost = 0;
  const proxy = createServer((client) => {
    const server = connect(serverPort, '127.0.0.1');
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    client.on('data', (data) => server.write(data));
    server.on('data', (data) => {
      if (!isArmed) {
        client.write(data);
        return;
      }
      isArmed = false;
      lost += 1;
      client.destroy();
    });
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const address = proxy.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    loseNextAnswer: () => {
      isArmed = true;
    },
    lostAnswers: () => lost,
    close: () => {
      proxy.close();
      for (const socket of sockets) socket.destroy();
    },
  };
};
