import * as Effect from 'effect/Effect';
import * as Schema from 'effect/Schema';

import { type StoreError, StoreInvalid } from './errors.ts';
import type { Store, StoreReader } from './store.ts';

/**
 * Marks a store that nobody may start on: one that was moved elsewhere, or one that a copy has not filled yet. A copy
 * never carries the mark along.
 */
export const movedSnapshot = 'store.moved';
const VERSION = 1;

const Mark = Schema.Union([
  /** Everything went there; this one is only a memory. */
  Schema.Struct({ state: Schema.Literal('moved'), to: Schema.String, atMs: Schema.Finite }),
  /** A copy from there began and has not ended. */
  Schema.Struct({ state: Schema.Literal('incomplete'), from: Schema.String, atMs: Schema.Finite }),
  /** A copy has ended well: the store can be used like one that was never copied. */
  Schema.Struct({ state: Schema.Literal('whole'), from: Schema.String, atMs: Schema.Finite }),
]);
export type MoveMark = typeof Mark.Type;

/** The mark of a store; null for one that was never part of a move. One that cannot be read is a move as well. */
export const readMark = (store: StoreReader): Effect.Effect<MoveMark | null, StoreError> =>
  Effect.map(store.loadSnapshot(movedSnapshot), (snapshot) => {
    if (snapshot === null) return null;
    const decoded = Schema.decodeUnknownResult(Mark)(snapshot.value);
    return decoded._tag === 'Success'
      ? decoded.success
      : { state: 'moved', to: 'a place that only a newer release knows', atMs: snapshot.savedAtMs };
  });

export const writeMark = (store: Store, mark: MoveMark): Effect.Effect<number, StoreError> =>
  store.saveSnapshot({ name: movedSnapshot, version: VERSION, value: mark });

/** Why no daemon may use a store, and what to do; null when it may. */
export const unusableBecause = (mark: MoveMark | null): string | null => {
  switch (mark?.state) {
    case 'moved':
      return `this store was moved to ${mark.to} at ${new Date(mark.atMs).toISOString()}: use that one`;
    case 'incomplete':
      return `this store is a copy of ${mark.from} that was not finished: remove it, and copy again`;
    default:
      return null;
  }
};

/** Fails where no daemon may use the store. */
export const requireUsable = (store: StoreReader): Effect.Effect<void, StoreError> =>
  Effect.flatMap(readMark(store), (mark) => {
    const message = unusableBecause(mark);
    return message === null ? Effect.void : Effect.fail(new StoreInvalid({ message }));
  });
