import * as Cause from 'effect/Cause';
import * as Deferred from 'effect/Deferred';
import * as Effect from 'effect/Effect';
import * as Exit from 'effect/Exit';
import * as Fiber from 'effect/Fiber';
import * as Queue from 'effect/Queue';
import type { EventObject } from 'xstate';

import type { EvidenceRecord, RoundSettled } from '../domain/evidence.ts';
import type { StoreFailure } from '../domain/failures.ts';
import {
  addOutcomes,
  imbalanceOf,
  pairsOf,
  type RequestImbalance,
  type RequestTotals,
} from '../domain/requestAccount.ts';
import type { Cohort, RoundEvent } from '../machines/round.machine.ts';
import type { StoreService } from '../store/store.ts';
import { PROTOCOL_VERSION } from '../transport/protocol.ts';
import { prepareTaskSheet } from '../transport/taskSheet.ts';
import { type ActorRuntime, fromScoped, type Link } from './bridge.ts';
import {
  closeRest,
  closeUnasked,
  type Decided,
  dispatch,
  type Round,
  takeBack,
  watchLinks,
} from './cohortAsking.ts';
import { createLedger } from './cohortLedger.ts';
import { appendEvidence, appendOnce } from './evidenceLog.ts';
import { MinerLinks, type MinerLinkTable } from './minerLinks.ts';
import { Pauses } from './pauses.ts';
import { drawRequestKey } from './requestIds.ts';
import { RoundBook, type RoundBookState } from './roundBook.ts';
import { Traces } from './tracing/tracing.ts';
import { keepUnfinished } from './unfinishedRounds.ts';

/** Most acknowledgements of one message (`Ack`). */
const maxAcks = 1_024;

const acknowledge = (table: MinerLinkTable, batch: readonly Decided[]): void => {
  const replies = batch.flatMap(({ reply }) => (reply === null ? [] : [reply]));
  for (const { id, hotkey } of replies) table.known.record(id, hotkey);
  for (const [hotkey, ofOne] of Map.groupBy(replies, (reply) => reply.hotkey)) {
    // Over the newest link, whichever the reply came by. One that is full or gone misses its acknowledgement; the miner
    // sends the answer again over its next one, and is told then.
    for (let start = 0; start < ofOne.length; start += maxAcks) {
      const ids = ofOne.slice(start, start + maxAcks).map(({ id }) => id);
      table.links.get(hotkey)?.connection.send({ type: 'ack', v: PROTOCOL_VERSION, ids });
    }
  }
};

const asEvidence = (batch: readonly Decided[]): readonly EvidenceRecord[] =>
  batch.map(({ verdict }) => verdict);

const brokeOff = (why: string): StoreFailure => ({
  _tag: 'StoreUnavailable',
  message: `the round broke off: ${why}`,
});

/** Books that do not add up are a defect: it is told, and the round is taken up again from what is on record. */
const reportImbalance = (round: Round, book: RoundBookState, imbalance: RequestImbalance) => {
  book.totals.unbalancedRounds += 1;
  round.emit({ type: 'cohort.unbalanced', imbalance });
  return Effect.fail(brokeOff('its counts do not add up, see requests.unbalanced'));
};

/** Writes verdicts in batches as they come; an answer is acknowledged only when it is on disk. */
const recordVerdicts = Effect.fn('cohort.record')(function* (
  round: Round,
  book: RoundBookState,
  planned: number,
) {
  const { ledger } = round;
  let toRecord = planned;
  if (toRecord === 0) round.emit({ type: 'cohort.complete' });
  while (toRecord > 0) {
    const batch = yield* Queue.takeBetween(round.decided, 1, 1_000);
    const appendedFromMs = performance.now();
    const foreign = yield* appendOnce(asEvidence(batch));
    if (foreign.length > 0) {
      const { plan, decided, counts } = ledger.account();
      const { roundId } = plan;
      const books = {
        roundId,
        planned: pairsOf(plan),
        decided,
        repeated: foreign.length,
        counts,
        stated: null,
      };
      return yield* reportImbalance(round, book, books);
    }
    acknowledge(round.table, batch);
    if (round.traces !== null) for (const { trace } of batch) trace?.recorded(appendedFromMs);
    toRecord -= batch.length;
    round.emit({ type: 'cohort.progress', judged: ledger.judged(), open: ledger.open() });
    if (ledger.open() === 0 && toRecord === 0) round.emit({ type: 'cohort.complete' });
  }
});

