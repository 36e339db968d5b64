import type { AnyActorRef, InspectionEvent } from 'xstate';

import type { Logger } from '../logging.ts';

type Level = 'debug' | 'info' | 'warn' | 'error';

/** Facts worth a line of their own; everything else is a transition: of the root at info level, else at debug. */
const levels: Readonly<Record<string, Level>> = {
  'chain.opened': 'info',
  'chain.lost': 'warn',
  'chain.unreadable': 'warn',
  'chain.lagging': 'warn',
  'chain.preferred': 'info',
  'chain.forked': 'error',
  'chain.upgraded': 'info',
  'round.ended': 'info',
  'rounds.recovering': 'warn',
  'epoch.scored': 'info',
  'epoch.stalled': 'warn',
  'weights.confirmed': 'info',
  'weights.refused': 'warn',
  'weights.missed': 'error',
  'weights.overdue': 'error',
  'session.ready': 'debug',
  'session.lost': 'debug',
  'validator.arrived': 'info',
  'validator.left': 'info',
  'session.revoked': 'warn',
  'session.replaced': 'info',
  'session.failed': 'error',
  'miner.unregistered': 'warn',
  'axon.refused': 'warn',
  'axon.replaced': 'warn',
  'inference.ready': 'info',
  'inference.degraded': 'warn',
  'inference.workerExited': 'warn',
  'inference.failed': 'error',
  'listener.bound': 'info',
  'listener.closed': 'warn',
  'system.drain': 'info',
};

const sayings: Readonly<Record<string, string>> = {
  'chain.opened': 'connected to a node',
  'chain.lost': 'the node is gone or silent; the next one is tried',
  'chain.lagging': 'the node is behind another one, which is used from now on',
  'chain.preferred': 'a node that stands earlier in the list is well again and is used from now on',
  'chain.forked': 'two nodes have different blocks at the same height: one of them is wrong, check both',
  'chain.upgraded': 'the chain runs a new runtime; its metadata was read',
  'epoch.stalled': 'scoring failed and is tried again',
  'session.ready': 'a miner can be asked',
  'session.lost': 'a miner cannot be reached',
  'session.replaced': 'a validator opened a newer link',
  'validator.arrived': 'a validator proved its hotkey',
  'validator.left': 'a validator left',
  'inference.ready': 'models are loaded',
  'inference.failed': 'no inference in this process any more',
  'listener.bound': 'the port is open',
  'listener.closed': 'the port could not be opened, or was lost',
  'system.drain': 'finishing what is under way',
  'weights.confirmed': 'weights are on chain',
  'chain.unreadable': 'the metagraph cannot be read',
  'weights.overdue': 'an epoch is past its end, its weights are unconfirmed and the chain tells nothing new',
  'weights.missed': 'an epoch ended without confirmed weights',
  'weights.refused': 'weights were not accepted',
  'round.ended': 'round ended',
  'rounds.recovering': 'most links were lost at once; no round is held until they are back',
  'epoch.scored': 'epoch scored',
  'session.revoked': 'a validator that may not ask any more was sent away',
  'session.failed': 'the actor of a session has a defect; the others go on',
  'miner.unregistered': 'this hotkey is not registered on the subnet: nobody will ask it, register it first',
  'axon.refused': 'the address of this miner is not on chain: validators cannot find it',
  'axon.replaced': 'the chain shows another address for this hotkey; ours is announced again',
  'inference.degraded': 'a worker runs on another provider than the first one',
  'inference.workerExited': 'a worker process ended',
};

/** A link that ended because code of this process threw: an error whatever the fact is. */
const isDefect = (event: object): boolean =>
  'failure' in event &&
  typeof event.failure === 'object' &&
  event.failure !== null &&
  '_tag' in event.failure &&
  event.failure._tag === 'Defect';

/** Every line names this daemon's own hotkey as `hotkey`; the other side of a link is the `peer`. */
const fieldsOf = (event: { readonly type: string; readonly hotkey?: unknown }): object => {
  const { type, hotkey, ...fields } = event;
  const peer = hotkey === undefined || type === 'miner.unregistered' ? {} : { peer: hotkey };
  return { event: type, ...peer, ...fields };
};

const report = (log: Logger, event: { readonly type: string }): void => {
  const usual = Object.hasOwn(levels, event.type) ? levels[event.type] : undefined;
  if (usual === undefined) return;
  const level = isDefect(event) ? 'error' : usual;
  log[level](fieldsOf(event), sayings[event.type] ?? event.type);
};

/** Last state of each actor, to tell a transition from an event that changed nothing. */
const stateOf = (snapshot: unknown): string | undefined => {
  if (typeof snapshot !== 'object' || snapshot === null || !('value' in snapshot)) return undefined;
  return describeState(snapshot.value);
};

/** `alive.running.validating`; the regions of a parallel state stand in brackets. */
const describeState = (value: unknown): string => {
  if (typeof value !== 'object' || value === null) return String(value);
  const parts = Object.entries(value).map(([key, inner]) => `${key}.${describeState(inner)}`);
  return parts.length === 1 ? (parts[0] ?? '') : `[${parts.join(' ')}]`;
};

export type ObserverOptions = {
  readonly log: Logger;
  /** Called after each transition of any actor, with that actor. */
  readonly onTransition: (ref: AnyActorRef) => void;
};

/**
 * Sees every event and transition of the system and never steers it. XState calls it synchronously and does not catch:
 * an observer that throws would put the observed actor into its error state.
 */
export const createObserver = ({ log, onTransition }: ObserverOptions) => {
  const values = new WeakMap<AnyActorRef, string>();

  const observe = (inspected: InspectionEvent): void => {
    // XState types the subject of an inspection more widely than what it ever is.
    const ref = inspected.actorRef as AnyActorRef;
    if (inspected.type === '@xstate.event') {
      if (ref.sessionId === inspected.rootId) report(log, inspected.event);
      return;
    }
    if (inspected.type !== '@xstate.snapshot') return;
    const value = stateOf(inspected.snapshot);
    if (value === undefined) return;
    const before = values.get(ref);
    if (before !== value) {
      values.set(ref, value);
      log[ref.sessionId === inspected.rootId ? 'info' : 'debug'](
        { event: 'machine.moved', actor: ref.id, from: before, to: value, by: inspected.event.type },
        'moved',
      );
    }
    onTransition(ref);
  };

  const admit = (error: unknown): void => {
    try {
      const fields = { event: 'observer.failed', error: String(error) };
      log.error(fields, 'the observer failed; the system goes on');
    } catch {
      // The log itself is what failed (a full disk, a closed pipe): nobody is left to be told.
    }
  };

  return (inspected: InspectionEvent): void => {
    try {
      observe(inspected);
    } catch (error) {
      admit(error);
    }
  };
};
