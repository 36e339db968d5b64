import type { Outcome } from '../domain/outcome.ts';
import type { StoreCorrupt, StoreFenced, StoreFull, StoreInvalid, StoreUnavailable } from './errors.ts';
import type { StorePressure } from './health.ts';
import { sizeOf, type Write, type WriteResult } from './write.ts';

export type WriteError = StoreUnavailable | StoreFull | StoreCorrupt | StoreFenced | StoreInvalid;
export type WriteOutcome = Outcome<WriteResult, WriteError>;

/** A write whose caller waits. */
export type Waiting = {
  readonly write: Write;
  readonly rows: number;
  readonly bytes: number;
  /** Monotonic. */
  readonly sinceMs: number;
  /** Settles how it ended, once, and gives back how to tell the caller, who may hear of it a little later. */
  readonly decide: (outcome: WriteOutcome) => () => void;
  /** Decides and tells at once. */
  readonly answer: (outcome: WriteOutcome) => void;
  readonly isAnswered: () => boolean;
};

export type QueueBounds = {
  readonly groupRows: number;
  readonly maxPendingRows: number;
  readonly maxPendingBytes: number;
};

/** Writes in the order of their arrival, until they are answered. Answers each of them exactly once. */
export const openWriteQueue = ({ groupRows, maxPendingRows, maxPendingBytes }: QueueBounds) => {
  /** All without an answer, oldest first: in a commit or before it. */
  const pending = new Set<Waiting>();
  /** Those before their first commit. */
  const queue: Waiting[] = [];
  let pendingRows = 0;
  let pendingBytes = 0;
  let queuedRows = 0;

  const waitFor = (
    write: Write,
    { rows, bytes }: ReturnType<typeof sizeOf>,
    resolve: (outcome: WriteOutcome) => void,
  ): Waiting => {
    const waiting: Waiting = {
      write,
      rows,
      bytes,
      sinceMs: performance.now(),
      decide: (outcome) => {
        if (!pending.delete(waiting)) return () => {};
        pendingRows -= rows;
        pendingBytes -= bytes;
        return () => resolve(outcome);
      },
      answer: (outcome) => waiting.decide(outcome)(),
      isAnswered: () => !pending.has(waiting),
    };
    pending.add(waiting);
    pendingRows += rows;
    pendingBytes += bytes;
    return waiting;
  };

  return {
    /** The answer to come, or null where the bounds leave no room. */
    add: (write: Write): Promise<WriteOutcome> | null => {
      const size = sizeOf(write);
      if (pendingRows + size.rows > maxPendingRows || pendingBytes + size.bytes > maxPendingBytes)
        return null;
      return new Promise((resolve) => {
        queue.push(waitFor(write, size, resolve));
        queuedRows += size.rows;
      });
    },
    /** The head of the queue that goes into one commit: whole writes, until the group is full. */
    take: (): readonly Waiting[] => {
      let rows = 0;
      let count = 0;
      for (const { rows: more } of queue) {
        if (count > 0 && rows + more > groupRows) break;
        rows += more;
        count += 1;
      }
      queuedRows -= rows;
      return queue.splice(0, count).filter(({ isAnswered }) => !isAnswered());
    },
    hasQueued: (): boolean => queue.length > 0,
    queuedRows: (): number => queuedRows,
    pending: (): Iterable<Waiting> => pending,
    isEmpty: (): boolean => pending.size === 0,
    /** How long the oldest write has waited. */
    oldestAgeMs: (): number => {
      for (const { sinceMs } of pending) return performance.now() - sinceMs;
      return 0;
    },
    pressure: (): StorePressure => ({
      pendingRows,
      pendingBytes,
      share: Math.min(1, Math.max(pendingRows / maxPendingRows, pendingBytes / maxPendingBytes)),
    }),
  };
};

export type WriteQueue = ReturnType<typeof openWriteQueue>;
