import { createHash, type Hash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, existsSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import * as Effect from 'effect/Effect';

import { ExportDefect, type ExportRefused, exportRefused } from './exportFileErrors.ts';
import {
  countEntry,
  type ExportCounts,
  type ExportEntry,
  type ExportFooter,
  type ExportHeader,
  entryLine,
  noCounts,
} from './exportFileFormat.ts';

/** Evidence holds tasks with their truths. */
const OWNER_ONLY = 0o600;

/** Counts and SHA-256 of entries, in the order in which they were added. */
export type EntryDigest = {
  readonly line: (text: string) => void;
  readonly entry: (entry: ExportEntry) => string;
  readonly finish: () => ExportFooter;
};

export const entryDigest = (): EntryDigest => {
  const hash: Hash = createHash('sha256');
  const counts = noCounts();
  const line = (text: string): void => {
    hash.update(text);
    hash.update('\n');
  };
  return {
    line,
    entry: (entry) => {
      const text = entryLine(entry);
      countEntry(counts, entry);
      line(text);
      return text;
    },
    finish: () => ({ end: { ...counts } satisfies ExportCounts, sha256: hash.digest('hex') }),
  };
};

/** Makes a new name in a folder durable. */
export const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

export type ExportWriter = {
  readonly add: (entries: readonly ExportEntry[]) => Effect.Effect<void, ExportRefused>;
  /** Writes the footer and waits for the disk; the file has its temporary name still. */
  readonly finish: Effect.Effect<ExportFooter, ExportRefused>;
  /** Gives the finished file its name, which nobody may have, and waits for the folder. */
  readonly publish: (file: string) => Effect.Effect<void, ExportRefused>;
};

const openSink = (temporary: string, compress: boolean) => {
  const source = new PassThrough({ highWaterMark: 1_048_576 });
  const sink = createWriteStream(temporary, { flags: 'wx', mode: OWNER_ONLY, flush: true });
  const written = compress ? pipeline(source, createGzip(), sink) : pipeline(source, sink);
  // Looked at by whoever writes or finishes; until then it must not end the process.
  written.catch(() => undefined);
  return {
    write: async (text: string): Promise<void> => {
      if (!source.write(text)) await Promise.race([once(source, 'drain'), written]);
    },
    end: async (): Promise<void> => {
      source.end();
      await written;
    },
    abandon: async (): Promise<void> => {
      source.destroy();
      await written.catch(() => undefined);
      await rm(temporary, { force: true });
    },
  };
};

/** Where the file grows before it is whole. */
const temporaryName = (file: string): string => `${file}.${process.pid}.tmp`;

/**
 * A new file in the format of the export, compressed when its name ends with `.gz`. It grows under another name and
 * gets its own when it is whole and on disk; without `publish` nothing is left of it.
 */
export const createExport = (options: { readonly file: string; readonly header: ExportHeader }) =>
  Effect.gen(function* () {
    const { file, header } = options;
    const temporary = temporaryName(file);
    const digest = entryDigest();
    const attempt = <A>(work: () => Promise<A>) =>
      Effect.tryPromise({ try: work, catch: (cause) => exportRefused(file, cause) });
    yield* attempt(() => rm(temporary, { force: true }));
    const sink = yield* Effect.acquireRelease(
      Effect.sync(() => openSink(temporary, file.endsWith('.gz'))),
      (opened) => Effect.promise(() => opened.abandon()),
    );
    const headerText = JSON.stringify(header);
    digest.line(headerText);
    yield* attempt(() => sink.write(`${headerText}\n`));
    const writer: ExportWriter = {
      add: (entries) =>
        entries.length === 0
          ? Effect.void
          : attempt(() => sink.write(`${entries.map((entry) => digest.entry(entry)).join('\n')}\n`)),
      finish: attempt(async () => {
        const footer = digest.finish();
        await sink.write(`${JSON.stringify(footer)}\n`);
        await sink.end();
        return footer;
      }),
      publish: (name) =>
        attempt(async () => {
          if (existsSync(name))
            throw new ExportDefect('exists', 'there is a file of this name; choose another');
          await rename(temporary, name);
          await syncFolder(dirname(name));
        }),
    };
    return writer;
  });
