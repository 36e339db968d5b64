import { useMemo } from 'preact/hooks';

import { EmptyState } from '../parts/panel.tsx';
import { scrollable } from '../parts/scrollable.ts';
import type { Shown } from './feed.ts';
import { headText, type Lifeline, lifelineXs, type Message, messageText, sequenceOf } from './sequence.ts';

const headPx = 26;
const rowPx = 26;
const hookPx = 22;

const Head = ({ line, x }: { line: Lifeline; x: number }) => {
  const text = headText(line);
  const width = text.length * 7.4 + 12;
  return (
    <g class={`seq-head ${line.isChosen ? 'seq-chosen' : ''}`}>
      <title>{line.label}</title>
      <rect x={x - width / 2} y={1} width={width} height={headPx - 4} rx="4" />
      <text x={x} y={headPx / 2 + 3} text-anchor="middle">
        {text}
      </text>
    </g>
  );
};

const Arrow = ({ message, xs, y }: { message: Message; xs: readonly number[]; y: number }) => {
  const from = xs[message.from] ?? 0;
  const to = xs[message.to] ?? 0;
  const isSelf = message.from === message.to;
  const line = isSelf
    ? `M${from} ${y - 8}h${hookPx}v8h${2 - hookPx}`
    : `M${from} ${y}L${to + (to > from ? -2 : 2)} ${y}`;
  const side = isSelf || to < from ? 4 : -4;
  const tip = isSelf ? from + 2 : to + (to > from ? -1 : 1);
  const textX = isSelf ? from + hookPx + 6 : Math.min(from, to) + 10;
  return (
    <g class="seq-message">
      <title>{`${new Date(message.at).toISOString().slice(11, 23)} ${message.event}`}</title>
      <path class="seq-line" d={line} />
      <path class="seq-tip" d={`M${tip} ${y}l${side * 1.6} -4v8z`} />
      <text x={textX} y={isSelf ? y - 1 : y - 5}>
        {messageText(message)}
      </text>
    </g>
  );
};

/** The newest messages between the chosen actor and its neighbours, from top to bottom. */
export const SequencePane = ({ shown, chosen }: { shown: Shown; chosen: string | null }) => {
  const { session, count, actors } = shown;
  const sequence = useMemo(
    () =>
      chosen === null
        ? { lifelines: [], messages: [] }
        : sequenceOf(session.entries.slice(0, count), actors, chosen),
    [session, count, actors, chosen],
  );
  if (sequence.messages.length === 0) {
    return <EmptyState title="No messages">None to or from this actor within what is kept.</EmptyState>;
  }
  const { xs, width } = lifelineXs(sequence);
  const height = headPx + (sequence.messages.length + 1) * rowPx;
  return (
    <section class="seq" aria-label="Messages of the chosen actor" {...scrollable}>
      <svg
        width={width}
        height={height}
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-label="Sequence diagram"
      >
        {sequence.lifelines.map((line, index) => (
          <line
            key={line.key}
            class={`seq-life ${line.isChosen ? 'seq-chosen' : ''}`}
            x1={xs[index]}
            x2={xs[index]}
            y1={headPx}
            y2={height}
          />
        ))}
        {sequence.lifelines.map((line, index) => (
          <Head key={line.key} line={line} x={xs[index] ?? 0} />
        ))}
        {sequence.messages.map((message, row) => (
          <Arrow key={message.seq} message={message} xs={xs} y={headPx + (row + 1) * rowPx} />
        ))}
      </svg>
    </section>
  );
};
