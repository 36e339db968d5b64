import type { AnyActorRef, InspectionEvent } from 'xstate';

import type {
  ActorView,
  InspectionEntry,
  InspectionHello,
  InspectionSession,
} from '../domain/view/inspection.ts';
import type { Shown } from '../domain/view/shown.ts';
import {
  type ActorRecord,
  createActorBook,
  type EndStatus,
  present,
  recordFor,
  seeContext,
  seeStates,
} from './actorBook.ts';
import { createChartings, isKnownEvent, machineSnapshot } from './charting.ts';
import { createDelivery } from './delivery.ts';
import { createEntryRing } from './entryRing.ts';
import { type ShownPath, shownOf, shownPaths } from './redaction.ts';

export type InspectionOptions = {
  /** `validator`, `miner` or `writerLease`, as the exported session names it. */
  readonly role: string;
  /** What may leave the process. */
  readonly shown: Shown;
  /** Entries that are held; 5,000 unless given. */
  readonly capacity?: number;
  /** Wall clock in milliseconds. */
  readonly now?: () => number;
};

export type Inspection = {
  /** For `onInspection` of a system. Never throws. */
  readonly observe: (event: InspectionEvent) => void;
  /** Takes up the actors below a running root, whose births nobody told. */
  readonly attach: (root: AnyActorRef) => void;
  /** All actors and the last entries, as of now. What subscribers get later is newer than this. */
  readonly hello: () => InspectionHello;
  /** Batches of new entries, at most 20 a second. Returns what ends it. */
  readonly subscribe: (onEntries: (entries: readonly InspectionEntry[]) => void) => () => void;
  readonly session: () => InspectionSession;
  /** What is held, for the metrics of the process. */
  readonly sizes: () => { readonly living: number; readonly ended: number; readonly failures: number };
  readonly close: () => void;
};

const defaultCapacity = 5_000;
/** Of one macrostep; XState bounds its microsteps by itself, far higher than a reader can follow. */
const maxTransitions = 32;
/** Births between two looks for actors that ended without a word. */
const sweepEvery = 1_024;

/** An entry before it has its number. */
type Unnumbered = InspectionEntry extends infer Entry
  ? Entry extends InspectionEntry
    ? Omit<Entry, 'seq' | 'at'>
    : never
  : never;

const statusOf = (snapshot: unknown): ActorView['status'] => {
  const status =
    typeof snapshot === 'object' && snapshot !== null && 'status' in snapshot ? snapshot.status : null;
  return status === 'done' || status === 'error' || status === 'stopped' ? status : 'active';
};

/** The machinery behind `createInspection`; each function may throw where an actor of the system misbehaves. */
const createFollower = ({ shown, capacity = defaultCapacity, now = Date.now }: InspectionOptions) => {
  const ring = createEntryRing(capacity);
  const delivery = createDelivery(ring);
  const book = createActorBook();
  const chartingOf = createChartings(shown.context);
  const fields: ReadonlyMap<string, readonly ShownPath[]> = new Map(
    Object.entries(shown.events).map(([type, paths]) => [type, shownPaths(paths)]),
  );
  /** Machines take their first steps before they are started; one that never is leaves nothing behind here. */
  const unborn = new WeakMap<AnyActorRef, ActorRecord>();
  let births = 0;

  const note = (entry: Unnumbered): void => {
    ring.push({ seq: ring.last() + 1, at: now(), ...entry } as InspectionEntry);
    delivery.noted();
  };

  const end = (record: ActorRecord, status: EndStatus): void => {
    book.end(record, status);
    note({ kind: 'ended', actor: record.ref.sessionId, status });
  };

  const sweep = (): void => {
    births = 0;
    for (const [record, status] of book.silentlyEnded()) end(record, status);
  };

  const bear = (ref: AnyActorRef): ActorRecord | null => {
    const record = unborn.get(ref) ?? recordFor(ref, chartingOf(ref));
    if (statusOf(ref.getSnapshot()) === 'stopped' || !book.add(record)) return null;
    unborn.delete(ref);
    record.lastTransitions = record.taken;
    record.taken = [];
    note({ kind: 'born', actor: present(record) });
    births += 1;
    if (births >= sweepEvery) sweep();
    return record;
  };

  const follow = (ref: AnyActorRef): ActorRecord | null => book.get(ref.sessionId) ?? bear(ref);

  return { ring, delivery, book, chartingOf, fields, unborn, note, end, sweep, bear, follow };
};

type Follower = ReturnType<typeof createFollower>;
type Inspected<Type extends InspectionEvent['type']> = Extract<InspectionEvent, { readonly type: Type }>;

