import * as Context from 'effect/Context';
import type * as Effect from 'effect/Effect';

import type { StoreHealth, StoreTrouble } from '../domain/storeHealth.ts';
import type { StoreError } from './errors.ts';

export type { StoreHealth, StoreTrouble };

/** What waits to be written. */
export type StorePressure = {
  readonly pendingRows: number;
  readonly pendingBytes: number;
  /** Fullness of the queue in [0, 1]; at 1 writes are refused with `StoreFull`. */
  readonly share: number;
};

/**
 * While a store is in trouble its writes wait, in order and within the bounds of the queue, and are tried again until
 * they succeed or their patience is over. Nothing that was acknowledged depends on them.
 */
export interface StoreVitals {
  readonly health: () => StoreHealth;
  /** Hears of each change of health, never within the call that causes it; returns how to stop hearing. */
  readonly onHealth: (listener: (health: StoreHealth) => void) => () => void;
  readonly pressure: () => StorePressure;
  /** Writes something of no meaning and waits for it, at most a few seconds: the health afterwards is fresh. */
  readonly probe: Effect.Effect<void, StoreError>;
}

/** How the store of this process is, whichever kind it is. */
export class StoreVitalsService extends Context.Service<StoreVitalsService, StoreVitals>()('store/Vitals') {}
