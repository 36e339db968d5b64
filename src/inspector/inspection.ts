import type { AnyActorRef, InspectionEvent } from 'xstate';

import type { InspectionEntry, InspectionHello, InspectionSession } from '../domain/view/inspection.ts';
import type { Shown } from '../domain/view/shown.ts';
import type { Received } from './actorBook.ts';
import { createDelivery } from './delivery.ts';
import { createDoze } from './dozing.ts';
import { createEntryRing } from './entryRing.ts';
import { createFollower, type Unnumbered } from './follower.ts';

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
  /** Takes up a running root and the actors below it, of whose births nobody told. */
  readonly attach: (root: AnyActorRef) => void;
  /** All actors and the last entries, as of now. What subscribers get later is newer than this. */
  readonly hello: () => InspectionHello;
  /** Batches of new entries, at most 20 a second. Returns what ends it. */
  readonly subscribe: (onEntries: (entries: readonly InspectionEntry[]) => void) => () => void;
  readonly session: () => InspectionSession;
  /** What is held, for the metrics of the process; `failures` of the feed itself, none of which left it. */
  readonly sizes: () => { readonly living: number; readonly ended: number; readonly failures: number };
  readonly close: () => void;
};

const defaultCapacity = 5_000;

/**
 * The feed of the machines' screen: follows every actor of a system, redacts what it may show and holds the last
 * entries for whoever looks later.
 *
 * An observer runs inside of the system it observes, synchronously, and XState catches nothing of it: whatever happens
 * here stays here and is counted. While nobody subscribes, what happens is put aside unread; a `hello` walks the actors
 * that live and reads the last of what was put aside.
 */
export const createInspection = (options: InspectionOptions): Inspection => {
  const { role, shown, capacity = defaultCapacity, now = Date.now } = options;
  const ring = createEntryRing(capacity);
  const delivery = createDelivery(ring);
  const doze = createDoze();
  let failures = 0;
  let isClosed = false;
  let isWatched = false;
  /** When what is read now happened: one look at the clock for an event and all that it causes. */
  let happenedAt = 0;

  const received = new WeakMap<object, Received>();
  const receivedBy = (ref: object): Received => {
    const known = received.get(ref);
    if (known !== undefined) return known;
    const first = { events: 0 };
    received.set(ref, first);
    return first;
  };

  const note = (entry: Unnumbered): void => {
    entry.seq = ring.last() + 1;
    entry.at = happenedAt;
    ring.push(entry);
    delivery.noted();
  };
  const follower = createFollower({ shown, note, receivedBy });

  const safely = (act: () => void): void => {
    try {
      act();
    } catch {
      failures += 1;
    }
  };

  /** Reads up to the present. */
  const wake = (): void => {
    happenedAt = now();
    for (const root of doze.roots()) safely(() => follower.attach(root));
    for (const { inspected, at } of doze.take()) {
      happenedAt = at;
      safely(() => follower.seeLate(inspected));
    }
    happenedAt = now();
    safely(() => follower.sweep());
  };

  const observe = (inspected: InspectionEvent): void => {
    if (isClosed) return;
    try {
      const { type } = inspected;
      if (type === '@xstate.event') {
        happenedAt = now();
        if (inspected.event.type !== 'xstate.init') receivedBy(inspected.actorRef).events += 1;
      }
      if (!isWatched || type === '@xstate.actor') doze.see(inspected, happenedAt);
      else follower.see(inspected);
    } catch {
      failures += 1;
    }
  };

  const hello = (): InspectionHello => {
    if (!isClosed) wake();
    delivery.flush();
    return { actors: follower.book.views(), entries: ring.after(0), dropped: ring.evicted() };
  };

  return {
    observe,
    attach: (root) =>
      safely(() => {
        doze.addRoot(root);
        follower.attach(root);
      }),
    hello,
    subscribe: (onEntries) => {
      if (isClosed) return () => {};
      if (!isWatched) wake();
      isWatched = true;
      const unsubscribe = delivery.subscribe(onEntries);
      return () => {
        unsubscribe();
        isWatched = delivery.hasSubscribers();
      };
    },
    session: () => ({ format: 'miaoai.inspection', version: 1, role, exportedAt: now(), ...hello() }),
    sizes: () => ({ ...follower.book.sizes(), failures }),
    close: () => {
      isClosed = true;
      delivery.close();
    },
  };
};
