import type * as Effect from 'effect/Effect';
import type * as Scope from 'effect/Scope';

import type { StoreOpenError } from './errors.ts';
import { EmbeddedStore } from './sqlite.ts';
import type { Store } from './store.ts';

/** Which store a daemon was told to use; a part of its settings. */
export type StoreChoice = { readonly store: 'embedded' };

export type OpenStoreOptions = {
  readonly settings: StoreChoice;
  /** The daemon's data folder. */
  readonly dir: string;
  /** Identity the contents belong to, e.g. `finney/86/5F3s…/validator`; another one's store is refused. */
  readonly owner: string;
  /** Whether several processes may have it open, because a lease decides which of them writes. */
  readonly shared: boolean;
};

/** Opens the store that the settings name. Closing the scope writes what was accepted. */
export const openConfiguredStore = ({
  dir,
  owner,
}: OpenStoreOptions): Effect.Effect<Store, StoreOpenError, Scope.Scope> => EmbeddedStore.open({ dir, owner });
