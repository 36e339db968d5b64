import type { AnyActorRef, AnyStateNode } from 'xstate';

import type { ActorView } from '../domain/view/inspection.ts';
import {
  activeStates,
  type Charting,
  knownStates,
  type MachineSnapshot,
  machineSnapshot,
} from './charting.ts';
import { redacted, valueAt } from './redaction.ts';

/** Ended actors that a late viewer still sees. */
const maxEnded = 256;
/** Far above what a subnet of 256 neurons needs; a system that spawns without end is not followed without end. */
const maxLiving = 8_192;

export type EndStatus = Exclude<ActorView['status'], 'active'>;

/** A living actor. */
export type ActorRecord = {
  readonly ref: AnyActorRef;
  readonly charting: Charting | null;
  nodes: readonly AnyStateNode[] | null;
  states: readonly string[];
  lastTransitions: readonly string[];
  /** Of the macrostep under way. */
  taken: readonly string[];
  /** Context that was compared last, what stood at each allowed path of it, and the same as it is shown. */
  source: unknown;
  raw: readonly unknown[] | null;
  shown: Readonly<Record<string, unknown>>;
  readonly received: Received;
};

/** Counted whether anybody looks or not. */
export type Received = { events: number };

export const noIds: readonly string[] = Object.freeze([]);
const nothing: Readonly<Record<string, unknown>> = Object.freeze({});

export const recordFor = (ref: AnyActorRef, charting: Charting | null, received: Received): ActorRecord => ({
  ref,
  charting,
  nodes: null,
  states: noIds,
  lastTransitions: noIds,
  taken: noIds,
  source: undefined,
  raw: null,
  shown: nothing,
  received,
});

/** Takes the states over; whether they differ from those before. */
export const seeStates = (record: ActorRecord, { _nodes: nodes }: MachineSnapshot): boolean => {
  // XState makes a new list with each transition that changes anything.
  if (nodes === record.nodes) return false;
  const isFirst = record.nodes === null;
  const states = record.charting === null ? activeStates(nodes) : knownStates(record.charting, nodes);
  const isSame =
    states === record.states ||
    (states.length === record.states.length && states.every((id, index) => id === record.states[index]));
  record.nodes = nodes;
  if (!isSame) record.states = states;
  return isFirst || !isSame;
};

/** Takes the allowed parts of the context over; whether any of them differs from before. */
export const seeContext = (record: ActorRecord, { context }: MachineSnapshot): boolean => {
  if (record.charting === null || context === record.source) return false;
  record.source = context;
  const { paths } = record.charting;
  const before = record.raw;
  let isChanged = before === null;
  const raw = paths.map(({ keys }, index) => {
    const value = valueAt(context, keys);
    if (before !== null && !Object.is(value, before[index])) isChanged = true;
    return value;
  });
  if (!isChanged) return false;
  record.raw = raw;
  record.shown = renewed(record, before, raw);
  return true;
};

/** Only what has changed is copied again. */
const renewed = (
  { charting, shown }: ActorRecord,
  before: readonly unknown[] | null,
  raw: readonly unknown[],
): Readonly<Record<string, unknown>> => {
  const next: Record<string, unknown> = {};
  for (const [index, { name }] of (charting?.paths ?? []).entries()) {
    const isKept = before !== null && Object.is(before[index], raw[index]);
    const value = isKept ? shown[name] : redacted(raw[index]);
    if (value !== undefined) next[name] = value;
  }
  return next;
};

/** Not in the public type of a reference, and not there yet while the actor is made. */
const systemIdOf = (ref: AnyActorRef): string | null =>
  'systemId' in ref && typeof ref.systemId === 'string' ? ref.systemId : null;

const viewOf = (record: ActorRecord, status: ActorView['status']): ActorView => {
  const { ref, charting } = record;
  return {
    sessionId: ref.sessionId,
    id: ref.id,
    systemId: systemIdOf(ref),
    parent: ref._parent?.sessionId ?? null,
    chart: charting?.chart ?? null,
    status,
    states: record.states,
    lastTransitions: record.lastTransitions,
    context: record.shown,
    events: record.received.events,
  };
};

const look = (record: ActorRecord): ActorView['status'] => {
  const snapshot: unknown = record.ref.getSnapshot();
  const machine = machineSnapshot(snapshot);
  if (machine !== null) {
    seeStates(record, machine);
    seeContext(record, machine);
  }
  const status = valueAt(snapshot, ['status']);
  return status === 'done' || status === 'error' || status === 'stopped' ? status : 'active';
};

/** A record as it is now. */
export const present = (record: ActorRecord): ActorView => viewOf(record, look(record));

/** Who lives, and who has lived lately. */
export type ActorBook = {
  readonly get: (sessionId: string) => ActorRecord | undefined;
  /** false when there is no room for another. */
  readonly add: (record: ActorRecord) => boolean;
  readonly end: (record: ActorRecord, status: EndStatus) => void;
  /** Whether it has ended here: events may still be sent to it. */
  readonly isGone: (ref: AnyActorRef) => boolean;
  /** Actors that have ended without a word, which are those that failed as the root or were never started. */
  readonly silentlyEnded: () => readonly (readonly [ActorRecord, EndStatus])[];
  readonly views: () => readonly ActorView[];
  readonly sizes: () => { readonly living: number; readonly ended: number };
};

export const createActorBook = (): ActorBook => {
  const living = new Map<string, ActorRecord>();
  const ended = new Map<string, ActorView>();
  const gone = new WeakSet<AnyActorRef>();
  return {
    get: (sessionId) => living.get(sessionId),
    add: (record) => {
      if (living.size >= maxLiving) return false;
      living.set(record.ref.sessionId, record);
      return true;
    },
    end: (record, status) => {
      const { sessionId } = record.ref;
      if (!living.delete(sessionId)) return;
      gone.add(record.ref);
      look(record);
      ended.set(sessionId, viewOf(record, status));
      const [oldest] = ended.keys();
      if (ended.size > maxEnded && oldest !== undefined) ended.delete(oldest);
    },
    isGone: (ref) => gone.has(ref),
    silentlyEnded: () =>
      [...living.values()].flatMap((record) => {
        const status = look(record);
        return status === 'active' ? [] : [[record, status] as const];
      }),
    views: () => [...ended.values(), ...[...living.values()].map(present)],
    sizes: () => ({ living: living.size, ended: ended.size }),
  };
};
