import * as Effect from 'effect/Effect';

import { prepareTimelock } from '../chain/timelock.ts';
import type { EpochScored, EvidenceRecord } from '../domain/evidence.ts';
import { imbalanceOf, pairsOf, type RequestImbalance } from '../domain/requestAccount.ts';
import type { PrepareValidator } from '../machines/validatorLife.ts';
import type { StoreService } from '../store/store.ts';
import type { ActorRuntime } from './bridge.ts';
import { fromEffect } from './bridge.ts';
import { loadReadFrom } from './evidenceCursor.ts';
import { lastEvidenceSeq, readEvidence } from './evidenceLog.ts';
import { MinerLinks } from './minerLinks.ts';
import { RoundBook, type RoundBookState } from './roundBook.ts';
import {
  canJudge,
  isWorthAsking,
  knowRequests,
  type RoundTrace,
  settleAsLost,
  traceRound,
} from './unfinishedRounds.ts';

/** Rounds whose requests are remembered after their end: their miners may have missed an acknowledgement. */
const rememberedRounds = 8;
/** Violations told one by one; a log with more has one cause. */
const maxImbalances = 16;

/** Rounds of the evidence that is read: open ones, the last ones that ended, and whose books do not add up. */
const followRounds = () => {
  const open = new Map<string, RoundTrace>();
  const ended: RoundTrace[] = [];
  const imbalances: RequestImbalance[] = [];
  const end = (roundId: string, trace: RoundTrace): void => {
    open.delete(roundId);
    ended.push(trace);
    if (ended.length > rememberedRounds) ended.shift();
    const account = trace.account();
    // An abandoned round, of an earlier release or of unknown tasks, has undecided pairs by design.
    const imbalance = account.settled === null ? null : imbalanceOf(account);
    if (imbalance !== null && imbalances.length < maxImbalances) imbalances.push(imbalance);
  };
  return {
    open,
    ended,
    imbalances,
    accept: (record: EvidenceRecord): void => {
      if (record.type === 'epoch.scored') return;
      if (record.type === 'round.planned') open.set(record.roundId, traceRound(record));
      // A round that was planned before the part that is read has ended in it.
      const trace = open.get(record.roundId);
      trace?.accept(record);
      if (trace?.isEnded()) end(record.roundId, trace);
    },
  };
};

/** What scoring and the choice of cohorts go on from. */
const recallScores = (book: RoundBookState, record: EvidenceRecord, was: EpochScored | null) => {
  if (record.type === 'epoch.scored') {
    book.asked.clear();
    return record;
  }
  if (record.type === 'answer.judged' && record.outcome !== 'lost') {
    book.asked.set(record.hotkey, (book.asked.get(record.hotkey) ?? 0) + 1);
  }
  return was;
};

/** Each round without an end is either kept, to be held again, or settled now with what it has. */
const finishRounds = Effect.fn('validator.finishRounds')(function* (
  rounds: ReturnType<typeof followRounds>,
  atMs: number,
) {
  const book = yield* RoundBook;
  const table = yield* MinerLinks;
  let lostRounds = 0;
  for (const trace of rounds.ended) {
    const { plan } = trace.account();
    knowRequests({ table, plan, decided: trace.decided(), isExpected: false });
  }
  for (const trace of rounds.open.values()) {
    const { plan } = trace.account();
    const decided = trace.decided();
    const isKept =
      decided.size < pairsOf(plan) && isWorthAsking({ plan, attempts: 0 }, atMs) && canJudge(plan);
    knowRequests({ table, plan, decided, isExpected: isKept });
    if (isKept) {
      book.unfinished.set(plan.roundId, { plan, attempts: 0 });
      continue;
    }
    lostRounds += 1;
    const imbalance = yield* settleAsLost(plan, decided, atMs);
    if (imbalance !== null) rounds.imbalances.push(imbalance);
  }
  const unbalanced: readonly RequestImbalance[] = rounds.imbalances;
  return { resumableRounds: book.unfinished.size, lostRounds, unbalanced };
});

/**
 * Takes up what an earlier life left: the trust ledger and cut of the last scored epoch, the count of tasks asked
 * since, and rounds that were planned but never ended. The books of all rounds that are read are checked. What the
 * first commit of weights would otherwise hold up rounds with is done here as well.
 */
const prepare = Effect.fn('validator.prepare')(function* (atMs: number) {
  const book = yield* RoundBook;
  const readFrom = yield* loadReadFrom;
  const end = yield* lastEvidenceSeq;
  const rounds = followRounds();
  let scored: EpochScored | null = null;
  yield* readEvidence({
    after: Math.max(0, readFrom - 1),
    upTo: end,
    onRecord: ({ record }) => {
      rounds.accept(record);
      scored = recallScores(book, record, scored);
    },
  });
  const last = scored as EpochScored | null;
  if (last !== null) {
    book.trust = last.trust;
    book.nextFromSeq = last.cutSeq;
    book.scoredEpoch = last.epoch;
  }
  const finished = yield* finishRounds(rounds, atMs);
  book.totals.unbalancedRounds += finished.unbalanced.length;
  yield* Effect.sync(prepareTimelock);
  return finished;
});

export const prepareValidator = (
  runtime: ActorRuntime<StoreService | RoundBook | MinerLinks>,
): PrepareValidator => fromEffect(runtime)(() => Effect.suspend(() => prepare(Date.now())));
