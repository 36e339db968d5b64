import * as Effect from 'effect/Effect';
import type { EventObject } from 'xstate';

import type { Listener, MinerEvent } from '../machines/minerLife.ts';
import { type AdmissionRules, mayAsk } from '../machines/validatorSessions.ts';
import { type Arrival, listen } from '../transport/server.ts';
import type { LinkSettings } from '../transport/settings.ts';
import { Arrivals } from './arrivals.ts';
import { type ActorRuntime, fromScoped, type Link } from './bridge.ts';
import { CurrentChain } from './currentChain.ts';
import { CurrentListener } from './currentListener.ts';
import { linkClosed } from './linkClosed.ts';

export type ListenerSettings = Omit<LinkSettings, 'genesisHash' | 'role'> &
  AdmissionRules & { readonly host: string; readonly port: number };

/** Most sockets whose hotkey is not proven, the same of one address, most at all, and new ones of an address per minute. */
const bounds = {
  maxPending: 64,
  maxPendingPerAddress: 4,
  maxConnections: 320,
  maxPerAddressPerMinute: 120,
} as const;

/** Keeps an arrival until a session takes it or its socket is gone, whichever comes first. */
const remember = (arrivals: Map<string, Arrival>, arrival: Arrival): void => {
  arrivals.set(arrival.id, arrival);
  void arrival.gone.then(() => {
    if (arrivals.get(arrival.id) === arrival) arrivals.delete(arrival.id);
  });
};

const open = (settings: ListenerSettings) =>
  Effect.fn('listener.open')(function* (
    link: Link<{ readonly genesisHash: string }, EventObject, MinerEvent>,
  ) {
    const arrivals = yield* Arrivals;
    const chain = yield* CurrentChain;
    const counts = yield* CurrentListener;
    const listener = yield* listen({
      ...settings,
      ...bounds,
      genesisHash: link.input.genesisHash,
      role: 'miner',
      authorise: ({ hotkey }) => mayAsk(chain.subnet, hotkey, settings),
      onArrival: (arrival: Arrival) => {
        remember(arrivals, arrival);
        link.emit({ type: 'peer.arrived', arrival: arrival.id });
      },
    });
    counts.read = listener.counters;
    yield* Effect.addFinalizer(() => Effect.sync(() => arrivals.clear()));
    link.emit({ type: 'listener.bound', port: listener.port });
    return yield* Effect.never;
  });

/** The open port. It is released, and every link that came in with it, when the miner leaves the state. */
export const listener = (
  runtime: ActorRuntime<Arrivals | CurrentChain | CurrentListener>,
  settings: ListenerSettings,
): Listener =>
  fromScoped(runtime)(open(settings), (exit) => ({
    type: 'listener.closed' as const,
    failure: linkClosed(exit),
  }));
