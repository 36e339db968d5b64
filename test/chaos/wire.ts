import { connect, createServer, type Server, type Socket } from 'node:net';

/** A line between two processes that can be cut and held up: a TCP proxy. */
export type Wire = {
  readonly host: string;
  readonly port: number;
  /** Resets every connection and refuses new ones until `mend`. */
  readonly cut: () => Promise<void>;
  /** Resets every connection once; the next ones are let through. */
  readonly snap: () => void;
  /** Keeps every connection and passes nothing on until `mend`; new connections are accepted and held as well. */
  readonly stall: () => void;
  readonly mend: () => Promise<void>;
  readonly close: () => Promise<void>;
};

type End = { readonly host: string; readonly port: number };

const listenOn = (server: Server, { host, port }: End): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });

/** Passes on with back-pressure: what the far side does not take is not read from the near side. */
const passOn = (from: Socket, to: Socket, isStalled: () => boolean): void => {
  from.on('data', (chunk: Buffer) => {
    if (to.destroyed) return;
    if (!to.write(chunk)) from.pause();
  });
  to.on('drain', () => {
    if (!isStalled()) from.resume();
  });
  from.on('error', () => to.destroy());
  from.on('close', () => to.destroy());
};

/** Listens at `near` (port 0 takes a free one) and passes everything on to `far`. */
export const openWire = async (near: End, far: End): Promise<Wire> => {
  const sockets = new Set<Socket>();
  let isStalled = false;
  const server = createServer((one) => {
    const other = connect(far);
    for (const socket of [one, other]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('close', () => sockets.delete(socket));
    }
    passOn(one, other, () => isStalled);
    passOn(other, one, () => isStalled);
    if (isStalled) for (const socket of [one, other]) socket.pause();
  });
  const port = await listenOn(server, near);
  server.on('error', () => {});
  const snap = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const cut = (): Promise<void> =>
    new Promise((resolve) => {
      if (!server.listening) {
        resolve();
        return;
      }
      server.close(() => resolve());
      snap();
    });
  return {
    host: near.host,
    port,
    cut,
    snap,
    stall: () => {
      isStalled = true;
      for (const socket of sockets) socket.pause();
    },
    mend: async () => {
      isStalled = false;
      for (const socket of sockets) socket.resume();
      if (!server.listening) await listenOn(server, { host: near.host, port });
    },
    close: cut,
  };
};
