import type { ViewHello, ViewPatch } from '../../domain/view/stream.ts';
import { isSame } from './sameness.ts';

/** All slices, and the rows of those that travel row by row. */
export type Picture<Slices extends object, Rows extends object> = {
  readonly slices: Slices;
  readonly rows: Rows;
};

export type Publisher<Slices extends object, Rows extends object> = {
  /** Not older than a quarter of a second. */
  readonly picture: () => Picture<Slices, Rows>;
  readonly hello: () => ViewHello;
  /** Tells what changes, at most four times a second, until the returned function is called. */
  readonly subscribe: (onPatch: (patch: ViewPatch) => void) => () => void;
  readonly close: () => void;
};

/** Four times a second at most. */
const everyMs = 250;

type Table = Readonly<Record<string, unknown>>;
type Tables = Readonly<Record<string, Table>>;

const changedIn = (before: Table, after: Table): Record<string, unknown> =>
  Object.fromEntries(Object.entries(after).filter(([key, value]) => !isSame(before[key], value)));

const changedRows = (before: Tables, after: Tables): Record<string, Record<string, unknown>> => {
  const changed: Record<string, Record<string, unknown>> = {};
  for (const [name, rows] of Object.entries(after)) {
    const old = before[name] ?? {};
    const news = changedIn(old, rows);
    for (const key of Object.keys(old)) if (!Object.hasOwn(rows, key)) news[key] = null;
    if (Object.keys(news).length > 0) changed[name] = news;
  }
  return changed;
};

const helloOf = ({ slices, rows }: Picture<object, object>): ViewHello => ({
  slices: { ...slices },
  rows: { ...rows } as Tables,
});

/** What has changed; null for nothing. Rows that are gone are null. */
export const patchBetween = (before: ViewHello, after: ViewHello): ViewPatch | null => {
  const slices = changedIn(before.slices, after.slices);
  const rows = changedRows(before.rows, after.rows);
  return Object.keys(slices).length + Object.keys(rows).length === 0 ? null : { slices, rows };
};

/**
 * Draws a picture when somebody wants one and tells followers what has changed. Nothing is drawn while nobody looks.
 *
 * @param now monotonic milliseconds
 */
export const createPublisher = <Slices extends object, Rows extends object>(
  draw: () => Picture<Slices, Rows>,
  now: () => number = () => performance.now(),
): Publisher<Slices, Rows> => {
  const followers = new Set<(patch: ViewPatch) => void>();
  let drawn: { readonly picture: Picture<Slices, Rows>; readonly at: number } | null = null;
  let timer: NodeJS.Timeout | null = null;

  // Whoever asks anew sees the picture that the next patch is told against: followers hear of it as well.
  const refresh = (): Picture<Slices, Rows> => {
    const before = drawn;
    const picture = draw();
    drawn = { picture, at: now() };
    if (before === null || followers.size === 0) return picture;
    const patch = patchBetween(helloOf(before.picture), helloOf(picture));
    if (patch !== null) for (const tell of [...followers]) tell(patch);
    return picture;
  };

  const picture = (): Picture<Slices, Rows> =>
    drawn !== null && now() - drawn.at < everyMs ? drawn.picture : refresh();

  const rest = (): void => {
    if (timer !== null) clearInterval(timer);
    timer = null;
  };

  return {
    picture,
    hello: () => helloOf(picture()),
    subscribe: (onPatch) => {
      if (drawn === null) refresh();
      followers.add(onPatch);
      if (timer === null) {
        timer = setInterval(refresh, everyMs);
        timer.unref();
      }
      return () => {
        followers.delete(onPatch);
        if (followers.size === 0) rest();
      };
    },
    close: () => {
      followers.clear();
      rest();
    },
  };
};
