import type { JSX } from 'preact';

import { countText } from '../format.ts';
import { Time } from '../parts/badges.tsx';
import type { Feed, Shown } from './feed.ts';
import { moveFrom } from './session.ts';

/** Drawn, because the signs for them are in few fonts. */
const signs = {
  lastMove: 'M3 3v10M13 3L6 8l7 5z',
  back: 'M11 3L4 8l7 5z',
  on: 'M5 3l7 5l-7 5z',
  nextMove: 'M13 3v10M3 3l7 5l-7 5z',
} as const;

const Sign = ({ name }: { name: keyof typeof signs }): JSX.Element => (
  <svg width="14" height="14" viewBox="0 0 16 16" aria-hidden="true">
    <path
      d={signs[name]}
      fill="currentColor"
      stroke="currentColor"
      stroke-width="1.5"
      stroke-linejoin="round"
    />
  </svg>
);

const StepButton = (props: { label: string; sign: keyof typeof signs; to: number | null; feed: Feed }) => (
  <button
    type="button"
    class="button"
    aria-label={props.label}
    title={props.label}
    disabled={props.to === null}
    onClick={() => props.to !== null && props.feed.goTo(props.to)}
  >
    <Sign name={props.sign} />
  </button>
);

const Steps = ({ feed, shown, chosen }: { feed: Feed; shown: Shown; chosen: string | null }) => {
  const { session, count } = shown;
  const end = session.entries.length;
  const move = (by: 1 | -1): number | null =>
    chosen === null ? null : moveFrom({ session, actor: chosen, from: count, by });
  // Live, nothing lies ahead, and what lies behind changes with each entry: it is looked for when it is asked for.
  const isLive = shown.isLive;
  return (
    <span class="time-steps">
      <button
        type="button"
        class="button"
        aria-label="Previous transition of this actor"
        title="Previous transition of this actor"
        disabled={chosen === null || (!isLive && move(-1) === null)}
        onClick={() => feed.goTo(move(-1) ?? count - 1)}
      >
        <Sign name="lastMove" />
      </button>
      <StepButton label="One entry back" sign="back" to={count > 0 ? count - 1 : null} feed={feed} />
      {isLive ? (
        <button type="button" class="button time-main" onClick={feed.pause}>
          Pause
        </button>
      ) : (
        <button type="button" class="button time-main" onClick={feed.resume}>
          Resume live
        </button>
      )}
      <StepButton label="One entry on" sign="on" to={!isLive && count < end ? count + 1 : null} feed={feed} />
      <StepButton
        label="Next transition of this actor"
        sign="nextMove"
        to={isLive ? null : move(1)}
        feed={feed}
      />
    </span>
  );
};

/** Pause, steps through what is kept, and a slider over it. */
export const TimeBar = ({ feed, shown, chosen }: { feed: Feed; shown: Shown; chosen: string | null }) => {
  const { session, count, isLive, file } = shown;
  const at = session.entries[count - 1]?.at ?? session.entries[0]?.at ?? null;
  const end = session.entries.length;
  return (
    <fieldset class="time" aria-label="Time">
      <Steps feed={feed} shown={shown} chosen={chosen} />
      <input
        class="time-slider"
        type="range"
        min={0}
        max={end}
        value={count}
        aria-label="Moment that is shown"
        aria-valuetext={`after entry ${count} of ${end}`}
        onInput={({ currentTarget }) => feed.goTo(Number(currentTarget.value))}
      />
      <span class={`time-state ${isLive ? 'time-live' : 'time-still'}`}>
        <strong>{isLive ? '● live' : file === null ? '❚❚ paused' : '▤ file'}</strong>
        {isLive ? null : (
          <>
            {' '}
            {countText(count)} / {countText(end)}
          </>
        )}
        {at === null ? null : (
          <>
            {' '}
            <Time at={at} />
          </>
        )}
      </span>
    </fieldset>
  );
};
