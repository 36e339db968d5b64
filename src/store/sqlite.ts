import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as Effect from 'effect/Effect';
import * as Layer from 'effect/Layer';
import type * as Scope from 'effect/Scope';

import { prepareDataDir } from './dataDir.ts';
import { lockDir } from './dirLock.ts';
import { StoreInvalid, type StoreOpenError } from './errors.ts';
import { type CommitCounters, openGroupCommit } from './groupCommit.ts';
import { openReader } from './sqliteReader.ts';
import { openWriter } from './sqliteWriter.ts';
import { type Store, type StoreReader, StoreService } from './store.ts';
import type { ThreadInput } from './storeThread.ts';
import { startWorker } from './workerClient.ts';

/** The database inside a data folder; SQLite adds `-wal` and `-shm` beside it. */
const DATABASE_FILE = 'store.sqlite';
/** Opening may recover a long write-ahead log after a crash. */
const OPEN_PATIENCE_MS = 30_000;
/** For what still waits, then for a last checkpoint; afterwards the thread is ended, which loses nothing acknowledged. */
const CLOSE_PATIENCE_MS = 10_000;

export type StoreOptions = {
  /** The daemon's data folder; created with mode 0700, locked while the store is open. */
  readonly dir: string;
  /**
   * Identity the contents belong to, for example `finney/86/5F3s…/validator`. Recorded at the first opening;
   * another one is refused afterwards.
   */
  readonly owner?: string;
};

/** The embedded store also tells how well it groups. */
export type EmbeddedStoreHandle = Store & { readonly counters: () => CommitCounters };

const openThread = (input: ThreadInput) =>
  Effect.acquireRelease(
    Effect.promise(() => startWorker(input, OPEN_PATIENCE_MS)).pipe(
      Effect.flatMap((outcome) => (outcome.ok ? Effect.succeed(outcome.value) : Effect.fail(outcome.error))),
    ),
    (worker) => Effect.promise(() => worker.close(CLOSE_PATIENCE_MS)),
  );

const open = Effect.fn('store.open')(function* ({ dir, owner }: StoreOptions) {
  yield* prepareDataDir(dir);
  yield* lockDir(dir);
  const worker = yield* openThread({ file: join(dir, DATABASE_FILE), readOnly: false, owner: owner ?? null });
  const group = yield* Effect.acquireRelease(
    Effect.sync(() => openGroupCommit(worker)),
    (commits) => Effect.promise(() => commits.drain(CLOSE_PATIENCE_MS)),
  );
  const store: EmbeddedStoreHandle = {
    ...openReader(worker, { readOnly: false }),
    ...openWriter(group),
    counters: group.counters,
  };
  return store;
});

/**
 * The store that needs nothing installed: SQLite (`node:sqlite`) in a worker thread, write-ahead log,
 * `synchronous=FULL`, many callers per commit. Closing the scope writes what was accepted, then frees the folder.
 */
export const EmbeddedStore: {
  readonly open: (options: StoreOptions) => Effect.Effect<EmbeddedStoreHandle, StoreOpenError, Scope.Scope>;
  readonly layer: (options: StoreOptions) => Layer.Layer<StoreService, StoreOpenError>;
} = { open, layer: (options) => Layer.effect(StoreService, open(options)) };

/**
 * Reads the store of a daemon that may be running: takes no lock, writes nothing, and sees all that was acknowledged.
 * Fails with `StoreInvalid` where there is no store.
 */
export const openStoreReadOnly = Effect.fn('store.openReadOnly')(function* ({
  dir,
}: {
  readonly dir: string;
}) {
  const file = join(dir, DATABASE_FILE);
  if (!existsSync(file))
    return yield* new StoreInvalid({
      message: `there is no store in ${dir}; check --data-dir, or start the daemon`,
    });
  const worker = yield* openThread({ file, readOnly: true, owner: null });
  return openReader(worker, { readOnly: true }) satisfies StoreReader;
});
