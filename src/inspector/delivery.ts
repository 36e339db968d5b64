import type { InspectionEntry } from '../domain/view/inspection.ts';
import type { EntryRing } from './entryRing.ts';

/** At most 20 calls a second: a page paints no faster than it can be read. */
const everyMs = 50;

type OnEntries = (entries: readonly InspectionEntry[]) => void;
type Subscriber = { readonly onEntries: OnEntries; delivered: number };

export type Delivery = {
  /** Called after each entry; arms a timer only while somebody subscribes. */
  readonly noted: () => void;
  readonly flush: () => void;
  readonly subscribe: (onEntries: OnEntries) => () => void;
  readonly hasSubscribers: () => boolean;
  readonly close: () => void;
};

/** Hands new entries to subscribers in batches. One that throws is heard no more than any other: not at all. */
export const createDelivery = (ring: EntryRing): Delivery => {
  const subscribers = new Set<Subscriber>();
  let timer: NodeJS.Timeout | null = null;

  const deliver = (subscriber: Subscriber): void => {
    const entries = ring.after(subscriber.delivered);
    subscriber.delivered = ring.last();
    if (entries.length === 0) return;
    try {
      subscriber.onEntries(entries);
    } catch {
      // A closed socket or a defect of the viewer: the next batch is tried again, the system goes on.
    }
  };

  const flush = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    for (const subscriber of subscribers) deliver(subscriber);
  };

  return {
    noted: () => {
      if (timer === null && subscribers.size > 0) timer = setTimeout(flush, everyMs).unref();
    },
    flush,
    subscribe: (onEntries) => {
      const subscriber = { onEntries, delivered: ring.last() };
      subscribers.add(subscriber);
      return () => {
        subscribers.delete(subscriber);
      };
    },
    hasSubscribers: () => subscribers.size > 0,
    close: () => {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      subscribers.clear();
    },
  };
};
