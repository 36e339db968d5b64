import * as Effect from 'effect/Effect';

import type { ThreadInput } from './storeThread.ts';
import { startWorker } from './workerClient.ts';

/** The database inside a data folder; SQLite adds `-wal` and `-shm` beside it. */
export const DATABASE_FILE = 'store.sqlite';
/** Opening may recover a long write-ahead log after a crash, or bring an old schema up. */
const OPEN_PATIENCE_MS = 60_000;
/** For what still waits, then for a last checkpoint; afterwards the thread is ended, which loses nothing acknowledged. */
export const CLOSE_PATIENCE_MS = 10_000;

/** A thread with an open database, until the scope closes. */
export const openThread = (input: ThreadInput) =>
  Effect.acquireRelease(
    Effect.promise(() => startWorker(input, OPEN_PATIENCE_MS)).pipe(
      Effect.flatMap((outcome) => (outcome.ok ? Effect.succeed(outcome.value) : Effect.fail(outcome.error))),
    ),
    (worker) => Effect.promise(() => worker.close(CLOSE_PATIENCE_MS)),
  );
