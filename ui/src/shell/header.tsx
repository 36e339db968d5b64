import type { AboutView } from '../../../src/domain/view/commonView.ts';
import { useNow } from '../clock.ts';
import { clockText } from '../format.ts';
import { useStaleSince } from '../live.ts';
import { Hotkey } from '../parts/badges.tsx';
import { Glyph } from '../parts/glyph.tsx';
import { otherTheme, setPreferences, usePreferences } from '../preferences.ts';

const Running = ({ since }: { since: number }) => <>{clockText(useNow() - since)}</>;

const LinkState = () => {
  const isStale = useStaleSince() !== null;
  return (
    <span class={`header-link ${isStale ? 'header-link-down' : ''}`}>
      <Glyph name={isStale ? 'closed' : 'ready'} size={12} />
      {isStale ? 'stale' : 'live'}
    </span>
  );
};

const Switches = ({ onHelp }: { onHelp: () => void }) => {
  const { zone, isDark } = usePreferences();
  return (
    <div class="header-switches">
      <button
        type="button"
        class="icon-button"
        title="Time zone of the page (u)"
        aria-label={`Times in ${zone === 'UTC' ? 'UTC' : 'local time'}; change`}
        onClick={() => setPreferences({ zone: zone === 'UTC' ? 'local' : 'UTC' })}
      >
        {zone === 'UTC' ? 'UTC' : 'Local'}
      </button>
      <button
        type="button"
        class="icon-button"
        title="Light or dark (t)"
        aria-label={isDark ? 'Light theme' : 'Dark theme'}
        onClick={() => setPreferences({ theme: otherTheme() })}
      >
        <Glyph name={isDark ? 'sun' : 'moon'} />
      </button>
      <button
        type="button"
        class="icon-button"
        title="Keys (?)"
        aria-label="Keyboard shortcuts"
        onClick={onHelp}
      >
        <b aria-hidden="true">?</b>
      </button>
    </div>
  );
};

/** Who this daemon is, and the switches of the page. */
export const Header = ({ about, onHelp }: { about: AboutView | undefined; onHelp: () => void }) => (
  <header class="header">
    <dl class="header-facts">
      {about === undefined ? null : (
        <>
          <div>
            <dt>Network</dt>
            <dd>
              {about.network} · {about.netuid}
            </dd>
          </div>
          <div>
            <dt>uid</dt>
            <dd>{about.uid ?? 'none'}</dd>
          </div>
          <div>
            <dt>Hotkey</dt>
            <dd>
              <Hotkey hotkey={about.hotkey} />
            </dd>
          </div>
          <div class="header-minor">
            <dt>Up</dt>
            <dd>
              <Running since={about.startedAt} />
            </dd>
          </div>
        </>
      )}
    </dl>
    <LinkState />
    <Switches onHelp={onHelp} />
  </header>
);
