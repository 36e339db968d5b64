import type { ViewHello, ViewPatch } from '../../src/domain/view/stream.ts';

/** What the page knows: each slice whole, each row by its key. Values are replaced, never changed in place. */
export type LiveState = {
  readonly slices: ReadonlyMap<string, unknown>;
  readonly rows: ReadonlyMap<string, ReadonlyMap<string, unknown>>;
};

export const emptyState: LiveState = { slices: new Map(), rows: new Map() };

/** The state after a `hello`: nothing of before survives, because the daemon may be another one. */
export const afterHello = (hello: ViewHello): LiveState => ({
  slices: new Map(Object.entries(hello.slices)),
  rows: new Map(
    Object.entries(hello.rows).map(([name, rows]) => [name, new Map(Object.entries(rows))] as const),
  ),
});

const patchedRows = (
  before: ReadonlyMap<string, unknown>,
  patch: Readonly<Record<string, unknown>>,
): ReadonlyMap<string, unknown> => {
  const after = new Map(before);
  for (const [key, row] of Object.entries(patch)) {
    if (row === null) after.delete(key);
    else after.set(key, row);
  }
  return after;
};

/** The state after a patch: slices whole, rows one by one, a row of null is gone. */
export const afterPatch = (state: LiveState, patch: ViewPatch): LiveState => {
  const slices = new Map(state.slices);
  for (const [name, value] of Object.entries(patch.slices)) slices.set(name, value);
  const rows = new Map(state.rows);
  for (const [name, changed] of Object.entries(patch.rows)) {
    rows.set(name, patchedRows(rows.get(name) ?? new Map(), changed));
  }
  return { slices, rows };
};

/** Names of slices and of row sets whose value is another one than before. */
export const changedNames = (before: LiveState, after: LiveState): ReadonlySet<string> => {
  const names = new Set<string>();
  for (const part of ['slices', 'rows'] as const) {
    for (const name of new Set([...before[part].keys(), ...after[part].keys()])) {
      if (before[part].get(name) !== after[part].get(name)) names.add(`${part}/${name}`);
    }
  }
  return names;
};

/** Longest silence before the page calls itself stale; the daemon sends a beat every 5 s. */
export const silenceMs = 12_000;

/**
 * Since when what is shown is old: the time of the last sign of life, or null while the stream is well.
 * @param isDown the stream has ended and has not come back
 */
export const staleSince = (options: {
  readonly lastSignAt: number;
  readonly isDown: boolean;
  readonly now: number;
}): number | null =>
  options.isDown || options.now - options.lastSignAt > silenceMs ? options.lastSignAt : null;
