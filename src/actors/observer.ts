import type { AnyActorRef, InspectionEvent } from 'xstate';

import type { Logger } from '../logging.ts';

type Level = 'debug' | 'info' | 'warn' | 'error';

/** Facts worth a line of their own; everything else is a transition: of the root at info level, else at debug. */
const levels: Readonly<Record<string, Level>> = {
  'lease.standingBy': 'info',
  'lease.unreadable': 'warn',
  'lease.taken': 'info',
  'lease.uncertain': 'warn',
  'lease.sure': 'info',
  'lease.lost': 'error',
  'chain.opened': 'info',
  'chain.lost': 'warn',
  'chain.unreadable': 'warn',
  'chain.lagging': 'warn',
  'chain.preferred': 'info',
  'chain.forked': 'error',
  'chain.old': 'warn',
  'chain.upgraded': 'info',
  'round.ended': 'info',
  'requests.unbalanced': 'error',
  'rounds.recovering': 'warn',
  'rounds.held': 'warn',
  'rounds.freed': 'info',
  'tasks.held': 'warn',
  'tasks.freed': 'info',
  'store.troubled': 'error',
  'store.recovered': 'info',
  'resources.short': 'warn',
  'resources.ample': 'info',
  'clock.stepped': 'warn',
  'clock.behind': 'warn',
  'machine.slept': 'warn',
  'epoch.scored': 'info',
  'epoch.stalled': 'warn',
  'evidence.archived': 'info',
  'evidence.kept': 'warn',
  'weights.confirmed': 'info',
  'weights.foreign': 'warn',
  'weights.committed': 'info',
  'weights.revealed': 'info',
  'weights.superseded': 'info',
  'weights.unrevealed': 'error',
  'weights.behind': 'warn',
  'weights.alarmed': 'error',
  'weights.caughtUp': 'info',
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
  'metagraph.read': 'info',
  'metagraph.changed': 'info',
  'metagraph.detailed': 'debug',
  'hotkey.registered': 'info',
  'hotkey.unregistered': 'warn',
  'axon.refused': 'warn',
  'axon.replaced': 'warn',
  'axon.withdrawn': 'info',
  'axon.leftBehind': 'warn',
  'inference.ready': 'info',
  'inference.degraded': 'warn',
  'inference.workerExited': 'warn',
  'inference.failed': 'error',
  'listener.bound': 'info',
  'listener.closed': 'warn',
  'system.drain': 'info',
};

