import type { AnyActorRef, InspectionEvent } from 'xstate';

import type { ActorView, InspectionEntry } from '../domain/view/inspection.ts';
import type { Shown } from '../domain/view/shown.ts';
import {
  type ActorBook,
  type ActorRecord,
  createActorBook,
  type EndStatus,
  noIds,
  present,
  type Received,
  recordFor,
  seeContext,
  seeStates,
} from './actorBook.ts';
import { type Charting, createChartings, isKnownEvent, machineSnapshot } from './charting.ts';
import { type ShownPath, shownOf, shownPaths } from './redaction.ts';

/** Of one macrostep; XState bounds its microsteps by itself, far higher than a reader can follow. */
const maxTransitions = 32;
/** Births between two looks for actors that ended without a word. */
const sweepEvery = 1_024;

/** An entry that gets its number and time when it is noted: one object, not two. */
type Open<Entry> = Entry extends InspectionEntry ? { -readonly [K in keyof Entry]: Entry[K] } : never;
export type Unnumbered = Open<InspectionEntry>;

type Follower = {
  readonly book: ActorBook;
  readonly note: (entry: Unnumbered) => void;
  readonly chartingOf: (ref: AnyActorRef) => Charting | null;
  readonly fields: ReadonlyMap<string, readonly ShownPath[]>;
  /** Machines take their first steps before they are started; one that never is leaves nothing behind here. */
  readonly unborn: WeakMap<AnyActorRef, ActorRecord>;
  readonly receivedBy: (ref: AnyActorRef) => Received;
  births: number;
  /** What is read now happened while nobody looked. */
  isLate: boolean;
};

type Inspected<Type extends InspectionEvent['type']> = Extract<InspectionEvent, { readonly type: Type }>;

const statusOf = (snapshot: unknown): ActorView['status'] => {
  const status =
    typeof snapshot === 'object' && snapshot !== null && 'status' in snapshot ? snapshot.status : null;
  return status === 'done' || status === 'error' || status === 'stopped' ? status : 'active';
};

const end = ({ book, note }: Follower, record: ActorRecord, status: EndStatus): void => {
  book.end(record, status);
  note({ seq: 0, at: 0, kind: 'ended', actor: record.ref.sessionId, status });
};

const sweep = (follower: Follower): void => {
  follower.births = 0;
  for (const [record, status] of follower.book.silentlyEnded()) end(follower, record, status);
};

/** An actor met for the first time; null for one that is over, to which something was sent all the same. */
const bear = (follower: Follower, ref: AnyActorRef, isBirth: boolean): ActorRecord | null => {
  const { book, unborn, chartingOf, receivedBy, note } = follower;
  const mayBeOver = isBirth || follower.isLate;
  if (book.isGone(ref) || (!mayBeOver && statusOf(ref.getSnapshot()) !== 'active')) return null;
  const record = unborn.get(ref) ?? recordFor(ref, chartingOf(ref), receivedBy(ref));
  if (!book.add(record)) return null;
  unborn.delete(ref);
  if (record.taken.length > 0) record.lastTransitions = record.taken;
  record.taken = noIds;
  note({ seq: 0, at: 0, kind: 'born', actor: present(record) });
  follower.births += 1;
  if (follower.births >= sweepEvery) sweep(follower);
  return record;
};

const follow = (follower: Follower, ref: AnyActorRef, type: string): ActorRecord | null =>
  follower.book.get(ref.sessionId) ?? bear(follower, ref, type === 'xstate.init');

const onEvent = (
  follower: Follower,
  ref: AnyActorRef,
  { event, sourceRef }: Inspected<'@xstate.event'>,
): void => {
  const { type } = event;
  const record = follow(follower, ref, type);
  if (type === 'xstate.init') return;
  if (record !== null) {
    follower.note({
      seq: 0,
      at: 0,
      kind: 'event',
      from: sourceRef?.sessionId ?? null,
      to: ref.sessionId,
      event: type,
      detail: shownOf(event, follower.fields.get(type)),
    });
  }
  // An actor whose code threw tells its parent and nobody else.
  if (sourceRef !== undefined && type.startsWith('xstate.error.actor.')) {
    const source = follower.book.get(sourceRef.sessionId);
    if (source !== undefined) end(follower, source, 'error');
  }
};

