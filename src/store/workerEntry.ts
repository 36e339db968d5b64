import { existsSync } from 'node:fs';

/** Name of the bundled worker in `dist`; the bundler is told the same. */
const BUNDLED = 'storeWorker.js';

/**
 * Where the worker thread's code is: the TypeScript file beside this one when run from the sources (Node strips the
 * types), else the bundle in the same folder as this code's bundle, or one above it for a shared chunk.
 */
export const storeWorkerUrl = (here: string = import.meta.url): URL => {
  if (new URL(here).pathname.endsWith('.ts')) return new URL('./sqliteWorker.ts', here);
  const beside = new URL(`./${BUNDLED}`, here);
  return existsSync(beside) ? beside : new URL(`../${BUNDLED}`, here);
};
