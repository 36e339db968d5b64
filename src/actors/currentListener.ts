import * as Context from 'effect/Context';
import * as Layer from 'effect/Layer';

import type { CounterName } from '../transport/counters.ts';

/** What the open port has counted since it was opened; null before it is opened for the first time. */
export type ListenerCounts = { read: (() => Readonly<Record<CounterName, number>>) | null };

export class CurrentListener extends Context.Service<CurrentListener, ListenerCounts>()(
  'actors/CurrentListener',
) {
  static readonly layer = Layer.sync(CurrentListener, (): ListenerCounts => ({ read: null }));
}