const onStep = (
  follower: Follower,
  ref: AnyActorRef,
  { event, snapshot, _transitions: transitions }: Inspected<'@xstate.microstep'>,
): void => {
  const { book, unborn, chartingOf, receivedBy } = follower;
  let record = book.get(ref.sessionId) ?? unborn.get(ref);
  if (record === undefined) {
    record = recordFor(ref, chartingOf(ref), receivedBy(ref));
    unborn.set(ref, record);
  }
  for (const transition of transitions) {
    const ids = record.charting?.transitions.get(transition);
    if (ids === undefined || record.taken.length >= maxTransitions) continue;
    record.taken = record.taken.length === 0 ? ids : [...record.taken, ...ids];
  }
  if (transitions.length > 0 || event.type.startsWith('xstate.')) return;
  const machine = machineSnapshot(snapshot);
  if (machine === null || machine.status !== 'active' || isKnownEvent(machine._nodes, event.type)) return;
  follower.note({ seq: 0, at: 0, kind: 'unknown', actor: ref.sessionId, event: event.type });
};

const onSnapshot = (
  follower: Follower,
  ref: AnyActorRef,
  { event, snapshot }: Inspected<'@xstate.snapshot'>,
): void => {
  const record = follow(follower, ref, event.type);
  if (record === null) return;
  const machine = machineSnapshot(snapshot);
  if (machine !== null) {
    const isElsewhere = seeStates(record, machine);
    const isOther = seeContext(record, machine);
    const transitions = record.taken;
    if (transitions.length > 0) {
      record.lastTransitions = transitions;
      record.taken = noIds;
    }
    if (isElsewhere || isOther || transitions.length > 0) {
      follower.note({
        seq: 0,
        at: 0,
        kind: 'moved',
        actor: ref.sessionId,
        by: event.type,
        transitions,
        states: record.states,
        context: isOther ? record.shown : null,
      });
    }
  }
  const status = statusOf(snapshot);
  if (status !== 'active') end(follower, record, status);
};

const see = (follower: Follower, inspected: InspectionEvent): void => {
  // XState types the subject of an inspection more widely than what it ever is.
  const ref = inspected.actorRef as AnyActorRef;
  if (inspected.type === '@xstate.event') onEvent(follower, ref, inspected);
  else if (inspected.type === '@xstate.microstep') onStep(follower, ref, inspected);
  else if (inspected.type === '@xstate.snapshot') onSnapshot(follower, ref, inspected);
};

/** Actors that are there already: taken up as they are, without a birth. */
const attach = (follower: Follower, ref: AnyActorRef): void => {
  const { book, unborn, chartingOf, receivedBy } = follower;
  const snapshot: unknown = ref.getSnapshot();
  if (book.get(ref.sessionId) === undefined) {
    if (statusOf(snapshot) !== 'active') return;
    const record = unborn.get(ref) ?? recordFor(ref, chartingOf(ref), receivedBy(ref));
    if (!book.add(record)) return;
    unborn.delete(ref);
    present(record);
  }
  for (const child of Object.values(machineSnapshot(snapshot)?.children ?? {})) attach(follower, child);
};

/**
 * Turns what XState tells of a system into entries and a book of its actors. Any of these may throw where an actor
 * misbehaves; whoever calls them catches.
 */
export const createFollower = (options: {
  readonly shown: Shown;
  readonly note: (entry: Unnumbered) => void;
  readonly receivedBy: (ref: AnyActorRef) => Received;
}) => {
  const { shown, note, receivedBy } = options;
  const follower: Follower = {
    book: createActorBook(),
    note,
    chartingOf: createChartings(shown.context),
    fields: new Map(Object.entries(shown.events).map(([type, paths]) => [type, shownPaths(paths)])),
    unborn: new WeakMap(),
    receivedBy,
    births: 0,
    isLate: false,
  };
  return {
    book: follower.book,
    see: (inspected: InspectionEvent) => see(follower, inspected),
    seeLate: (inspected: InspectionEvent) => {
      follower.isLate = true;
      try {
        see(follower, inspected);
      } finally {
        follower.isLate = false;
      }
    },
    attach: (root: AnyActorRef) => attach(follower, root),
    sweep: () => sweep(follower),
  };
};
