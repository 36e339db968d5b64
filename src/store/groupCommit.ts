import { setImmediate as nextTurn } from 'node:timers/promises';

import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import { GROUP_ROWS, type Group, openCommitGroups } from './commitGroups.ts';
import { StoreCorrupt, StoreFenced, StoreFull, StoreInvalid, StoreUnavailable } from './errors.ts';
import type { StoreHealth, StorePressure, StoreTrouble } from './health.ts';
import { openVitals } from './vitals.ts';
import type { Fence, Write, WriteResult } from './write.ts';
import { openWriteQueue, type Waiting, type WriteError, type WriteOutcome } from './writeQueue.ts';

/** Beyond these the disk does not keep up and callers are told so at once; about two rounds of 256 miners in bytes. */
const MAX_PENDING_ROWS = 16_384;
const MAX_PENDING_BYTES = 134_217_728;
/** How long a write waits for a store in trouble. */
const PATIENCE_MS = 60_000;
/** A store whose writes wait longer than this is slow; so is one whose queue is fuller than half. */
const SLOW_MS = 2_000;
const SLOW_SHARE = 0.5;
/** Each caller goes on at once when it is answered; after so many of them sockets and timers get their turn. */
const ANSWERS_PER_TURN = 32;
/** How often waiting writes are looked over. */
const SWEEP_MS = 250;

/** Why a commit did not succeed. */
export type CommitFailure =
  /** May pass: the writes wait and are tried again. `isUnknown`: they may have been written, the answer is missing. */
  | {
      readonly kind: 'trouble';
      readonly trouble: StoreTrouble;
      readonly message: string;
      readonly isUnknown: boolean;
    }
  /** The lease is another's: nothing was written, and nothing will be any more. */
  | { readonly kind: 'fenced'; readonly lease: string; readonly message: string }
  /** Some write can never be stored; nothing was written. Each is then tried alone, so that only that one fails. */
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'corrupt'; readonly message: string }
  /** The backend is gone for good. */
  | { readonly kind: 'ended'; readonly message: string };

export type CommitAttempt = {
  /** Names the writes of a commit within this handle: the same id always comes with the same writes. */
  readonly id: number;
  /** Counts from 1. Later ones follow an attempt that failed with a trouble. */
  readonly attempt: number;
  /** Under which lease the commit holds; null: none. */
  readonly fence: Fence | null;
};

/** Writes all or nothing, durably, and answers one result per write, in order. Always resolves. */
export type CommitBackend = (
  writes: readonly Write[],
  attempt: CommitAttempt,
) => Promise<Outcome<readonly WriteResult[], CommitFailure>>;

export type GroupCommitOptions = {
  readonly patienceMs?: number;
  readonly maxPendingRows?: number;
  readonly maxPendingBytes?: number;
};

/** Totals since the store was opened, for metrics; `pendingRows` is the current backlog. */
export type CommitCounters = {
  readonly rows: number;
  readonly commits: number;
  readonly pendingRows: number;
};

const overflow = (): StoreFull =>
  new StoreFull({
    where: 'queue',
    message: 'more waits for the disk than the store holds in memory; slow down and try again',
  });

const closed = (): StoreUnavailable => new StoreUnavailable({ message: 'the store is closing' });

const answerAll = (members: Iterable<Waiting>, error: WriteError): void => {
  for (const { answer } of [...members]) answer(fail(error));
};

const outcomeOf = (result: WriteResult | undefined): WriteOutcome => {
  if (result === undefined) return fail(new StoreUnavailable({ message: 'the answer lacks a write' }));
  if (result.kind === 'refused') return fail(new StoreInvalid({ message: result.message }));
  return succeed(result);
};

const tellEach = async (tells: readonly (() => void)[]): Promise<void> => {
  for (const [index, tell] of tells.entries()) {
    if (index > 0 && index % ANSWERS_PER_TURN === 0) await nextTurn();
    tell();
  }
};

/** What a write is told whose patience is over. `isUnknown`: it may have been written nevertheless. */
const impatience = (health: StoreHealth, patienceMs: number, isUnknown: boolean): WriteError => {
  const reason = health.isWell ? 'the store does not answer' : health.message;
  const message = `not written within ${patienceMs} ms: ${reason}`;
  return !isUnknown && !health.isWell && health.trouble === 'full'
    ? new StoreFull({ where: 'disk', message })
    : new StoreUnavailable({ message });
};

/**
 * Collects writes of many callers into one transaction. At most one commit is on its way, so that what arrives
 * meanwhile forms the next group. A commit that meets a trouble is held and tried again, in order, while callers have
 * patience. Every submission is answered exactly once, after the disk or server has it.
 */
