import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import { StoreFull, StoreUnavailable } from './errors.ts';
import type { Write, WriteResult } from './storeThread.ts';
import type { ThreadError, WorkerClient } from './workerClient.ts';

/** A commit is sent when this many rows wait ... */
const GROUP_ROWS = 256;
/** ... or the oldest has waited this long. Grouping is 27 to 370 times faster than one wait for the disk per row. */
const GROUP_PATIENCE_MS = 5;
/** Beyond these the disk does not keep up and callers are told so at once; about two rounds of 256 miners in bytes. */
const MAX_PENDING_ROWS = 16_384;
const MAX_PENDING_BYTES = 134_217_728;

/** Totals since the store was opened, for metrics; `pendingRows` is the current backlog. */
export type CommitCounters = {
  readonly rows: number;
  readonly commits: number;
  readonly pendingRows: number;
};

type WriteOutcome = Outcome<WriteResult, ThreadError>;
type Waiting = {
  readonly write: Write;
  readonly rows: number;
  readonly bytes: number;
  readonly answer: (outcome: WriteOutcome) => void;
};

const sizeOf = (write: Write): { readonly rows: number; readonly bytes: number } =>
  write.kind === 'snapshot'
    ? { rows: 1, bytes: write.text.length }
    : {
        rows: write.records.length,
        bytes: write.records.reduce((sum, { key, text }) => sum + text.length + (key?.length ?? 0), 0),
      };

const overflow = (): StoreFull =>
  new StoreFull({
    where: 'queue',
    message: 'more waits for the disk than the store holds in memory; slow down and try again',
  });

const closed = (): StoreUnavailable => new StoreUnavailable({ message: 'the store is closing' });

/** The head of the queue that goes into one commit: whole writes, until the group is full. */
const takeGroup = (queue: Waiting[]): readonly Waiting[] => {
  let rows = 0;
  let count = 0;
  for (const { rows: more } of queue) {
    if (count > 0 && rows + more > GROUP_ROWS) break;
    rows += more;
    count += 1;
  }
  return queue.splice(0, count);
};

/**
 * Collects writes of many callers into one transaction. At most one commit is on its way, so that what arrives
 * meanwhile forms the next group. Every submission is answered exactly once, after the disk has it.
 */
export const openGroupCommit = (worker: WorkerClient) => {
  const queue: Waiting[] = [];
  const totals = { rows: 0, commits: 0, pendingRows: 0, pendingBytes: 0 };
  let queuedRows = 0;
  let oldestAtMs = 0;
  let timer: NodeJS.Timeout | undefined;
  let committing: Promise<void> | null = null;
  let closing = false;

  const commitGroup = async (): Promise<void> => {
    const group = takeGroup(queue);
    for (const { rows } of group) queuedRows -= rows;
    oldestAtMs = performance.now();
    const outcome = await worker.ask(
      'commit',
      group.map(({ write }) => write),
    );
    totals.commits += 1;
    for (const [index, { rows, bytes, answer }] of group.entries()) {
      totals.pendingRows -= rows;
      totals.pendingBytes -= bytes;
      if (outcome.ok) totals.rows += rows;
      const result = outcome.ok ? outcome.value[index] : undefined;
      if (!outcome.ok) answer(outcome);
      else if (result === undefined)
        answer(fail(new StoreUnavailable({ message: 'the answer lacks a write' })));
      else answer(succeed(result));
    }
  };

  const schedule = (): void => {
    if (committing !== null || queue.length === 0) return;
    clearTimeout(timer);
    const waitMs =
      closing || queuedRows >= GROUP_ROWS ? 0 : oldestAtMs + GROUP_PATIENCE_MS - performance.now();
    if (waitMs > 0) {
      timer = setTimeout(schedule, waitMs);
      return;
    }
    committing = commitGroup().then(() => {
      committing = null;
      schedule();
    });
  };

  const allCommitted = async (): Promise<void> => {
    while (committing !== null) await committing;
  };

  return {
    submit: (write: Write): Promise<WriteOutcome> => {
      const { rows, bytes } = sizeOf(write);
      if (closing) return Promise.resolve(fail(closed()));
      if (totals.pendingRows + rows > MAX_PENDING_ROWS || totals.pendingBytes + bytes > MAX_PENDING_BYTES)
        return Promise.resolve(fail(overflow()));
      if (queue.length === 0) oldestAtMs = performance.now();
      totals.pendingRows += rows;
      totals.pendingBytes += bytes;
      queuedRows += rows;
      return new Promise((answer) => {
        queue.push({ write, rows, bytes, answer });
        schedule();
      });
    },
    /** Refuses what comes now; resolves when everything accepted before is answered, at most after `patienceMs`. */
    drain: async (patienceMs: number): Promise<void> => {
      closing = true;
      schedule();
      let late: NodeJS.Timeout | undefined;
      const patience = new Promise<void>((resolve) => {
        late = setTimeout(resolve, patienceMs);
      });
      await Promise.race([allCommitted(), patience]);
      clearTimeout(late);
    },
    counters: (): CommitCounters => ({
      rows: totals.rows,
      commits: totals.commits,
      pendingRows: totals.pendingRows,
    }),
  };
};

export type GroupCommit = ReturnType<typeof openGroupCommit>;
