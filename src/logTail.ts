import type { LogLine } from './domain/view/commonView.ts';

/** The last lines of the log, for the page. Lines are kept as they were written and read only when somebody looks. */
export type LogTail = {
  /** Takes one line of JSON; redacted already. */
  readonly take: (line: string) => void;
  /** The last lines, oldest first; whoever follows has been told of all of them. */
  readonly recent: () => readonly LogLine[];
  /** The last lines of level warn and above, newest first, at most 20. */
  readonly warnings: () => readonly LogLine[];
  /** Tells new lines, a few times a second, until the returned function is called. */
  readonly subscribe: (onLines: (lines: readonly LogLine[]) => void) => () => void;
};

type Kept = { readonly seq: number; readonly line: string };

const keptLines = 2_000;
const keptWarnings = 20;
/** More of one line than anybody reads on a page; a stack trace fits. */
const maxLineChars = 8_192;
const tellEveryMs = 250;
/** Of one batch; a flood of lines is cut to its end. */
const maxTold = 500;

const levels: ReadonlySet<unknown> = new Set(['trace', 'debug', 'info', 'warn', 'error', 'fatal']);
const isLevel = (level: unknown): level is LogLine['level'] => levels.has(level);

/** pino writes the level first, so that this needs no parsing. */
const isWarning = (line: string): boolean => /^\{"level":"(?:warn|error|fatal)"/.test(line);

const unreadable = ({ seq, line }: Kept): LogLine => ({
  seq,
  at: Date.now(),
  level: 'info',
  event: null,
  msg: line.slice(0, maxLineChars),
  fields: {},
});

/** A line too long to be kept whole, with what it begins with: level, time, event and text. */
const shortened = (line: string): string => {
  if (line.length <= maxLineChars) return line;
  try {
    const { level, time, event, msg }: Record<string, unknown> = JSON.parse(line);
    return JSON.stringify({ level, time, event, msg: String(msg).slice(0, 512), cutChars: line.length });
  } catch {
    return line.slice(0, maxLineChars);
  }
};

const parse = (kept: Kept): LogLine => {
  try {
    const written: Record<string, unknown> = JSON.parse(kept.line);
    // Of every line alike, and told elsewhere.
    const { level, time, event, msg, role: _role, hotkey: _hotkey, ...fields } = written;
    return {
      seq: kept.seq,
      at: Date.parse(String(time)),
      level: isLevel(level) ? level : 'info',
      event: typeof event === 'string' ? event : null,
      msg: String(msg ?? ''),
      fields,
    };
  } catch {
    return unreadable(kept);
  }
};

/** The last few of something, oldest first, in constant time each. */
const createRing = (capacity: number) => {
  const slots: Kept[] = [];
  let next = 0;
  return {
    push: (kept: Kept): void => {
      slots[next] = kept;
      next = (next + 1) % capacity;
    },
    all: (): readonly Kept[] => [...slots.slice(next), ...slots.slice(0, next)],
  };
};

export const createLogTail = (): LogTail => {
  const lines = createRing(keptLines);
  const warned = createRing(keptWarnings);
  const followers = new Set<(lines: readonly LogLine[]) => void>();
  let seq = 0;
  let untold: Kept[] = [];
  let timer: NodeJS.Timeout | null = null;

  const tell = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (untold.length === 0) return;
    const news = untold.slice(-maxTold).map(parse);
    untold = [];
    for (const follower of followers) follower(news);
  };

  return {
    take: (line) => {
      seq += 1;
      const kept = { seq, line: shortened(line) };
      lines.push(kept);
      if (isWarning(line)) warned.push(kept);
      if (followers.size === 0) return;
      untold.push(kept);
      if (untold.length > keptLines) untold = untold.slice(-maxTold);
      timer ??= setTimeout(tell, tellEveryMs).unref();
    },
    recent: () => {
      tell();
      return lines.all().map(parse);
    },
    warnings: () => warned.all().map(parse).toReversed(),
    subscribe: (onLines) => {
      followers.add(onLines);
      return () => {
        followers.delete(onLines);
        if (followers.size === 0) untold = [];
      };
    },
  };
};
