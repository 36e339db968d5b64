import { connect, createServer, type Server, type Socket } from 'node:net';

/** Bytes that may be under way in one direction; more closes the connection. */
const maxUnderWay = 1_048_576;

const passOn = (from: Socket, to: Socket, delayMs: number): void => {
  let underWay = 0;
  from.on('data', (chunk: Buffer) => {
    underWay += chunk.length;
    if (underWay > maxUnderWay) {
      from.destroy();
      return;
    }
    setTimeout(() => {
      underWay -= chunk.length;
      if (!to.destroyed) to.write(chunk);
    }, delayMs);
  });
  from.on('close', () => setTimeout(() => to.destroy(), delayMs));
  from.on('error', () => to.destroy());
};

export type DelayLine = { readonly close: () => Promise<void> };

/** A long line: everything that goes over it arrives later. It makes the demo's slow miner slow. */
export const openDelayLine = (options: {
  readonly host: string;
  readonly port: number;
  readonly targetHost: string;
  readonly targetPort: number;
  /** One way, milliseconds. */
  readonly delayMs: number;
}): Promise<DelayLine> => {
  const sockets = new Set<Socket>();
  const server: Server = createServer((near) => {
    const far = connect({ host: options.targetHost, port: options.targetPort });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('close', () => sockets.delete(socket));
    }
    passOn(near, far, options.delayMs);
    passOn(far, near, options.delayMs);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: options.host, port: options.port }, () =>
      resolve({
        close: () =>
          new Promise<void>((done) => {
            for (const socket of sockets) socket.destroy();
            server.close(() => done());
          }),
      }),
    );
  });
};
