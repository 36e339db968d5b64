import * as Cause from 'effect/Cause';
import * as Effect from 'effect/Effect';

import type { EvidenceRecord, RoundPlanned, RoundSettled } from '../domain/evidence.ts';
import type { StoreFailure } from '../domain/failures.ts';
import {
  hasReply,
  imbalanceOf,
  noOutcomes,
  pairKeyOf,
  pairsOf,
  type RequestImbalance,
  type RoundAccount,
} from '../domain/requestAccount.ts';
import type { AnswerOutcome } from '../domain/task.ts';
import type { StoreService } from '../store/store.ts';
import { type CohortLedger, createLedger, type Pair } from './cohortLedger.ts';
import { appendEvidence, lastEvidenceSeq, readEvidence } from './evidenceLog.ts';
import type { MinerLinkTable } from './minerLinks.ts';
import { requestId } from './requestIds.ts';
import { type Decisions, RoundBook, type RoundBookState, type UnfinishedRound } from './roundBook.ts';

/**
 * Rounds without an end. One that was planned a few minutes ago is held again: its requests have the ids they had, so
 * that answers which wait at miners count, and what stays open at its end is lost. An older one is settled at once.
 */

/** Answers are as fresh as their tasks are unknown to others; a miner keeps none for longer than a deadline anyway. */
const takenUpWithinMs = 300_000;
/** A round that breaks off this often is closed, not asked again. */
const maxAttempts = 3;
/** A round that cannot even be closed is left to the next start, which reads it from the log. */
const maxClosings = 10;
/** Verdicts of one append. */
const batchRecords = 1_000;

/**
 * Whether asking again is worth it. By the wall clock, because the process that planned it may be gone: a clock that was
 * set makes a round lost, never wrong.
 */
export const isWorthAsking = ({ plan, attempts }: UnfinishedRound, nowMs: number): boolean =>
  plan.requestKey !== undefined &&
  attempts < maxAttempts &&
  plan.at <= nowMs &&
  nowMs - plan.at <= takenUpWithinMs;

const pairsIn = (plan: RoundPlanned): readonly Pair[] =>
  plan.cohort.flatMap((member) => plan.tasks.map((task) => ({ task, member })));

/** Makes the link actors know the requests of a round: what is on record is acknowledged again. */
export const knowRequests = (given: {
  readonly table: MinerLinkTable;
  readonly plan: RoundPlanned;
  readonly decided: Decisions;
  /** Whether what has no outcome yet will be asked again. */
  readonly isExpected: boolean;
}): void => {
  const { table, plan, decided, isExpected } = given;
  const { requestKey } = plan;
  if (requestKey === undefined) return;
  for (const { task, member } of pairsIn(plan)) {
    const outcome = decided.get(pairKeyOf(task.taskId, member.hotkey));
    const id = requestId(requestKey, task.taskId, member.hotkey);
    if (outcome !== undefined && hasReply(outcome)) table.known.record(id, member.hotkey);
    else if (outcome === undefined && isExpected) table.known.expect(id, member.hotkey);
    else table.known.forget(id);
  }
};

const nothingDecided: Decisions = new Map();

/** Puts a round that broke off back, to be taken up before a new one is drawn. */
export const keepUnfinished = (given: {
  readonly book: RoundBookState;
  readonly table: MinerLinkTable;
  readonly plan: RoundPlanned;
  readonly attempts: number;
}): void => {
  const { book, table, plan, attempts } = given;
  const isKept = attempts < maxClosings;
  if (isKept) book.unfinished.set(plan.roundId, { plan, attempts });
  else book.leftToNextStart += 1;
  // What is on record of it is known only once it is read again; until then nothing is forgotten that a miner holds.
  knowRequests({ table, plan, decided: nothingDecided, isExpected: isKept });
};

export type RoundTrace = {
  readonly accept: (record: EvidenceRecord) => void;
  readonly isEnded: () => boolean;
  /** Of planned pairs only. */
  readonly decided: () => Decisions;
  readonly account: () => RoundAccount;
};

/** Follows one round through a log. */
export const traceRound = (plan: RoundPlanned): RoundTrace => {
  const decided = new Map<string, AnswerOutcome>();
  const counts = { ...noOutcomes };
  let repeated = 0;
  let settled: RoundSettled | null = null;
  let isEnded = false;
  return {
    accept: (record) => {
      if (record.type === 'epoch.scored' || record.roundId !== plan.roundId) return;
      if (record.type === 'round.settled') settled = record;
      if (record.type === 'round.settled' || record.type === 'round.abandoned') isEnded = true;
      if (record.type !== 'answer.judged') return;
      const key = pairKeyOf(record.taskId, record.hotkey);
      if (decided.has(key)) repeated += 1;
      else decided.set(key, record.outcome);
      counts[record.outcome] += 1;
    },
    isEnded: () => isEnded,
    decided: () => {
      const planned = new Set(pairsIn(plan).map(({ task, member }) => pairKeyOf(task.taskId, member.hotkey)));
      return new Map([...decided].filter(([key]) => planned.has(key)));
    },
    account: () => ({ plan, decided: decided.size, repeated, counts, settled }),
  };
};

