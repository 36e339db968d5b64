import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import * as Effect from 'effect/Effect';

import { entryDigest } from './exportFile.ts';
import { ExportDefect, type ExportRefused, exportRefused } from './exportFileErrors.ts';
import {
  type ExportCounts,
  type ExportEntry,
  type ExportFooter,
  type ExportHeader,
  parseLine,
  readEntry,
  readFooter,
  readHeader,
} from './exportFileFormat.ts';
import { MAX_SNAPSHOT_BYTES } from './storedValue.ts';

/** The largest snapshot, its name and its quotes. */
const MAX_LINE_BYTES = MAX_SNAPSHOT_BYTES + 65_536;
/** Entries are handed on in batches: so many, or so many characters of them. */
const BATCH_ENTRIES = 1_000;
const BATCH_CHARACTERS = 4_194_304;
const NEWLINE = 0x0a;

const isCompressed = async (file: string): Promise<boolean> => {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await handle.close();
  }
};

/** Bytes of the file, unpacked; whatever its name is. */
const openBytes = async (file: string): Promise<Readable> => {
  const isPacked = await isCompressed(file);
  const raw = createReadStream(file, { highWaterMark: 262_144 });
  if (!isPacked) return raw;
  const unpacked = createGunzip();
  raw.on('error', (cause) => unpacked.destroy(cause));
  unpacked.on('close', () => raw.destroy());
  return raw.pipe(unpacked);
};

/** Whole lines; what stands after the last newline is a line that was cut off. */
async function* linesOf(bytes: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of bytes) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      parts.push(chunk.subarray(from, end));
      yield Buffer.concat(parts).toString('utf8');
      parts = [];
      length = 0;
      from = end + 1;
    }
    length += chunk.length - from;
    if (length > MAX_LINE_BYTES)
      throw new ExportDefect('damaged', `a line has more than ${MAX_LINE_BYTES} bytes`);
    parts.push(chunk.subarray(from));
  }
  if (length > 0) throw new ExportDefect('cut', 'it is cut off within a line; copy it again');
}

type Part =
  | { readonly kind: 'header'; readonly header: ExportHeader }
  | { readonly kind: 'entries'; readonly entries: readonly ExportEntry[] }
  | { readonly kind: 'end'; readonly footer: ExportFooter };

const sameCounts = (a: ExportCounts, b: ExportCounts): boolean =>
  a.records === b.records && a.snapshots === b.snapshots && a.counters === b.counters && a.ids === b.ids;

/** Header, batches of entries, end; throws where the file is not what was written. */
async function* partsOf(file: string): AsyncGenerator<Part> {
  const bytes = await openBytes(file);
  const digest = entryDigest();
  let lineNumber = 0;
  let characters = 0;
  let batch: ExportEntry[] = [];
  let footer: ExportFooter | null = null;
  for await (const text of linesOf(bytes)) {
    lineNumber += 1;
    if (footer !== null) throw new ExportDefect('damaged', 'something follows its end');
    const line = parseLine(text, lineNumber);
    if (lineNumber === 1) {
      digest.line(text);
      yield { kind: 'header', header: readHeader(line) };
      continue;
    }
    footer = readFooter(line);
    if (footer !== null) continue;
    const entry = readEntry(line);
    // The text must be what we would write, or the sum would not cover what is taken from it.
    if (entry === null || digest.entry(entry) !== text)
      throw new ExportDefect('damaged', `line ${lineNumber} is not as it was written`);
    batch.push(entry);
    characters += text.length;
    if (batch.length >= BATCH_ENTRIES || characters >= BATCH_CHARACTERS) {
      yield { kind: 'entries', entries: batch };
      batch = [];
      characters = 0;
    }
  }
  if (batch.length > 0) yield { kind: 'entries', entries: batch };
  if (footer === null)
    throw new ExportDefect(
      lineNumber === 0 ? 'foreign' : 'cut',
      'it is cut off: its end is missing; copy it again',
    );
  const found = digest.finish();
  if (found.sha256 !== footer.sha256 || !sameCounts(found.end, footer.end))
    throw new ExportDefect('damaged', 'its content does not agree with its SHA-256; copy it again');
  yield { kind: 'end', footer };
}

export type ExportSummary = { readonly header: ExportHeader; readonly footer: ExportFooter };

/**
 * Reads a file from front to back. Entries are handed over before the end has been checked: read once without
 * `onEntries` before anything is believed.
 */
export const readExport = <E = never, R = never>(
  file: string,
  onEntries?: (entries: readonly ExportEntry[]) => Effect.Effect<void, E, R>,
): Effect.Effect<ExportSummary, ExportRefused | E, R> =>
  Effect.gen(function* () {
    const parts = partsOf(file);
    const next = Effect.tryPromise({ try: () => parts.next(), catch: (cause) => exportRefused(file, cause) });
    let header: ExportHeader | null = null;
    const reading = Effect.gen(function* () {
      for (;;) {
        const { value, done } = yield* next;
        if (done === true || value.kind === 'end') {
          if (header !== null && value !== undefined) return { header, footer: value.footer };
          return yield* Effect.fail(exportRefused(file, new ExportDefect('foreign', 'it is empty')));
        }
        if (value.kind === 'header') header = value.header;
        else if (onEntries !== undefined) yield* onEntries(value.entries);
      }
    });
    return yield* Effect.ensuring(
      reading,
      Effect.promise(() => parts.return(undefined).catch(() => undefined)),
    );
  });
