import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as Effect from 'effect/Effect';
import * as Exit from 'effect/Exit';
import * as Layer from 'effect/Layer';
import * as Scope from 'effect/Scope';

import { fail, succeed } from '../domain/outcome.ts';
import { prepareDataDir } from './dataDir.ts';
import { lockDir, shareDir } from './dirLock.ts';
import { type StoreError, StoreInvalid, type StoreOpenError } from './errors.ts';
import { type CommitBackend, type CommitCounters, openGroupCommit } from './groupCommit.ts';
import { CLOSE_PATIENCE_MS, DATABASE_FILE, openThread } from './openThread.ts';
import { type StoreContents, type StoreHandle, type StoreReader, StoreService } from './store.ts';
import { openLeases } from './storeLeases.ts';
import { awaitAnswer, openReader } from './storeReader.ts';
import type { StoreSize } from './storeThread.ts';
import { openStoreVitals } from './storeVitals.ts';
import { openWriter } from './storeWriter.ts';
import { OLDER_SCHEMA, type WorkerClient } from './workerClient.ts';

export type StoreOptions = {
  /** The daemon's data folder; created with mode 0700, locked while the store is open. */
  readonly dir: string;
  /**
   * Identity the contents belong to, for example `finney/86/5F3s…/validator`. Recorded at the first opening;
   * another one is refused afterwards.
   */
  readonly owner?: string;
  /**
   * Other processes may open the folder with `shared` as well; who writes is then settled by leases. Without it the
   * folder is this process's alone.
   */
  readonly shared?: boolean;
  /** How long writes wait while the disk is in trouble, in milliseconds; 60,000 unless given. */
  readonly patienceMs?: number;
};

/** The embedded store also tells how well it groups. */
export type EmbeddedStoreHandle = StoreHandle & {
  readonly commitCounters: () => CommitCounters;
  /** Room taken on the disk. */
  readonly size: Effect.Effect<StoreSize, StoreError>;
};

/** The commits of the thread as a backend of the group commit. */
const commitBy =
  (worker: WorkerClient): CommitBackend =>
  async (writes, { fence }) => {
    const outcome = await worker.ask('commit', { writes, fence });
    if (!outcome.ok) return fail({ kind: 'ended', message: outcome.error.message });
    return outcome.value.ok ? succeed(outcome.value.results) : fail(outcome.value.failure);
  };

const openAlone = Effect.fnUntraced(function* (dir: string, owner: string | null) {
  yield* lockDir(dir);
  return yield* openThread({ file: join(dir, DATABASE_FILE), readOnly: false, owner });
});

/** An older schema is brought up while nobody else has the folder; else the opening is refused. */
const openShared = Effect.fnUntraced(function* (dir: string, owner: string | null) {
  const file = join(dir, DATABASE_FILE);
  const attempt = Effect.andThen(shareDir(dir), openThread({ file, readOnly: false, isShared: true, owner }));
  const own = yield* Scope.fork(yield* Effect.scope);
  const first = yield* Effect.result(Scope.provide(attempt, own));
  if (first._tag === 'Success') return first.success;
  yield* Scope.close(own, Exit.void);
  const isOlder = first.failure._tag === 'StoreUnavailable' && first.failure.cause === OLDER_SCHEMA;
  if (!isOlder) return yield* Effect.fail(first.failure);
  yield* Effect.scoped(openAlone(dir, owner)).pipe(
    Effect.catchTag('DataDirLocked', () => Effect.fail(first.failure)),
  );
  return yield* attempt;
});

const open = Effect.fn('store.open')(function* ({ dir, owner, shared, patienceMs }: StoreOptions) {
  yield* prepareDataDir(dir);
  const worker = yield* shared === true ? openShared(dir, owner ?? null) : openAlone(dir, owner ?? null);
  const group = yield* Effect.acquireRelease(
    Effect.sync(() => openGroupCommit(commitBy(worker), patienceMs === undefined ? {} : { patienceMs })),
    (commits) => Effect.promise(() => commits.drain(CLOSE_PATIENCE_MS)),
  );
  const store: EmbeddedStoreHandle = {
    ...openReader(worker, { readOnly: false, fence: group.currentFence }),
    ...openWriter(group),
    ...openLeases(worker, group),
    ...openStoreVitals(group),
    commitCounters: group.counters,
    size: awaitAnswer(() => worker.ask('size', null)),
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
  return openReader(worker, { readOnly: true }) satisfies StoreReader & StoreContents;
});
