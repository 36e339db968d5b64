import * as Effect from 'effect/Effect';
import type { EventObject } from 'xstate';

import type { Hotkey } from '../domain/ids.ts';
import type { SubnetSnapshot } from '../domain/metagraph.ts';
import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import type { Listener, MinerEvent } from '../machines/miner.machine.ts';
import { type Arrival, listen } from '../transport/server.ts';
import type { LinkSettings } from '../transport/settings.ts';
import { Arrivals } from './arrivals.ts';
import { type ActorRuntime, fromScoped, type Link } from './bridge.ts';
import { CurrentChain } from './currentChain.ts';
import { linkClosed } from './linkClosed.ts';

export type ListenerSettings = Omit<LinkSettings, 'genesisHash' | 'role'> & {
  readonly host: string;
  readonly port: number;
  /** Only validators with a permit are served; off serves every registered neuron. */
  readonly requirePermit: boolean;
  /** Stake weight in alpha below which a validator is not served. */
  readonly minValidatorStake: number;
};

/** Most sockets whose hotkey is not proven, most at all, and most new ones of one address per minute. */
const bounds = { maxPending: 64, maxConnections: 320, maxPerAddressPerMinute: 120 } as const;

export type AdmissionRules = Pick<ListenerSettings, 'requirePermit' | 'minValidatorStake'>;

/**
 * Whether a hotkey may ask this miner to work, by the newest metagraph. Looked up before any signature is checked, and
 * again with each batch of tasks.
 */
export const mayAsk = (
  subnet: SubnetSnapshot | null,
  hotkey: Hotkey,
  rules: AdmissionRules,
): Outcome<void, string> => {
  const neuron = subnet?.neurons.find((candidate) => candidate.hotkey === hotkey);
  if (neuron === undefined) return fail('not registered on this subnet');
  if (rules.requirePermit && !neuron.validatorPermit) return fail('no validator permit');
  if (neuron.stake < rules.minValidatorStake) return fail('stake below the minimum of this miner');
  return succeed(undefined);
};

/**
 * Makes room for one more arrival. No more sockets can be unproven than `maxPending`, so of that many untaken ones the
 * oldest has been cut, or is about to be; without this a full miner would remember every socket that ever came.
 */
const forgetOldest = (arrivals: Map<string, Arrival>): void => {
  const [oldest] = arrivals.values();
  if (oldest === undefined || arrivals.size < bounds.maxPending) return;
  arrivals.delete(oldest.id);
  oldest.refuse();
};

const open = (settings: ListenerSettings) =>
  Effect.fn('listener.open')(function* (
    link: Link<{ readonly genesisHash: string }, EventObject, MinerEvent>,
  ) {
    const arrivals = yield* Arrivals;
    const chain = yield* CurrentChain;
    const listener = yield* listen({
      ...settings,
      ...bounds,
      genesisHash: link.input.genesisHash,
      role: 'miner',
      authorise: ({ hotkey }) => mayAsk(chain.subnet, hotkey, settings),
      onArrival: (arrival: Arrival) => {
        forgetOldest(arrivals);
        arrivals.set(arrival.id, arrival);
        link.emit({ type: 'peer.arrived', arrival: arrival.id });
      },
    });
    yield* Effect.addFinalizer(() => Effect.sync(() => arrivals.clear()));
    link.emit({ type: 'listener.bound', port: listener.port });
    return yield* Effect.never;
  });

/** The open port. It is released, and every link that came in with it, when the miner leaves the state. */
export const listener = (
  runtime: ActorRuntime<Arrivals | CurrentChain>,
  settings: ListenerSettings,
): Listener =>
  fromScoped(runtime)(open(settings), (exit) => ({
    type: 'listener.closed' as const,
    failure: linkClosed(exit),
  }));