/** What the log has of a round, writes of an earlier attempt included that may still wait in the store's queue. */
const readRound = Effect.fn('round.read')(function* (plan: RoundPlanned) {
  // Ordered behind all of them; a plan that is on record stays as it is, one that never got there is put there.
  const planSeq = yield* appendEvidence([plan]);
  const end = yield* lastEvidenceSeq;
  const trace = traceRound(plan);
  yield* readEvidence({ after: planSeq, upTo: end, onRecord: ({ record }) => trace.accept(record) });
  return { decided: trace.decided(), isEnded: trace.isEnded() };
});

/** Hands out the oldest round without an end, as if it had just been planned; null when there is none. */
export const takeUpRound = Effect.fn('round.takeUp')(function* (book: RoundBookState, table: MinerLinkTable) {
  for (const { plan, attempts } of [...book.unfinished.values()]) {
    const { decided, isEnded } = yield* readRound(plan);
    book.unfinished.delete(plan.roundId);
    const isAsked = !isEnded && isWorthAsking({ plan, attempts }, Date.now());
    knowRequests({ table, plan, decided, isExpected: isAsked });
    if (isEnded) continue;
    book.plans.set(plan.roundId, plan);
    book.resumed.set(plan.roundId, { decided, attempts, isAsked });
    yield* Effect.logInfo('a round that was cut short is taken up again', {
      roundId: plan.roundId,
      decided: decided.size,
      planned: pairsOf(plan),
      isAsked,
    });
    return plan;
  }
  return null;
});

/** Null: its tasks are of a release that this one does not understand. */
const ledgerOf = (plan: RoundPlanned, decided: Decisions, atMs: number): CohortLedger | null => {
  try {
    return createLedger(plan, () => atMs, decided);
  } catch {
    return null;
  }
};

/** Whether this release can judge answers to a plan. */
export const canJudge = (plan: RoundPlanned): boolean => ledgerOf(plan, nothingDecided, 0) !== null;

/** Ends a round from its records alone: everything without an outcome is lost. Returns why its books do not add up. */
export const settleAsLost = Effect.fn('round.settleAsLost')(function* (
  plan: RoundPlanned,
  decided: Decisions,
  atMs: number,
): Effect.fn.Return<RequestImbalance | null, StoreFailure, StoreService> {
  const { roundId, epoch } = plan;
  const ledger = ledgerOf(plan, decided, atMs);
  if (ledger === null) {
    const reason =
      'the validator ended in mid-round, and its tasks are of a kind that this release does not know';
    yield* appendEvidence([{ v: 1, type: 'round.abandoned', roundId, epoch, reason, at: atMs }]);
    return null;
  }
  const lost = pairsIn(plan)
    .filter((pair) => !ledger.isDecided(pair))
    .map((pair) => ledger.close(pair, 'lost'));
  for (let start = 0; start < lost.length; start += batchRecords) {
    yield* appendEvidence(lost.slice(start, start + batchRecords));
  }
  const settled = { v: 1, type: 'round.settled', roundId, epoch, ...ledger.summary(), at: atMs } as const;
  yield* appendEvidence([settled]);
  return imbalanceOf({ ...ledger.account(), settled });
});

/** Time that an orderly end spends on rounds that were never taken up again; the next start ends what is left. */
const settlingTimeoutMs = 3_000;

/** Leaves no round open behind an orderly end, as far as the store can write. Never fails. */
export const settleUnfinished = Effect.fn('round.settleUnfinished')(
  function* () {
    const book = yield* RoundBook;
    for (const { plan } of [...book.unfinished.values()]) {
      const { decided, isEnded } = yield* readRound(plan);
      const imbalance = isEnded ? null : yield* settleAsLost(plan, decided, Date.now());
      if (imbalance !== null) yield* Effect.logError('the requests of a round do not add up', imbalance);
      book.unfinished.delete(plan.roundId);
    }
  },
  Effect.timeout(settlingTimeoutMs),
  Effect.catchCause((cause) =>
    Effect.logWarning('a round that was cut short is left to the next start', {
      cause: String(Cause.squash(cause)),
    }),
  ),
);
