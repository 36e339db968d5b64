import { mkdtemp, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import * as Effect from 'effect/Effect';

import { backupStore, requireFolderOf } from '../store/backup.ts';
import { StoreUnavailable } from '../store/errors.ts';
import { createExport } from '../store/exportFile.ts';
import { forEachEntry } from '../store/exportFileContents.ts';
import { headerOf } from '../store/exportFileFormat.ts';
import { DATABASE_FILE } from '../store/openThread.ts';
import { progress } from './storeEnding.ts';
import { openPlace, type StorePlace } from './storePlaces.ts';

/** A folder beside the export with a copy of the database, removed with the scope. */
const momentOf = Effect.fnUntraced(function* (dir: string, file: string) {
  const folder = yield* Effect.acquireRelease(
    Effect.tryPromise({
      try: () => mkdtemp(join(dirname(file), '.miaoai-export-')),
      catch: (cause) =>
        new StoreUnavailable({
          message: `cannot write beside ${file}: ${cause instanceof Error ? cause.message : cause}`,
        }),
    }),
    (made) => Effect.promise(() => rm(made, { recursive: true, force: true })),
  );
  yield* backupStore({ dir, to: join(folder, DATABASE_FILE) });
  return folder;
});

/**
 * Writes a whole store into a new file. Of a data folder it is the state of one moment, taken from a copy of the
 * database, while its daemon goes on; in a Redis it is read page by page, so the daemon should rest.
 */
export const exportStore = Effect.fn('cli.exportStore')(function* (place: StorePlace, name: string) {
  const file = resolve(name);
  yield* requireFolderOf(file);
  const source: StorePlace =
    place.kind === 'dataDir' ? { kind: 'dataDir', dir: yield* momentOf(place.dir, file) } : place;
  const store = yield* openPlace(source);
  const owner = yield* store.owner;
  const header = headerOf({ kind: 'store', owner, at: new Date().toISOString() });
  const writer = yield* createExport({ file, header });
  const tell = progress('entries written');
  yield* forEachEntry(store, (entries) =>
    Effect.tap(writer.add(entries), () => Effect.sync(() => tell(entries.length))),
  );
  const footer = yield* writer.finish;
  yield* writer.publish(file);
  return { file, owner, ...footer };
});
