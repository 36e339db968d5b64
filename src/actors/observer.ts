import type { AnyActorRef, InspectionEvent } from 'xstate';

import type { Logger } from '../logging.ts';

type Level = 'debug' | 'info' | 'warn' | 'error';

/** Facts worth a line of their own; everything else is a transition: of the root at info level, else at debug. */
const levels: Readonly<Record<string, Level>> = {
  'chain.opened': 'info',
  'chain.lost': 'warn',
  'round.ended': 'info',
  'rounds.recovering': 'warn',
  'epoch.scored': 'info',
  'epoch.stalled': 'warn',
  'weights.confirmed': 'info',
  'weights.refused': 'warn',
  'weights.missed': 'error',
  'session.ready': 'debug',
  'session.lost': 'debug',
  'validator.arrived': 'info',
  'validator.left': 'info',
  'inference.ready': 'info',
  'inference.degraded': 'warn',
  'inference.workerExited': 'warn',
  'inference.failed': 'error',
  'listener.bound': 'info',
  'listener.closed': 'warn',
  'system.drain': 'info',
};

const sayings: Readonly<Record<string, string>> = {
  'weights.confirmed': 'weights are on chain',
  'weights.missed': 'an epoch ended without confirmed weights',
  'weights.refused': 'weights were not accepted',
  'round.ended': 'round ended',
  'rounds.recovering': 'most links were lost at once; no round is held until they are back',
  'epoch.scored': 'epoch scored',
  'inference.degraded': 'a worker runs on another provider than the first one',
  'inference.workerExited': 'a worker process ended',
};

const report = (log: Logger, event: { readonly type: string }): void => {
  const level = Object.hasOwn(levels, event.type) ? levels[event.type] : undefined;
  if (level === undefined) return;
  const { type, ...fields } = event;
  log[level]({ event: type, ...fields }, sayings[type] ?? type);
};

/** Last state of each actor, to tell a transition from an event that changed nothing. */
const stateOf = (snapshot: unknown): string | undefined => {
  if (typeof snapshot !== 'object' || snapshot === null || !('value' in snapshot)) return undefined;
  return JSON.stringify(snapshot.value);
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