const settle = Effect.fn('cohort.settle')(function* (round: Round, book: RoundBookState) {
  const { plan, ledger } = round;
  const summary = ledger.summary();
  const settled: RoundSettled = {
    v: 1,
    type: 'round.settled',
    roundId: plan.roundId,
    epoch: plan.epoch,
    ...summary,
    at: Date.now(),
  };
  const imbalance = imbalanceOf({ ...ledger.account(), settled });
  if (imbalance !== null) return yield* reportImbalance(round, book, imbalance);
  yield* appendEvidence([settled]);
  const { dispatched, ...outcomes } = summary;
  book.totals.dispatched += dispatched;
  book.totals.outcomes = addOutcomes(book.totals.outcomes, outcomes);
  return summary;
});

/** Opens the books of a planned round; whatever happens, it either settles or goes back to those without an end. */
const openRound = Effect.fn('cohort.openRound')(function* (
  link: Link<{ readonly roundId: string }, EventObject, RoundEvent>,
) {
  const book = yield* RoundBook;
  const table = yield* MinerLinks;
  const pauses = yield* Pauses;
  const traces = yield* Traces;
  const plan = book.plans.get(link.input.roundId);
  if (plan === undefined)
    return yield* Effect.die(new Error(`round ${link.input.roundId} was never planned`));
  const resumed = book.resumed.get(plan.roundId);
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      book.plans.delete(plan.roundId);
      book.resumed.delete(plan.roundId);
    }),
  );
  const sheet = prepareTaskSheet({ round: plan.roundId, tasks: plan.tasks });
  if (!sheet.ok) return yield* Effect.die(new Error(`the tasks of ${plan.roundId}: ${sheet.error.message}`));
  const round: Round = {
    plan,
    requestKey: plan.requestKey ?? drawRequestKey(),
    isResumed: resumed !== undefined,
    startedAtMs: performance.now(),
    sheet: sheet.value,
    ledger: createLedger(plan, Date.now, resumed?.decided),
    table,
    pauses,
    open: new Map(),
    traces: traces?.rounds ?? null,
    decided: yield* Queue.unbounded<Decided>(),
    emit: link.emit,
  };
  const life = { isSettled: false };
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      takeBack(round);
      if (!life.isSettled) keepUnfinished({ book, table, plan, attempts: (resumed?.attempts ?? 0) + 1 });
    }),
  );
  return { book, round, life, isAsked: resumed?.isAsked ?? true };
});

const runCohort = Effect.fn('cohort.run')(function* (
  link: Link<{ readonly roundId: string }, EventObject, RoundEvent>,
) {
  const { book, round, life, isAsked } = yield* openRound(link);
  const expired = yield* Deferred.make<void>();
  link.receive((event) => {
    if (event.type === 'round.expire') Deferred.doneUnsafe(expired, Exit.void);
  });
  const recorder = yield* Effect.forkScoped(recordVerdicts(round, book, round.ledger.open()));
  if (isAsked) yield* dispatch(round);
  else closeUnasked(round);
  yield* Effect.forkScoped(watchLinks(round));
  // The machine says when the round is over; a recorder that fails before ends it at once.
  yield* Effect.raceFirst(Deferred.await(expired), Effect.andThen(Fiber.join(recorder), Effect.never));
  closeRest(round);
  yield* Fiber.join(recorder);
  const summary = yield* settle(round, book);
  life.isSettled = true;
  return summary;
});

/** The last event of a round, however it ended: the counts of all its pairs, or why it broke off. */
const settled = (exit: Exit.Exit<RequestTotals, StoreFailure>): RoundEvent => {
  if (Exit.isSuccess(exit)) return { type: 'cohort.settled', summary: exit.value };
  const failure = Cause.squash(exit.cause);
  return {
    type: 'cohort.failed',
    failure: isStoreFailure(failure) ? failure : brokeOff(String(failure)),
  };
};

const isStoreFailure = (failure: unknown): failure is StoreFailure =>
  typeof failure === 'object' && failure !== null && '_tag' in failure && 'message' in failure;

export const cohort = (runtime: ActorRuntime<StoreService | RoundBook | MinerLinks | Pauses>): Cohort =>
  fromScoped(runtime)(runCohort, settled);
