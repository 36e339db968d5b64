import * as Context from 'effect/Context';
import * as Layer from 'effect/Layer';

import type { Arrival } from '../transport/server.ts';

/** Sockets that the listener announced and no session has taken yet, by id. The listener cuts what stays. */
export class Arrivals extends Context.Service<Arrivals, Map<string, Arrival>>()('actors/Arrivals') {
  static readonly layer = Layer.sync(Arrivals, () => new Map<string, Arrival>());
}
