import * as Schema from 'effect/Schema';

import { ExportDefect } from './exportFileErrors.ts';
import type { Json, Snapshot, StoredRecord } from './store.ts';

/**
 * The file of `miaoai store export` and of the archive: one JSON object per line. A header, then one line per record,
 * snapshot, counter and page of ids, then a footer with counts and the SHA-256 of all lines before it, so that a file
 * that was cut off is recognised whatever cut it.
 */
const FORMAT = 'miaoai.store';
export const EXPORT_VERSION = 1;

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0));

/** `evidence` holds a stretch of one log and nothing else. */
const Header = Schema.Struct({
  format: Schema.Literal(FORMAT),
  v: Schema.Int,
  kind: Schema.Literals(['store', 'evidence']),
  /** Identity of the store, null when it was made for none. */
  owner: Schema.NullOr(Schema.String),
  /** ISO 8601: when the export was made; of an archive, the time of its newest record. */
  at: Schema.String,
  /** Of an archive: where it begins and ends, whether or not each record in between could be read. */
  firstSeq: Schema.optionalKey(Count),
  lastSeq: Schema.optionalKey(Count),
});
export type ExportHeader = typeof Header.Type;

const Counts = Schema.Struct({ records: Count, snapshots: Count, counters: Count, ids: Count });
export type ExportCounts = typeof Counts.Type;

const Footer = Schema.Struct({
  end: Counts,
  sha256: Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/)),
});
export type ExportFooter = typeof Footer.Type;

export type ExportEntry =
  | ({ readonly log: string } & StoredRecord)
  | ({ readonly snapshot: string } & Pick<Snapshot, 'version' | 'value' | 'savedAtMs'>)
  | { readonly counter: string; readonly value: number }
  | { readonly set: string; readonly ids: readonly string[] };

export const headerOf = (given: Omit<ExportHeader, 'format' | 'v'>): ExportHeader => ({
  format: FORMAT,
  v: EXPORT_VERSION,
  ...given,
});

export type MutableCounts = { -readonly [name in keyof ExportCounts]: number };
export const noCounts = (): MutableCounts => ({ records: 0, snapshots: 0, counters: 0, ids: 0 });

/** Adds an entry to the counts of a footer. */
export const countEntry = (counts: MutableCounts, entry: ExportEntry): void => {
  if ('log' in entry) counts.records += 1;
  else if ('snapshot' in entry) counts.snapshots += 1;
  else if ('counter' in entry) counts.counters += 1;
  else counts.ids += entry.ids.length;
};

/** One line without its newline; the same entry is always the same text. */
export const entryLine = (entry: ExportEntry): string => {
  if ('log' in entry) {
    const { log, seq, key, value } = entry;
    return JSON.stringify({ log, seq, key, value });
  }
  if ('snapshot' in entry) {
    const { snapshot, version, savedAtMs, value } = entry;
    return JSON.stringify({ snapshot, version, savedAtMs, value });
  }
  if ('counter' in entry) return JSON.stringify({ counter: entry.counter, value: entry.value });
  return JSON.stringify({ set: entry.set, ids: entry.ids });
};

type Parsed = Readonly<Record<string, unknown>>;

/** A line as an object; names the line where it is none. */
export const parseLine = (line: string, lineNumber: number): Parsed => {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Parsed;
  } catch {
    // Told below, with the place.
  }
  throw new ExportDefect(
    lineNumber === 1 ? 'foreign' : 'damaged',
    `line ${lineNumber} is no JSON object; give a file that \`miaoai store export\` made`,
  );
};

export const readHeader = (line: Parsed): ExportHeader => {
  if (line['format'] !== FORMAT)
    throw new ExportDefect(
      'foreign',
      'not an export of a store; give a file that `miaoai store export` made',
    );
  if (typeof line['v'] === 'number' && line['v'] > EXPORT_VERSION)
    throw new ExportDefect(
      'newer',
      `made by a newer release (format ${line['v']}, this one reads ${EXPORT_VERSION}); use that release`,
    );
  const header = Schema.decodeUnknownResult(Header)(line);
  if (header._tag === 'Failure') throw new ExportDefect('damaged', `its header: ${header.failure.message}`);
  return header.success;
};

/** Null for a line that is no footer. */
export const readFooter = (line: Parsed): ExportFooter | null => {
  if (!Object.hasOwn(line, 'end')) return null;
  const footer = Schema.decodeUnknownResult(Footer)(line);
  return footer._tag === 'Success' ? footer.success : null;
};

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

/** An entry as it stands in the file; names and sizes are the store's to judge. Null for anything else. */
export const readEntry = (line: Parsed): ExportEntry | null => {
  const { log, seq, key, value, snapshot, version, savedAtMs, counter, set, ids } = line;
  if (typeof log === 'string')
    return isCount(seq) && (key === null || typeof key === 'string') && value !== undefined
      ? { log, seq, key, value: value as Json }
      : null;
  if (typeof snapshot === 'string')
    return Number.isSafeInteger(version) && isCount(savedAtMs) && value !== undefined
      ? { snapshot, version: Number(version), savedAtMs, value: value as Json }
      : null;
  if (typeof counter === 'string')
    return Number.isSafeInteger(value) ? { counter, value: Number(value) } : null;
  if (typeof set === 'string' && Array.isArray(ids) && ids.every((id) => typeof id === 'string'))
    return { set, ids };
  return null;
};
