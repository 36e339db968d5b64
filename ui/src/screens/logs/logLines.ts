import type { LogLine } from '../../../../src/domain/view/commonView.ts';

export type LogLevel = LogLine['level'];

/** In rising order of urgency. */
export const logLevels: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

/** Lines kept by the page. */
export const maxLines = 5_000;
/** Lines over the bound before they are cut off. */
const slack = 500;

/** The lines after further ones; those that are there already are left out. */
export const withLines = (lines: readonly LogLine[], more: readonly LogLine[]): readonly LogLine[] => {
  const last = lines.at(-1)?.seq ?? Number.NEGATIVE_INFINITY;
  const fresh = more.filter(({ seq }) => seq > last);
  if (fresh.length === 0) return lines;
  const all = [...lines, ...fresh];
  return all.length > maxLines + slack ? all.slice(-maxLines) : all;
};

export type LogFilter = {
  /** Lines below it are left out. */
  readonly level: LogLevel;
  /** Words that a line has to hold, all of them, wherever; `uid=12` finds a field. */
  readonly text: string;
};

/** Fields as they are written in the log: `uid=12 round=r-1-2`. */
export const fieldText = (name: string, value: unknown): string =>
  `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`;

const holds = (line: LogLine, words: readonly string[]): boolean => {
  const fields = Object.entries(line.fields).map(([name, value]) => fieldText(name, value));
  const text = ` ${line.level} ${line.event ?? ''} ${line.msg} ${fields.join(' ')} `.toLowerCase();
  // A whole field or nothing: `uid=1` is not `uid=12`.
  return words.every((word) => text.includes(/^\w+=./.test(word) ? ` ${word} ` : word));
};

/** The lines that pass, in their order. */
export const passing = (lines: readonly LogLine[], { level, text }: LogFilter): readonly LogLine[] => {
  const least = logLevels.indexOf(level);
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (least === 0 && words.length === 0) return lines;
  return lines.filter(
    (line) => logLevels.indexOf(line.level) >= least && (words.length === 0 || holds(line, words)),
  );
};

/** Where a field leads to within a validator's page; null where it leads nowhere. */
export const fieldHref = (name: string, value: unknown): string | null => {
  if (name === 'uid' && typeof value === 'number') return `/sessions/${value}`;
  const isRound = (name === 'round' || name === 'roundId') && typeof value === 'string';
  return isRound ? `/rounds?round=${encodeURIComponent(value)}` : null;
};
