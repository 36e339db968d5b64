import type { Waiting, WriteQueue } from './writeQueue.ts';

/** A commit is sent when this many rows wait ... */
export const GROUP_ROWS = 256;
/** ... or the oldest has waited this long. Grouping is 27 to 370 times faster than one wait for the disk per row. */
const GROUP_PATIENCE_MS = 5;
/** Pauses between attempts at a commit that met a trouble: doubling between these. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

/** Writes that are committed together. */
export type Group = {
  /** The same id always comes with the same members. */
  readonly id: number;
  /** Attempts so far. */
  attempt: number;
  readonly members: readonly Waiting[];
  /** An attempt may have been written: the members stay together, so that the backend can recognise them by `id`. */
  isUnknown: boolean;
};

/** Which writes are committed next, and when: what is held or was taken apart comes before the queue. */
export const openCommitGroups = (queue: WriteQueue) => {
  const ahead: Group[] = [];
  let lastId = 0;
  /** Since when the oldest of the queue waits for its group, and until when held groups rest; monotonic. */
  let queuedAtMs = 0;
  let pauseUntilMs = 0;

  const groupOf = (members: readonly Waiting[]): Group => {
    lastId += 1;
    return { id: lastId, attempt: 0, members, isUnknown: false };
  };

  /** Of a held group, what somebody still waits for. */
  const stillOpen = (held: Group): Group | null => {
    const open = held.members.filter(({ isAnswered }) => !isAnswered());
    if (open.length === 0) return null;
    if (held.isUnknown || open.length === held.members.length) return held;
    return { ...groupOf(open), attempt: held.attempt };
  };

  return {
    /** The next group with somebody waiting, or null. */
    next: (): Group | null => {
      for (let held = ahead.shift(); held !== undefined; held = ahead.shift()) {
        const group = stillOpen(held);
        if (group !== null) return group;
      }
      while (queue.hasQueued()) {
        const members = queue.take();
        queuedAtMs = performance.now();
        if (members.length > 0) return groupOf(members);
      }
      return null;
    },
    /** Milliseconds until the next group is due, which may be past; null where there is none. */
    dueInMs: (isHurried: boolean): number | null => {
      const now = performance.now();
      if (ahead.length > 0) return pauseUntilMs - now;
      if (!queue.hasQueued()) return null;
      return isHurried || queue.queuedRows() >= GROUP_ROWS ? 0 : queuedAtMs + GROUP_PATIENCE_MS - now;
    },
    /** The first write of a group is queued. */
    begins: (): void => {
      queuedAtMs = performance.now();
    },
    /** Met a trouble: tried again, as the first one, after a pause. */
    hold: (group: Group, isUnknown: boolean): void => {
      group.isUnknown ||= isUnknown;
      const pauseMs = FIRST_PAUSE_MS * 2 ** Math.min(10, group.attempt - 1);
      pauseUntilMs = performance.now() + Math.min(LONGEST_PAUSE_MS, pauseMs);
      ahead.unshift(group);
    },
    /** Some member can never be stored: each is tried alone. */
    takeApart: (group: Group): void => void ahead.unshift(...group.members.map((one) => groupOf([one]))),
    /** Members of held groups that may have been written. */
    unknown: (): readonly Waiting[] => ahead.flatMap(({ isUnknown, members }) => (isUnknown ? members : [])),
    isPausing: (): boolean => performance.now() < pauseUntilMs,
    pauseLongest: (): void => {
      pauseUntilMs = performance.now() + LONGEST_PAUSE_MS;
    },
    endPause: (): void => {
      pauseUntilMs = 0;
    },
    clear: (): void => {
      ahead.length = 0;
    },
  };
};
