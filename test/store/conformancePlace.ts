import * as Effect from 'effect/Effect';
import type * as Scope from 'effect/Scope';

import type { StoreOpenError } from '#src/store/errors.ts';
import type { Json, StoreHandle } from '#src/store/store.ts';

/** Where one store is kept. Each opening of a place opens the same store, also while it is open already. */
export type Place = {
  readonly open: (options?: {
    readonly owner?: string;
  }) => Effect.Effect<StoreHandle, StoreOpenError, Scope.Scope>;
  /** Puts text that does not parse in place of a stored value, behind the store's back. */
  readonly corrupt: (
    what:
      | { readonly kind: 'record'; readonly log: string; readonly seq: number }
      | { readonly kind: 'snapshot'; readonly name: string },
  ) => Promise<void>;
  /** Makes the store look as if a newer release had written it. */
  readonly makeNewer: () => Promise<void>;
};

/** A store to be tested: `place` gives an empty place of its own. */
export type StoreUnderTest = { readonly name: string; readonly place: () => Promise<Place> };

export const usingStore = <A, E>(
  place: Place,
  use: (store: StoreHandle) => Effect.Effect<A, E, Scope.Scope>,
): Promise<A> => Effect.runPromise(Effect.scoped(Effect.flatMap(place.open(), use)));

export const valuesOf = (records: readonly { readonly value: Json }[]): readonly Json[] =>
  records.map(({ value }) => value);

export const tagOf = <A, E extends { readonly _tag: string }>(effect: Effect.Effect<A, E, Scope.Scope>) =>
  Effect.map(Effect.flip(effect), ({ _tag }) => _tag);