const sayings: Readonly<Record<string, string>> = {
  'lease.standingBy':
    'another validator of this hotkey writes; this one stands by and takes over when it falls silent',
  'lease.unreadable': 'the store does not say who writes; it is asked again',
  'lease.taken': 'this validator writes from now on',
  'lease.uncertain': 'the right to write could not be renewed in time; no new work until it is',
  'lease.sure': 'the right to write was renewed; work goes on',
  'lease.lost': 'another validator has taken over; this one ends and writes nothing more',
  'chain.opened': 'connected to a node',
  'chain.lost': 'the node is gone or silent; the next one is tried',
  'chain.lagging': 'the node is behind another one, which is used from now on',
  'chain.preferred': 'a node that stands earlier in the list is well again and is used from now on',
  'chain.forked': 'two nodes have different blocks at the same height: one of them is wrong, check both',
  'chain.old':
    'the newest block of the node is minutes old: it is catching up, or the clock of this machine is wrong',
  'chain.upgraded': 'the chain runs a new runtime; its metadata was read',
  'epoch.stalled': 'scoring failed and is tried again',
  'evidence.archived': 'old evidence was written into the archive and has left the store',
  'evidence.kept': 'old evidence cannot be archived; it stays in the store, and this is tried again',
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
  'weights.foreign':
    'another program has set weights with this hotkey; those of this validator are not sent in this epoch',
  'weights.committed': 'weights are on chain as a commit; the chain opens it in its reveal epoch',
  'weights.revealed': 'the chain has opened a commit: its weights are in force',
  'weights.superseded': 'newer weights of this hotkey are in force already',
  'weights.unrevealed': 'a commit was lost: the chain never put its weights into force',
  'weights.behind': 'at least one epoch went by without weights of this hotkey on chain',
  'weights.alarmed': 'three epochs or more went by without weights of this hotkey on chain',
  'weights.caughtUp': 'weights of this hotkey on chain are up to date again',
  'chain.unreadable': 'the metagraph cannot be read',
  'weights.overdue': 'an epoch is past its end, its weights are unconfirmed and the chain tells nothing new',
  'weights.missed': 'an epoch ended without confirmed weights',
  'weights.refused': 'weights were not accepted',
  'round.ended': 'round ended',
  'requests.unbalanced':
    'the requests of a round do not add up: a defect, report it with `miaoai audit` of this data folder',
  'rounds.recovering': 'most links were lost at once; no round is held until they are back',
  'rounds.held': 'no new round is held before what keeps from it is over; everything under way goes on',
  'rounds.freed': 'rounds are held again',
  'tasks.held': 'new tasks are refused as busy before what keeps from them is over; links stay',
  'tasks.freed': 'new tasks are taken again',
  'store.troubled': 'the store cannot write',
  'store.recovered': 'the store writes again',
  'resources.short': 'this process is about to run out of memory, descriptors or disk',
  'resources.ample': 'memory, descriptors and disk suffice again',
  'clock.behind': 'the clock of this machine is behind the time of the chain: set it (NTP)',
  'clock.stepped': 'the wall clock of this machine was set; nothing here depends on it',
  'machine.slept':
    'this process did not run for a while: a suspended machine, a stopped process, or overload',
  'epoch.scored': 'epoch scored',
  'session.revoked': 'a validator that may not ask any more was sent away',
  'session.failed': 'the actor of a session has a defect; the others go on',
  'metagraph.read': 'the metagraph was read for the first time',
  'metagraph.changed': 'the metagraph has changed since it was read last',
  'metagraph.detailed': 'what has changed in the metagraph',
  'hotkey.registered': 'this hotkey is registered on the subnet',
  'hotkey.unregistered':
    'this hotkey is not registered on the subnet: register it with `miaoai register`; work begins by itself then',
  'axon.refused': 'the address of this miner is not on chain: validators cannot find it',
  'axon.withdrawn': 'the address of this miner is off the chain',
  'axon.leftBehind':
    'the address of this miner could not be taken off the chain in time: validators go on dialling it',
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

/**
 * Weights that are not on chain yet are nobody's business: with commit-reveal they stay secret until their reveal. Of a
 * vector only its length is told, but where a commit was lost and its round is out.
 */
const withoutSecrets = (event: { readonly type: string; readonly vector?: unknown }): object => {
  const { vector, ...fields } = event;
  if (vector === undefined || event.type === 'weights.unrevealed') return event;
  const uids: unknown =
    typeof vector === 'object' && vector !== null && 'uids' in vector ? vector.uids : null;
  return { ...fields, weights: Array.isArray(uids) ? uids.length : 0 };
};

/** Every line names this daemon's own hotkey as `hotkey`; the other side of a link is the `peer`. */
const fieldsOf = (event: { readonly type: string; readonly hotkey?: unknown }): object => {
  const { type, hotkey, ...fields } = { hotkey: undefined, ...withoutSecrets(event), type: event.type };
  const peer = hotkey === undefined || type.startsWith('hotkey.') ? {} : { peer: hotkey };
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
  /** Of the root's transitions; info unless given. Those of a root that moves with each breath tell nobody anything. */
  readonly rootLevel?: 'info' | 'debug';
  /** Sees all that the system tells of itself, as it happens; for the inspector and the page. */
  readonly onInspection?: ((inspected: InspectionEvent) => void) | undefined;
};

/**
 * Sees every event and transition of the system and never steers it. XState calls it synchronously and does not catch:
 * an observer that throws would put the observed actor into its error state.
 */
export const createObserver = ({ log, onTransition, rootLevel = 'info', onInspection }: ObserverOptions) => {
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
      log[ref.sessionId === inspected.rootId ? rootLevel : 'debug'](
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
    if (onInspection === undefined) return;
    try {
      onInspection(inspected);
    } catch (error) {
      admit(error);
    }
  };
};
