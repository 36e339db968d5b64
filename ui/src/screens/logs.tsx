import { useEffect, useMemo, useReducer, useRef, useState } from 'preact/hooks';

import type { AboutView, LogLine } from '../../../src/domain/view/commonView.ts';
import { countText, timeText } from '../format.ts';
import { onMessage, useSlice, useTopics } from '../live.ts';
import { Glyph, type GlyphName } from '../parts/glyph.tsx';
import { EmptyState } from '../parts/panel.tsx';
import { NewBelow, useTail, VirtualList } from '../parts/virtualList.tsx';
import { usePreferences } from '../preferences.ts';
import { replaceQuery, useLocation } from '../router.ts';
import { fieldHref, fieldText, type LogLevel, logLevels, passing, withLines } from './logs/logLines.ts';
import '../parts/virtualList.css';
import './logs/logs.css';

const rowPx = 25;
/** Least time between two drawings: a busy daemon says more than can be read. */
const drawMs = 150;

/** Lines of the stream, drawn a few times a second. */
const useLines = (): readonly LogLine[] | null => {
  const lines = useRef<readonly LogLine[] | null>(null);
  const [, redraw] = useReducer((drawn: number, _: null) => drawn + 1, 0);
  useTopics(['logs']);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | null = null;
    const draw = (): void => {
      timer = null;
      redraw(null);
    };
    const take = (next: readonly LogLine[]): void => {
      lines.current = next;
      timer ??= setTimeout(draw, drawMs);
    };
    const ends = [
      onMessage('logs.hello', (hello: readonly LogLine[]) => take(withLines([], hello))),
      onMessage('logs.lines', (more: readonly LogLine[]) => take(withLines(lines.current ?? [], more))),
    ];
    return () => {
      for (const end of ends) end();
      if (timer !== null) clearTimeout(timer);
    };
  }, []);
  return lines.current;
};

const glyphs: Readonly<Record<LogLevel, GlyphName>> = {
  trace: 'none',
  debug: 'none',
  info: 'ready',
  warn: 'attention',
  error: 'failing',
  fatal: 'failing',
};

const Field = ({ name, value, hasLinks }: { name: string; value: unknown; hasLinks: boolean }) => {
  const href = hasLinks ? fieldHref(name, value) : null;
  const text = fieldText(name, value);
  return href === null ? <span>{text}</span> : <a href={href}>{text}</a>;
};

const Line = ({ line, hasLinks }: { line: LogLine; hasLinks: boolean }) => {
  const { zone } = usePreferences();
  const { level, event } = line;
  return (
    <div class={`line line-${level}`}>
      <time class="line-at" dateTime={new Date(line.at).toISOString()}>
        {timeText(line.at, zone)}
      </time>
      <span class="line-level">
        <Glyph name={glyphs[level]} size={12} />
        {level}
      </span>
      {event === null ? (
        <span class="line-event" />
      ) : (
        <button
          type="button"
          class="line-event"
          title={`Only lines with ${event}`}
          onClick={() => replaceQuery({ q: event })}
        >
          {event}
        </button>
      )}
      <span class="line-text" title={line.msg}>
        {line.msg}
      </span>
      <span class="line-fields">
        {Object.entries(line.fields).map(([name, value]) => (
          <Field key={name} name={name} value={value} hasLinks={hasLinks} />
        ))}
      </span>
    </div>
  );
};

const Tools = ({ level, text }: { level: LogLevel; text: string }) => (
  <div class="logs-tools">
    <input
      class="field logs-search"
      type="search"
      data-filter=""
      placeholder="Words, or a field such as uid=12"
      aria-label="Filter the log by words"
      value={text}
      onInput={({ currentTarget }) => replaceQuery({ q: currentTarget.value })}
    />
    <label class="logs-level">
      from level
      <select
        class="field"
        value={level}
        onChange={({ currentTarget }) => replaceQuery({ level: currentTarget.value })}
      >
        {logLevels.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
    <a class="button" href="/api/logs" download="miaoai-log.jsonl">
      Download
    </a>
  </div>
);

const levelIn = (query: URLSearchParams): LogLevel =>
  logLevels.find((level) => level === query.get('level')) ?? 'trace';

/** What the daemon says, as it says it. */
export const LogsScreen = () => {
  const lines = useLines();
  const { query } = useLocation();
  const hasLinks = useSlice<AboutView>('about')?.role === 'validator';
  const level = levelIn(query);
  const text = query.get('q') ?? '';
  const [isPaused, setPaused] = useState<readonly LogLine[] | null>(null);
  const source = isPaused ?? lines ?? [];
  const found = useMemo(() => passing(source, { level, text }), [source, level, text]);
  const tail = useTail(found, `${level} ${text}`);
  if (lines === null) {
    return <EmptyState title="Waiting for the log">The daemon sends its last lines in a moment.</EmptyState>;
  }
  return (
    <section class="logs" aria-label="Log">
      <Tools level={level} text={text} />
      {found.length === 0 ? (
        <EmptyState title="No line matches">
          {countText(lines.length)} lines are kept here; the download has those of the daemon.
        </EmptyState>
      ) : (
        <VirtualList
          class="logs-list"
          items={tail.shown}
          rowPx={rowPx}
          keyOf={({ seq }) => seq}
          isFollowing={tail.isFollowing && isPaused === null}
          onAtEnd={tail.onAtEnd}
          frame={{ role: 'group', 'aria-label': 'Lines of the log, newest last' }}
          render={(line) => <Line line={line} hasLinks={hasLinks} />}
        />
      )}
      <p class="logs-foot">
        <button type="button" class="button" onClick={() => setPaused(isPaused === null ? lines : null)}>
          {isPaused === null ? 'Pause' : 'Go on'}
        </button>
        <span>
          {countText(found.length)} of {countText(source.length)} lines
        </span>
        {tail.isFollowing && isPaused === null ? <span>following</span> : null}
        <NewBelow tail={tail} />
      </p>
    </section>
  );
};
