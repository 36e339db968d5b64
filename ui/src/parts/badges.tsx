import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import { blockText, hotkeyText, timeText } from '../format.ts';
import { useRefused, useStaleSince } from '../live.ts';
import { usePreferences } from '../preferences.ts';
import { Glyph, type GlyphName } from './glyph.tsx';

/** A state as shape and word; the colour only repeats it. */
export const StateBadge = ({ state, children }: { state: GlyphName; children?: ComponentChildren }) => (
  <span class={`badge badge-${state}`}>
    <Glyph name={state} size={14} />
    {children ?? state}
  </span>
);

export const BlockNumber = ({ block }: { block: number | null | undefined }) => <>{blockText(block)}</>;

const copiedMs = 1_500;

/** A key in short; the button copies it whole. */
export const Hotkey = ({ hotkey, canCopy = true }: { hotkey: string; canCopy?: boolean }) => {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setCopied(false), copiedMs);
    return () => clearTimeout(timer);
  }, [isCopied]);
  const copy = (event: MouseEvent): void => {
    event.stopPropagation();
    void navigator.clipboard?.writeText(hotkey).then(() => setCopied(true));
  };
  return (
    <span class="hotkey" title={hotkey}>
      {hotkeyText(hotkey)}
      {canCopy ? (
        <button type="button" class="icon-button" onClick={copy} aria-label={`Copy ${hotkey}`}>
          <Glyph name={isCopied ? 'ready' : 'copy'} size={12} />
        </button>
      ) : null}
    </span>
  );
};

/** A time of day in the zone chosen for the page; the date is its title. */
export const Time = ({ at }: { at: number | null | undefined }) => {
  const { zone } = usePreferences();
  if (typeof at !== 'number') return <>–</>;
  return (
    <time dateTime={new Date(at).toISOString()} title={new Date(at).toISOString()}>
      {timeText(at, zone)}
    </time>
  );
};

/** Says that what is shown is old, and since when; nothing while the stream is well. */
export const StaleBanner = () => {
  const since = useStaleSince();
  const isRefused = useRefused();
  const { zone } = usePreferences();
  if (since === null) return null;
  return (
    <p class="stale" role="alert">
      <Glyph name="failing" />
      <span>
        stale since {timeText(since, zone)}:{' '}
        {isRefused
          ? 'this browser is not logged in any more. Open the link that `miaoai status --link` prints.'
          : 'the daemon does not answer. What is shown is from then.'}
      </span>
    </p>
  );
};
