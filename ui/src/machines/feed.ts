import { useEffect, useReducer } from 'preact/hooks';

import type { InspectionEntry, InspectionHello } from '../../../src/domain/view/inspection.ts';
import { onMessage } from '../live.ts';
import { type Actors, actorsAt, emptySession, type Session, sessionOf, withEntries } from './session.ts';

/** A moment that is looked at; everything that comes meanwhile waits in the live session. */
type Still = {
  readonly session: Session;
  /** Entries of the session that have happened. */
  readonly count: number;
  readonly actors: Actors;
  /** Name of the file that the session was read from; null for the live one. */
  readonly file: string | null;
};

export type Shown = {
  readonly session: Session;
  readonly count: number;
  readonly actors: Actors;
  readonly isLive: boolean;
  readonly file: string | null;
};

/** Least time between two drawings of the lists; the chart's lights follow each frame. */
const panesMs = 120;

type Listeners = Set<() => void>;
const tell = (listeners: Listeners): void => {
  for (const listener of listeners) listener();
};

export type Feed = ReturnType<typeof createFeed>;

/**
 * What the screen shows of the inspection stream. Entries are applied when they come; the lights are told once per
 * animation frame, the lists a few times a second.
 */
export const createFeed = () => {
  let live: Session = emptySession;
  let still: Still | null = null;
  let hasHello = false;
  let frame: number | null = null;
  let panesAt = 0;
  let panesTimer: ReturnType<typeof setTimeout> | null = null;
  const frames: Listeners = new Set();
  const panes: Listeners = new Set();

  const tellPanes = (): void => {
    panesTimer = null;
    panesAt = performance.now();
    tell(panes);
  };
  const paint = (): void => {
    frame = null;
    tell(frames);
    const wait = panesAt + panesMs - performance.now();
    if (wait <= 0) tellPanes();
    else panesTimer ??= setTimeout(tellPanes, wait);
  };
  const request = (): void => {
    frame ??= requestAnimationFrame(paint);
  };
  /** A reader's own action is answered with the next frame. */
  const answer = (): void => {
    panesAt = 0;
    request();
  };
  const show = (next: Still | null): void => {
    still = next;
    answer();
  };
  const stillAt = (session: Session, count: number, file: string | null): Still => {
    const held = Math.max(0, Math.min(session.entries.length, count));
    return { session, count: held, actors: actorsAt(session, held), file };
  };

  return {
    hello: (hello: InspectionHello): void => {
      live = sessionOf(hello);
      hasHello = true;
      answer();
    },
    entries: (entries: readonly InspectionEntry[]): void => {
      live = withEntries(live, entries);
      if (still === null) request();
    },
    hasHello: () => hasHello,
    shown: (): Shown =>
      still === null
        ? { session: live, count: live.entries.length, actors: live.actors, isLive: true, file: null }
        : { ...still, isLive: false },
    pause: (): void => {
      if (still === null) show(stillAt(live, live.entries.length, null));
    },
    goTo: (count: number): void => show(stillAt(still?.session ?? live, count, still?.file ?? null)),
    load: (session: Session, file: string): void => show(stillAt(session, session.entries.length, file)),
    resume: (): void => show(null),
    onFrame: (listener: () => void): (() => void) => {
      frames.add(listener);
      return () => frames.delete(listener);
    },
    onPanes: (listener: () => void): (() => void) => {
      panes.add(listener);
      return () => panes.delete(listener);
    },
    /** Hears the page's stream; returns what ends it. */
    listen(): () => void {
      const ends = [
        onMessage('inspection.hello', (hello: InspectionHello) => this.hello(hello)),
        onMessage('inspection.entries', (entries: readonly InspectionEntry[]) => this.entries(entries)),
      ];
      return () => {
        for (const end of ends) end();
        if (frame !== null) cancelAnimationFrame(frame);
        if (panesTimer !== null) clearTimeout(panesTimer);
        frame = null;
        panesTimer = null;
      };
    },
  };
};

/** What is shown now; the component is drawn again a few times a second while it changes. */
export const useShown = (feed: Feed): Shown => {
  const [, redraw] = useReducer((drawn: number, _: null) => drawn + 1, 0);
  useEffect(() => feed.onPanes(() => redraw(null)), [feed]);
  return feed.shown();
};
