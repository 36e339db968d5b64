import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as Effect from 'effect/Effect';

import { isTestBuild } from '../testBuild.ts';
import type { StoreError } from './errors.ts';
import { createExport, type ExportWriter, syncFolder } from './exportFile.ts';
import { ExportDefect, type ExportRefused, exportRefused } from './exportFileErrors.ts';
import { type ExportFooter, headerOf } from './exportFileFormat.ts';
import { readExport } from './exportFileReader.ts';
import { failPoint } from './failPoints.ts';
import type { StoreReader } from './store.ts';

/** Evidence that is no longer in the store, as files beside it: the validator writes them and never reads them. */
const FOLDER = 'archive';
const OWNER_ONLY = 0o700;
/** Small pages, because a validator is at work meanwhile. */
const PAGE_RECORDS = 500;
/** Variants of one stretch: each restored backup may lead to another. */
const MAX_VARIANTS = 100;
const NAME = /^evidence-(\d{1,16})-(\d{1,16})(?:\.(\d{1,3}))?\.jsonl\.gz$/;

export const archiveFolder = (dataDir: string): string => join(dataDir, FOLDER);

export type ArchiveFile = {
  readonly file: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** 1, or above it where a restored backup led to another content of the same stretch. */
  readonly variant: number;
};

const archiveName = (firstSeq: number, lastSeq: number, variant: number): string =>
  `evidence-${firstSeq}-${lastSeq}${variant === 1 ? '' : `.${variant}`}.jsonl.gz`;

/** The archive of a data folder by their names, oldest stretch first; empty where there is none. */
export const listArchives = (dataDir: string): Effect.Effect<readonly ArchiveFile[], ExportRefused> => {
  const folder = archiveFolder(dataDir);
  const found = Effect.tryPromise({
    try: () => (existsSync(folder) ? readdir(folder) : Promise.resolve([])),
    catch: (cause) => exportRefused(folder, cause),
  });
  return Effect.map(found, (names) =>
    names
      .flatMap((name): readonly ArchiveFile[] => {
        const [, first, last, variant = '1'] = NAME.exec(name) ?? [];
        if (first === undefined || last === undefined) return [];
        const file = join(folder, name);
        return [{ file, firstSeq: Number(first), lastSeq: Number(last), variant: Number(variant) }];
      })
      .sort((a, b) => a.firstSeq - b.firstSeq || a.lastSeq - b.lastSeq || a.variant - b.variant),
  );
};

/**
 * The files that join up to a log that begins at `firstSeq`, oldest first: as far back as there is one that ends where
 * the next one begins. Of variants the newest counts, which belongs to the last life of the store.
 */
export const archiveChain = (archives: readonly ArchiveFile[], firstSeq: number): readonly ArchiveFile[] => {
  const chain: ArchiveFile[] = [];
  for (let before = firstSeq - 1; before > 0; ) {
    const end = before;
    const [file] = archives
      .filter(({ firstSeq: first, lastSeq: last }) => last === end && first <= last)
      .sort((a, b) => b.variant - a.variant || a.firstSeq - b.firstSeq);
    if (file === undefined) break;
    chain.unshift(file);
    before = file.firstSeq - 1;
  }
  return chain;
};

export type Stretch = {
  readonly log: string;
  /** Both inclusive. */
  readonly firstSeq: number;
  readonly lastSeq: number;
};

const makeFolder = (folder: string) =>
  Effect.tryPromise({
    try: async () => {
      if (existsSync(folder)) return;
      await mkdir(folder, { mode: OWNER_ONLY });
      await syncFolder(dirname(folder));
    },
    catch: (cause) => exportRefused(folder, cause),
  });

const copyStretch = (
  store: StoreReader,
  { log, firstSeq, lastSeq }: Stretch,
  writer: ExportWriter,
): Effect.Effect<void, StoreError | ExportRefused> =>
  Effect.gen(function* () {
    for (let after = firstSeq - 1; after < lastSeq; ) {
      const page = yield* store.read(log, { after, upTo: lastSeq, limit: PAGE_RECORDS });
      const last = page.at(-1);
      if (last === undefined) return;
      yield* writer.add(page.map(({ seq, key, value }) => ({ log, seq, key, value })));
      after = last.seq;
    }
  });

/** Whether there is a whole file with this very content. */
const holdsSame = (file: string, footer: ExportFooter): Effect.Effect<boolean> =>
  readExport(file).pipe(
    Effect.map((found) => found.footer.sha256 === footer.sha256),
    Effect.catch(() => Effect.succeed(false)),
  );

/**
 * Writes a stretch of a log into the archive and answers its file once it is on disk. Written twice, as after a crash,
 * it is one file; where a file of that name holds something else, as after an old backup was restored, both are kept.
 */
export const writeArchive = (options: {
  readonly store: StoreReader;
  readonly dataDir: string;
  readonly owner: string | null;
  readonly stretch: Stretch;
  /** ISO 8601, of the newest epoch in it: the same each time, so that the file is. */
  readonly at: string;
}): Effect.Effect<{ readonly file: string; readonly records: number }, StoreError | ExportRefused> =>
  Effect.scoped(
    Effect.gen(function* () {
      const { store, dataDir, owner, stretch, at } = options;
      const { firstSeq, lastSeq } = stretch;
      const folder = archiveFolder(dataDir);
      yield* makeFolder(folder);
      const nameOf = (variant: number): string => join(folder, archiveName(firstSeq, lastSeq, variant));
      const header = headerOf({ kind: 'evidence', owner, at, firstSeq, lastSeq });
      const writer = yield* createExport({ file: nameOf(1), header });
      yield* copyStretch(store, stretch, writer);
      const footer = yield* writer.finish;
      const { records } = footer.end;
      for (let variant = 1; variant <= MAX_VARIANTS; variant += 1) {
        const file = nameOf(variant);
        if (!existsSync(file)) {
          if (isTestBuild) failPoint('archive/evidence/before');
          yield* writer.publish(file);
          if (isTestBuild) failPoint('archive/evidence/after');
          return { file, records };
        }
        if (yield* holdsSame(file, footer)) return { file, records };
      }
      return yield* exportRefused(
        folder,
        new ExportDefect('exists', `${MAX_VARIANTS} files of one stretch: move the archive elsewhere`),
      );
    }),
  );
