import type { ComponentType } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';

import type { AboutView } from '../../src/domain/view/commonView.ts';
import type { Verdict } from '../../src/domain/view/verdict.ts';
import { useKeyboard } from './keyboard.ts';
import { useSlice, useStaleSince, useTopics } from './live.ts';
import { StaleBanner } from './parts/badges.tsx';
import { levelWords } from './parts/glyph.tsx';
import { EmptyState } from './parts/panel.tsx';
import { otherTheme, setPreferences, usePreferences } from './preferences.ts';
import { navigate, useLocation } from './router.ts';
import { type Screen, type ScreenProps, screenAt, screensOf } from './screens.ts';
import { Header } from './shell/header.tsx';
import { Help } from './shell/help.tsx';
import { Navigation } from './shell/navigation.tsx';
import { VerdictBanner } from './shell/verdict.tsx';

const levelMarks = { ok: '✓', starting: '…', attention: '!', failing: '✕' } as const;

/** The browser's tab says how the daemon is, so that one tab among many is enough to see it. */
const useTitle = (about: AboutView | undefined, verdict: Verdict | undefined, screen: string): void => {
  const isStale = useStaleSince() !== null;
  const level = verdict?.level ?? 'starting';
  const state = isStale ? '✕ stale' : `${levelMarks[level]} ${levelWords[level].toLowerCase()}`;
  const who = about === undefined ? 'MIAOAI' : `${about.role} ${about.uid ?? ''}`.trim();
  useEffect(() => {
    document.title = `${state} · ${screen} · ${who} · MIAOAI`;
  }, [state, screen, who]);
};

const loaded = new Map<Screen, ComponentType<ScreenProps>>();

/** The component of a screen, null while it is being fetched. */
const useScreen = (screen: Screen | null): ComponentType<ScreenProps> | null => {
  const [, redraw] = useState<Screen | null>(null);
  useEffect(() => {
    if (screen === null || loaded.has(screen)) return;
    void screen.load().then((component) => {
      loaded.set(screen, component);
      redraw(screen);
    });
  }, [screen]);
  return screen === null ? null : (loaded.get(screen) ?? null);
};

const NoScreen = ({ path }: { path: string }) => (
  <EmptyState title="There is no such screen">
    <code>{path}</code> is not part of this page. <a href="/">Overview</a>
  </EmptyState>
);

/** What a screen shows of nothing: that the daemon has not spoken yet. */
const Waiting = () => <EmptyState title="Connecting">The daemon sends what it knows in a moment.</EmptyState>;

export const App = () => {
  useTopics(['view']);
  usePreferences();
  const about = useSlice<AboutView>('about');
  const verdict = useSlice<Verdict>('health');
  const isStale = useStaleSince() !== null;
  const { path } = useLocation();
  const [isHelpOpen, setHelpOpen] = useState(false);
  const screens = useMemo(() => (about === undefined ? [] : screensOf(about.role)), [about?.role]);
  const place = screenAt(screens, path);
  const Content = useScreen(place?.screen ?? null);
  useTitle(about, verdict, place?.screen.title ?? 'MIAOAI');
  const shortcuts = useMemo(
    () => ({
      go: (key: string) => {
        const screen = screens.find((candidate) => candidate.key === key);
        if (screen !== undefined) navigate(screen.path);
        return screen !== undefined;
      },
      press: {
        '?': () => setHelpOpen(true),
        t: () => setPreferences({ theme: otherTheme() }),
        u: () => document.querySelector<HTMLButtonElement>('.header-switches button')?.click(),
      },
    }),
    [screens],
  );
  useKeyboard(shortcuts);
  return (
    <div class="app">
      <a class="skip" href="#screen">
        Skip to the content
      </a>
      <Navigation about={about} screens={screens} current={place?.screen ?? null} />
      <div class={`app-main ${isStale ? 'app-stale' : ''}`}>
        <Header about={about} onHelp={() => setHelpOpen(true)} />
        <StaleBanner />
        <VerdictBanner verdict={verdict} isOpenAtFirst={path === '/'} />
        <main id="screen" class="screen" tabIndex={-1}>
          <h1 class="hidden-text">{place?.screen.title ?? 'MIAOAI'}</h1>
          {about !== undefined && place === null ? <NoScreen path={path} /> : null}
          {about === undefined ? <Waiting /> : null}
          {Content === null ? null : <Content rest={place?.rest ?? null} />}
        </main>
      </div>
      <Help screens={screens} isOpen={isHelpOpen} onClose={() => setHelpOpen(false)} />
    </div>
  );
};
