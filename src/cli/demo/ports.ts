import { createServer } from 'node:net';

/** A port that is free on an address right now. */
export const freePort = (host: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host, port: 0 }, () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });

/** Whether 127.0.0.2 and its neighbours can be used; Linux has all of 127/8, macOS only 127.0.0.1. */
export const hasLoopbackRange = async (): Promise<boolean> =>
  freePort('127.0.0.2').then(
    () => true,
    () => false,
  );