const onEvent = (
  follower: Follower,
  ref: AnyActorRef,
  { event, sourceRef }: Inspected<'@xstate.event'>,
): void => {
  const record = follower.follow(ref);
  const { type } = event;
  if (type === 'xstate.init') return;
  if (record !== null) {
    record.events += 1;
    const detail = shownOf(event, follower.fields.get(type));
    follower.note({
      kind: 'event',
      from: sourceRef?.sessionId ?? null,
      to: ref.sessionId,
      event: type,
      detail,
    });
  }
  // An actor whose code threw tells its parent and nobody else.
  if (sourceRef !== undefined && type.startsWith('xstate.error.actor.')) {
    const source = follower.book.get(sourceRef.sessionId);
    if (source !== undefined) follower.end(source, 'error');
  }
};

const onStep = (
  follower: Follower,
  ref: AnyActorRef,
  { event, snapshot, _transitions: transitions }: Inspected<'@xstate.microstep'>,
): void => {
  const { book, unborn, chartingOf } = follower;
  let record = book.get(ref.sessionId) ?? unborn.get(ref);
  if (record === undefined) {
    record = recordFor(ref, chartingOf(ref));
    unborn.set(ref, record);
  }
  const { charting, taken } = record;
  for (const transition of transitions) {
    const id = charting?.transitions.get(transition);
    if (id !== undefined && taken.length < maxTransitions) taken.push(id);
  }
  if (transitions.length > 0 || event.type.startsWith('xstate.')) return;
  const machine = machineSnapshot(snapshot);
  if (machine === null || machine.status !== 'active' || isKnownEvent(machine._nodes, event.type)) return;
  follower.note({ kind: 'unknown', actor: ref.sessionId, event: event.type });
};

const onSnapshot = (
  follower: Follower,
  ref: AnyActorRef,
  { event, snapshot }: Inspected<'@xstate.snapshot'>,
): void => {
  const record = follower.follow(ref);
  if (record === null) return;
  const machine = machineSnapshot(snapshot);
  if (machine !== null) {
    const isElsewhere = seeStates(record, machine);
    const isOther = seeContext(record, machine);
    const transitions = record.taken;
    if (transitions.length > 0) {
      record.lastTransitions = transitions;
      record.taken = [];
    }
    if (isElsewhere || isOther || transitions.length > 0) {
      follower.note({
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
  if (status !== 'active') follower.end(record, status);
};

const observed = (follower: Follower, inspected: InspectionEvent): void => {
  // XState types the subject of an inspection more widely than what it ever is.
  const ref = inspected.actorRef as AnyActorRef;
  if (inspected.type === '@xstate.event') onEvent(follower, ref, inspected);
  else if (inspected.type === '@xstate.microstep') onStep(follower, ref, inspected);
  else if (inspected.type === '@xstate.snapshot') onSnapshot(follower, ref, inspected);
};

const attached = (follower: Follower, ref: AnyActorRef): void => {
  if (follower.follow(ref) === null) return;
  const machine = machineSnapshot(ref.getSnapshot());
  for (const child of Object.values(machine?.children ?? {})) attached(follower, child);
};

/**
 * The feed of the machines' screen: follows every actor of a system, redacts what it may show and holds the last
 * entries for whoever looks later.
 *
 * An observer runs inside of the system it observes, synchronously, and XState catches nothing of it: whatever happens
 * here stays here and is counted. Without a subscriber there is no timer and nothing is delivered.
 */
export const createInspection = (options: InspectionOptions): Inspection => {
  const follower = createFollower(options);
  const { ring, delivery, book } = follower;
  const now = options.now ?? Date.now;
  let failures = 0;
  let isClosed = false;

  const safely = (act: () => void): void => {
    try {
      act();
    } catch {
      failures += 1;
    }
  };

  const hello = (): InspectionHello => {
    safely(() => follower.sweep());
    delivery.flush();
    return { actors: book.views(), entries: ring.after(0), dropped: ring.evicted() };
  };

  return {
    observe: (event) => {
      if (isClosed) return;
      try {
        observed(follower, event);
      } catch {
        failures += 1;
      }
    },
    attach: (root) => safely(() => attached(follower, root)),
    hello,
    subscribe: (onEntries) => (isClosed ? () => {} : delivery.subscribe(onEntries)),
    session: () => ({
      format: 'miaoai.inspection',
      version: 1,
      role: options.role,
      exportedAt: now(),
      ...hello(),
    }),
    sizes: () => ({ ...book.sizes(), failures }),
    close: () => {
      isClosed = true;
      delivery.close();
    },
  };
};
