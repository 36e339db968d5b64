import { randomUUID } from 'node:crypto';
import { existsSync, linkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import * as Effect from 'effect/Effect';

import { prepareDataDir } from './dataDir.ts';
import { lockDir } from './dirLock.ts';
import { StoreCorrupt, StoreInvalid, type StoreOpenError, StoreUnavailable } from './errors.ts';
import { syncPath } from './maintenance.ts';
import { DATABASE_FILE, openThread } from './openThread.ts';
import { replaceDatabase } from './replaceDatabase.ts';
import { RESTORED_SNAPSHOT, RESTORED_VERSION, type RestoredMark } from './restored.ts';
import { awaitAnswer } from './storeReader.ts';
import type { StoreReport } from './storeReport.ts';

/** A large store takes a while to be read or copied as a whole. */
const WHOLE_PATIENCE_MS = 3_600_000;
/** Beyond every token that the store has given since the backup was made. */
const TOKEN_STEP = 1_000_000;

export type Backup = { readonly file: string; readonly bytes: number };

export type Restored = RestoredMark & {
  /** The store that was there before, under its new name; null when there was none. */
  readonly kept: string | null;
};

/** Fails where the folder of a file to be written is missing: said before anything has begun. */
export const requireFolderOf = (file: string): Effect.Effect<void, StoreInvalid> => {
  const folder = dirname(resolve(file));
  return existsSync(folder)
    ? Effect.void
    : Effect.fail(
        new StoreInvalid({
          message: `there is no folder ${folder} to be entered: make it (mkdir -p), or name another place for the file`,
        }),
      );
};

const failed = (what: string) => (cause: unknown) =>
  new StoreUnavailable({
    message: `${what}: ${cause instanceof Error ? cause.message : String(cause)}`,
    cause,
  });

const openMaintenance = Effect.fnUntraced(function* (file: string) {
  if (!existsSync(file))
    return yield* new StoreInvalid({ message: `there is no store at ${file}; check the path` });
  return yield* openThread({ file, readOnly: true, isMaintenance: true, owner: null });
});

const checkFile = Effect.fnUntraced(function* (file: string) {
  const thread = yield* openMaintenance(file);
  return yield* awaitAnswer(() => thread.ask('check', null), WHOLE_PATIENCE_MS);
});

/** A copy of the database `from` as the new file `to`, closed to other users and on the disk. */
const copyDatabase = Effect.fnUntraced(function* (from: string, to: string) {
  const thread = yield* openMaintenance(from);
  yield* requireFolderOf(to);
  yield* Effect.try({
    // SQLite writes into an empty file, but makes one with the rights of the umask.
    try: () => writeFileSync(to, '', { mode: 0o600, flag: 'wx' }),
    catch: failed(`cannot write ${to}`),
  });
  yield* Effect.addFinalizer((exit) =>
    Effect.sync(() => (exit._tag === 'Failure' ? rmSync(to, { force: true }) : undefined)),
  );
  yield* awaitAnswer(() => thread.ask('copyTo', to), WHOLE_PATIENCE_MS);
});

/** Gives a finished file its name, which nobody may have. */
const publish = (partial: string, to: string) =>
  Effect.try({
    try: (): Backup => {
      linkSync(partial, to);
      rmSync(partial);
      syncPath(dirname(to));
      return { file: to, bytes: statSync(to).size };
    },
    catch: (cause) =>
      cause instanceof Error && 'code' in cause && cause.code === 'EEXIST'
        ? new StoreInvalid({ message: `${to} exists already: choose another name` })
        : failed(`cannot write ${to}`)(cause),
  });

/**
 * Copies the store of the data folder `dir` to the new file `to` while its daemon goes on writing: everything
 * acknowledged before the call is in it. The copy is checked, has mode 0600 and is on the disk when this answers.
 * Fails with `StoreInvalid` where `to` exists or `dir` has no store, `StoreCorrupt` where the copy is not sound.
 */
export const backupStore: (options: {
  readonly dir: string;
  readonly to: string;
}) => Effect.Effect<Backup & { readonly report: StoreReport }, StoreOpenError> = Effect.fn('store.backup')(
  function* ({ dir, to }) {
    const target = resolve(to);
    if (existsSync(target))
      return yield* new StoreInvalid({ message: `${target} exists already: choose another name` });
    const partial = `${target}.${randomUUID().slice(0, 8)}.partial`;
    yield* copyDatabase(join(dir, DATABASE_FILE), partial);
    yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(partial, { force: true })));
    const report = yield* checkFile(partial);
    if (report.damage.length > 0)
      return yield* new StoreCorrupt({
        message: `the store in ${dir} is damaged: ${report.damage[0]}; restore an older backup`,
      });
    return { ...(yield* publish(partial, target)), report: { ...report, file: target } };
  },
  Effect.scoped,
);