export const openGroupCommit = (commit: CommitBackend, options: GroupCommitOptions = {}) => {
  const patienceMs = options.patienceMs ?? PATIENCE_MS;
  const queue = openWriteQueue({
    groupRows: GROUP_ROWS,
    maxPendingRows: options.maxPendingRows ?? MAX_PENDING_ROWS,
    maxPendingBytes: options.maxPendingBytes ?? MAX_PENDING_BYTES,
  });
  const vitals = openVitals();
  const totals = { rows: 0, commits: 0 };
  const groups = openCommitGroups(queue);
  let inFlight: Group | null = null;
  /** Callers of a group are told one after the other, while the next one is committed. */
  let answering = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let sweeper: NodeJS.Timeout | undefined;
  let isClosing = false;
  let fence: Fence | null = null;
  let fenced: StoreFenced | null = null;
  let whenIdle: (() => void) | null = null;

  const isSlow = (): boolean => queue.oldestAgeMs() > SLOW_MS || queue.pressure().share > SLOW_SHARE;
  const noteSlowness = (): void => {
    if (vitals.health().isWell && isSlow())
      vitals.unwell('slow', `the oldest write has waited ${Math.round(queue.oldestAgeMs())} ms`);
  };

  const settle = (
    group: Group,
    outcome: Awaited<ReturnType<CommitBackend>>,
    usedFence: Fence | null,
  ): void => {
    totals.commits += 1;
    if (outcome.ok) {
      for (const { rows } of group.members) totals.rows += rows;
      // Decided at once, so that nothing that happens to the next commit can change it.
      const tells = group.members.map(({ decide }, index) => decide(outcomeOf(outcome.value[index])));
      answering = answering.then(() => tellEach(tells));
      if (!isSlow()) vitals.well();
      return;
    }
    const failure = outcome.error;
    switch (failure.kind) {
      case 'trouble':
        vitals.unwell(failure.trouble, failure.message);
        groups.hold(group, failure.isUnknown);
        return;
      case 'fenced':
        // Under a lease that was taken again meanwhile, what came later may still be written.
        if (fence === usedFence) fenced = new StoreFenced(failure);
        answerAll(fenced === null ? group.members : queue.pending(), new StoreFenced(failure));
        return;
      case 'refused':
        if (group.members.length === 1) answerAll(group.members, new StoreInvalid(failure));
        else groups.takeApart(group);
        return;
      case 'corrupt':
        vitals.broken(failure.message);
        answerAll(group.members, new StoreCorrupt(failure));
        return;
      case 'ended':
        vitals.broken(`${failure.message}; start the daemon again`);
        answerAll(group.members, new StoreUnavailable(failure));
    }
  };

  const schedule = (): void => {
    if (inFlight !== null) return;
    clearTimeout(timer);
    const dueInMs = groups.dueInMs(isClosing);
    if (dueInMs !== null && dueInMs > 0) {
      timer = setTimeout(schedule, dueInMs);
      return;
    }
    const group = groups.next();
    if (group !== null) send(group);
    else if (queue.isEmpty() && whenIdle !== null) void answering.then(whenIdle);
  };

  const send = (group: Group): void => {
    group.attempt += 1;
    inFlight = group;
    const { id, attempt, members } = group;
    const usedFence = fence;
    void commit(
      members.map(({ write }) => write),
      { id, attempt, fence: usedFence },
    )
      .catch((cause: unknown) => fail<CommitFailure>({ kind: 'ended', message: String(cause) }))
      .then((outcome) => {
        inFlight = null;
        settle(group, outcome, usedFence);
        schedule();
      });
  };

  /** Ends the waiting of those without patience; a store without work that was in trouble is asked how it is. */
  const sweep = (): void => {
    const now = performance.now();
    const unknown = new Set([...(inFlight?.members ?? []), ...groups.unknown()]);
    for (const waiting of [...queue.pending()]) {
      if (now - waiting.sinceMs < patienceMs) break;
      waiting.answer(fail(impatience(vitals.health(), patienceMs, unknown.has(waiting))));
    }
    noteSlowness();
    if (!queue.isEmpty()) return;
    if (vitals.health().isWell || fenced !== null || isClosing) stopSweeping();
    else if (inFlight === null && !groups.isPausing()) {
      groups.pauseLongest();
      void submit({ kind: 'probe' });
    }
  };
  const stopSweeping = (): void => {
    clearInterval(sweeper);
    sweeper = undefined;
  };

  const submit = (write: Write): Promise<WriteOutcome> => {
    if (isClosing) return Promise.resolve(fail(closed()));
    if (fenced !== null) return Promise.resolve(fail(fenced));
    const wasQueued = queue.hasQueued();
    const answer = queue.add(write);
    if (answer === null) {
      noteSlowness();
      return Promise.resolve(fail(overflow()));
    }
    if (!wasQueued) groups.begins();
    sweeper ??= setInterval(sweep, SWEEP_MS).unref();
    schedule();
    return answer;
  };

  return {
    submit,
    /** Refuses what comes now; resolves when everything accepted before is answered, at most after `patienceMs`. */
    drain: async (drainPatienceMs: number): Promise<void> => {
      isClosing = true;
      const { promise, resolve } = Promise.withResolvers<void>();
      whenIdle = resolve;
      schedule();
      const late = setTimeout(resolve, drainPatienceMs);
      await promise;
      clearTimeout(late);
      clearTimeout(timer);
      stopSweeping();
      groups.clear();
      answerAll(queue.pending(), closed());
    },
    /** From now on commits hold only under this lease. */
    fence: (next: Fence): void => {
      fence = next;
      fenced = null;
    },
    currentFence: (): Fence | null => fence,
    /** For a backend that sees a trouble outside of a commit, such as a lost connection. */
    reportTrouble: (trouble: StoreTrouble, message: string): void => {
      vitals.unwell(trouble, message);
      if (!isClosing) sweeper ??= setInterval(sweep, SWEEP_MS).unref();
    },
    /** Ends a pause between two attempts. */
    retryNow: (): void => {
      groups.endPause();
      schedule();
    },
    /** For a backend that sees that it is back: what is held is tried at once, or else something of no meaning. */
    reportBack: (): void => {
      groups.endPause();
      if (queue.isEmpty() && !vitals.health().isWell) void submit({ kind: 'probe' });
      else schedule();
    },
    health: vitals.health,
    onHealth: vitals.onHealth,
    pressure: (): StorePressure => queue.pressure(),
    counters: (): CommitCounters => ({ ...totals, pendingRows: queue.pressure().pendingRows }),
  };
};

export type GroupCommit = ReturnType<typeof openGroupCommit>;