/**
 * Looks over a whole store, also while its daemon runs: SQLite's integrity check, every value, gaps and counts.
 * `dir` is a data folder, or a backup file.
 */
export const checkStore: (options: { readonly dir: string }) => Effect.Effect<StoreReport, StoreOpenError> =
  Effect.fn('store.check')(function* ({ dir }) {
    const isFile = statSync(dir, { throwIfNoEntry: false })?.isFile() === true;
    return yield* checkFile(isFile ? dir : join(dir, DATABASE_FILE));
  }, Effect.scoped);

/** Tokens of the store that will be replaced, as far as it can be read. */
const tokensOf = (file: string) =>
  Effect.scoped(
    Effect.gen(function* () {
      const thread = yield* openMaintenance(file);
      return yield* awaitAnswer(() => thread.ask('leaseTokens', null));
    }),
  ).pipe(Effect.orElseSucceed((): Readonly<Record<string, number>> => ({})));

/** Marks a copy as restored: tokens beyond all that were given, and a snapshot that tells of it. */
const markRestored = Effect.fnUntraced(function* (file: string, tokens: Readonly<Record<string, number>>) {
  const thread = yield* openThread({ file, readOnly: false, owner: null });
  yield* awaitAnswer(() => thread.ask('raiseTokens', { tokens, by: TOKEN_STEP }));
  const logs = yield* awaitAnswer(() => thread.ask('logs', null));
  const atMs = Date.now();
  const mark: RestoredMark = {
    atMs,
    fromSeq: Object.fromEntries(logs.map(({ name, lastSeq }) => [name, lastSeq])),
  };
  const write = {
    kind: 'importSnapshot' as const,
    name: RESTORED_SNAPSHOT,
    version: RESTORED_VERSION,
    text: JSON.stringify(mark),
    savedAtMs: atMs,
  };
  const commit = yield* awaitAnswer(() => thread.ask('commit', { writes: [write], fence: null }));
  if (!commit.ok) return yield* new StoreUnavailable({ message: commit.failure.message });
  return mark;
}, Effect.scoped);

/**
 * Puts a backup in the place of the store in `dir`, which keeps what it had beside it. Refused (`DataDirLocked`)
 * while anybody has the folder open. Whoever held a lease before cannot write any more; the snapshot
 * `store.restored` says that and from where the store goes on, and `miaoai store check` tells it.
 */
export const restoreStore: (options: {
  readonly from: string;
  readonly dir: string;
}) => Effect.Effect<Restored, StoreOpenError> = Effect.fn('store.restore')(function* ({ from, dir }) {
  yield* prepareDataDir(dir);
  yield* lockDir(dir);
  const file = join(dir, DATABASE_FILE);
  const fresh = `${file}.${randomUUID().slice(0, 8)}.restoring`;
  yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(fresh, { force: true })));
  yield* Effect.scoped(copyDatabase(resolve(from), fresh));
  const report = yield* Effect.scoped(checkFile(fresh));
  if (report.damage.length > 0)
    return yield* new StoreCorrupt({
      message: `${from} is damaged: ${report.damage[0]}; take another backup`,
    });
  const mark = yield* markRestored(fresh, yield* tokensOf(file));
  const kept = existsSync(file)
    ? `${file}.before-${new Date(mark.atMs).toISOString().replace(/[:.]/g, '-')}`
    : null;
  const obstacle = yield* Effect.try({
    try: () => {
      syncPath(fresh);
      return replaceDatabase({ file, fresh, kept: kept ?? `${file}.before` });
    },
    catch: failed(`cannot put the backup into ${dir}`),
  });
  if (obstacle !== null) return yield* new StoreUnavailable({ message: obstacle });
  return { ...mark, kept };
}, Effect.scoped);
