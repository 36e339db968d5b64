import { randomBytes } from 'node:crypto';
import * as Cause from 'effect/Cause';
import * as Deferred from 'effect/Deferred';
import * as Effect from 'effect/Effect';
import * as Exit from 'effect/Exit';
import * as Fiber from 'effect/Fiber';
import * as Queue from 'effect/Queue';
import type { EventObject } from 'xstate';

import type { AnswerJudged, EvidenceRecord, RoundPlanned } from '../domain/evidence.ts';
import type { StoreFailure } from '../domain/failures.ts';
import type { Cohort, RoundEvent, RoundSummary } from '../machines/round.machine.ts';
import type { StoreService } from '../store/store.ts';
import { PROTOCOL_VERSION } from '../transport/protocol.ts';
import { prepareTaskSheet, type TaskSheet } from '../transport/taskSheet.ts';
import { type ActorRuntime, fromScoped, type Link } from './bridge.ts';
import { type CohortLedger, createLedger, type Pair } from './cohortLedger.ts';
import { appendEvidence } from './evidenceLog.ts';
import { type LiveLink, MinerLinks, type MinerLinkTable } from './minerLinks.ts';
import { RoundBook } from './roundBook.ts';

/**
 * Frames handed to sockets before the event loop gets a turn, and the pause after them: a burst of 256 delays the first
 * answers by tens of milliseconds. The pause is a timer, because the fibers of `fromScoped` keep the scheduler of the
 * `runSync` that started them, which yields to microtasks only. All of a subnet is asked within about 0.1 s.
 */
const membersPerChunk = 8;
const chunkPauseMs = 2;

/** How often a round looks whether a miner that still owes answers has come back over a new link. */
const linkWatchMs = 200;
/** Times one miner is sent its open tasks again in one round: a link that flaps for ever costs no more than this. */
const maxResends = 3;

/** A verdict on its way to the disk; `requestId` is acknowledged to the miner once it is there. */
type Decided = {
  readonly verdict: AnswerJudged;
  readonly ack: { readonly link: LiveLink; readonly id: string } | null;
};

/** What one miner of the round was sent, and over which link it answers. */
type Sent = {
  readonly member: Pair['member'];
  /** The newest link that carried the tasks; replies are owed and acknowledged there. */
  link: LiveLink;
  /** Monotonic milliseconds of the first sending: a link that broke does not stop the miner's clock. */
  sentAtMs: number;
  resends: number;
};

type Round = {
  readonly plan: RoundPlanned;
  /** Monotonic milliseconds at which the round's one deadline began. */
  readonly startedAtMs: number;
  readonly sheet: TaskSheet;
  readonly ledger: CohortLedger;
  readonly table: MinerLinkTable;
  /** Requests of this round that still wait, by id. */
  readonly open: Map<string, { readonly pair: Pair; readonly sent: Sent }>;
  readonly decided: Queue.Queue<Decided>;
  readonly emit: (event: RoundEvent) => void;
};

const decide = (round: Round, decided: Decided): void => {
  Queue.offerUnsafe(round.decided, decided);
};

const idBytes = 16;

/** One id per task. Nobody can guess an id, and an id says nothing about the task or its truth. */
const drawIds = (count: number): readonly string[] => {
  // One draw for all: each call of the system's generator costs as much as sealing a frame.
  const drawn = randomBytes(idBytes * count).toString('hex');
  return Array.from({ length: count }, (_, index) =>
    drawn.slice(2 * idBytes * index, 2 * idBytes * (index + 1)),
  );
};

/** Registers one request per task and returns their ids. */
const ask = (round: Round, sent: Sent): readonly string[] => {
  const { plan, ledger, table, open } = round;
  const { member } = sent;
  const ids = drawIds(plan.tasks.length);
  for (const [index, task] of plan.tasks.entries()) {
    const id = ids[index] ?? '';
    const pair = { task, member };
    open.set(id, { pair, sent });
    table.requests.set(id, {
      hotkey: member.hotkey,
      settle: (reply, receivedAtMs) => {
        const { link, sentAtMs } = sent;
        open.delete(id);
        link.owes(-1);
        const timing = { sentAtMs, receivedAtMs, rttMs: link.connection.rttMs() };
        decide(round, { verdict: ledger.grade(pair, reply, timing), ack: { link, id } });
      },
    });
  }
  return ids;
};

const withdraw = (round: Round, member: Pair['member'], outcome: 'missed' | 'unreachable'): void => {
  for (const [id, { pair, sent }] of round.open) {
    if (pair.member.hotkey !== member.hotkey) continue;
    round.open.delete(id);
    round.table.requests.delete(id);
    sent.link.owes(-1);
    decide(round, { verdict: round.ledger.close(pair, outcome), ack: null });
  }
};

/** What is left of the round's one deadline, in whole milliseconds. */
const remainingMs = ({ plan, startedAtMs }: Round): number =>
  Math.floor(Math.max(0, plan.deadlineMs - (performance.now() - startedAtMs)));

const dispatchOne = (round: Round, member: Pair['member']): boolean => {
  const link = round.table.links.get(member.hotkey);
  if (link === undefined) {
    for (const task of round.plan.tasks) {
      decide(round, { verdict: round.ledger.close({ task, member }, 'unreachable'), ack: null });
    }
    return false;
  }
  const sent: Sent = { member, link, sentAtMs: performance.now(), resends: 0 };
  const ids = ask(round, sent);
  link.owes(ids.length);
  const frame = round.sheet.addressTo({ ids, deadlineMs: remainingMs(round) });
  const outcome = frame.ok ? link.connection.send(frame.value) : frame;
  // No reply can arrive before this turn of the event loop ends. Encoding and sealing are our time, not the miner's.
  sent.sentAtMs = performance.now();
  if (outcome.ok) return true;
  withdraw(round, member, 'unreachable');
  return false;
};

const dispatch = Effect.fn('cohort.dispatch')(function* (round: Round) {
  const { cohort } = round.plan;
  let sent = 0;
  for (let start = 0; start < cohort.length; start += membersPerChunk) {
    for (const member of cohort.slice(start, start + membersPerChunk)) {
      if (dispatchOne(round, member)) sent += 1;
    }
    if (start + membersPerChunk < cohort.length) yield* Effect.sleep(chunkPauseMs);
  }
  round.emit({ type: 'cohort.dispatched', sent, unreachable: cohort.length - sent });
});

/** Sends what a miner still owes over its new link, under the same ids and within the same deadline. */
const resend = (round: Round, sent: Sent, link: LiveLink): void => {
  const open = [...round.open].filter(([, entry]) => entry.sent === sent);
  sent.link.owes(-open.length);
  link.owes(open.length);
  sent.link = link;
  sent.resends += 1;
  const tasks = open.map(([id, { pair }]) => ({ id, kind: pair.task.kind, request: pair.task.request }));
  // A link that cannot take it is about to end as well: the next one, or the deadline, decides.
  link.connection.send({
    type: 'tasks',
    v: PROTOCOL_VERSION,
    round: round.plan.roundId,
    deadlineMs: remainingMs(round),
    tasks,
  });
};

/** One broken link does not cost a miner the rest of the round: whoever comes back in time is asked again. */
const watchLinks = Effect.fn('cohort.watchLinks')(function* (round: Round) {
  for (;;) {
    yield* Effect.sleep(linkWatchMs);
    if (remainingMs(round) === 0) return;
    for (const sent of new Set([...round.open.values()].map((entry) => entry.sent))) {
      const link = round.table.links.get(sent.member.hotkey);
      if (link !== undefined && link !== sent.link && sent.resends < maxResends) resend(round, sent, link);
    }
  }
});

const acknowledge = (batch: readonly Decided[]): void => {
  const byLink = Map.groupBy(
    batch.flatMap(({ ack }) => (ack === null ? [] : [ack])),
    ({ link }) => link,
  );
  for (const [link, acks] of byLink) {
    // A full link misses its acknowledgement; the miner may send the answer again, which then counts for nothing.
    link.connection.send({ type: 'ack', v: PROTOCOL_VERSION, ids: acks.map(({ id }) => id) });
  }
};

const asEvidence = (batch: readonly Decided[]): readonly EvidenceRecord[] =>
  batch.map(({ verdict }) => verdict);

/** Writes verdicts in batches as they come; an answer is acknowledged only when it is on disk. */
const recordVerdicts = Effect.fn('cohort.record')(function* (round: Round) {
  const { ledger } = round;
  let recorded = 0;
  const planned = round.plan.tasks.length * round.plan.cohort.length;
  while (recorded < planned) {
    const batch = yield* Queue.takeBetween(round.decided, 1, 1_000);
    yield* appendEvidence(asEvidence(batch));
    acknowledge(batch);
    recorded += batch.length;
    round.emit({ type: 'cohort.progress', judged: ledger.judged(), open: ledger.open() });
    if (ledger.open() === 0 && recorded === planned) round.emit({ type: 'cohort.complete' });
  }
});

const settle = Effect.fn('cohort.settle')(function* (round: Round) {
  const summary = round.ledger.summary();
  yield* appendEvidence([
    {
      v: 1,
      type: 'round.settled',
      roundId: round.plan.roundId,
      epoch: round.plan.epoch,
      ...summary,
      at: Date.now(),
    },
  ]);
  return summary;
});

const runCohort = Effect.fn('cohort.run')(function* (
  link: Link<{ readonly roundId: string }, EventObject, RoundEvent>,
) {
  const book = yield* RoundBook;
  const table = yield* MinerLinks;
  const plan = book.plans.get(link.input.roundId);
  if (plan === undefined)
    return yield* Effect.die(new Error(`round ${link.input.roundId} was never planned`));
  yield* Effect.addFinalizer(() => Effect.sync(() => book.plans.delete(plan.roundId)));
  const sheet = prepareTaskSheet({ round: plan.roundId, tasks: plan.tasks });
  if (!sheet.ok) return yield* Effect.die(new Error(`the tasks of ${plan.roundId}: ${sheet.error.message}`));
  const expired = yield* Deferred.make<void>();
  link.receive((event) => {
    if (event.type === 'round.expire') Deferred.doneUnsafe(expired, Exit.void);
  });
  const round: Round = {
    plan,
    startedAtMs: performance.now(),
    sheet: sheet.value,
    ledger: createLedger(plan, Date.now),
    table,
    open: new Map(),
    decided: yield* Queue.unbounded<Decided>(),
    emit: link.emit,
  };
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      for (const [id, { sent }] of round.open) {
        table.requests.delete(id);
        // Nothing is owed to a round that is over, or the session would be busy for ever.
        sent.link.owes(-1);
      }
    }),
  );
  const recorder = yield* Effect.forkScoped(recordVerdicts(round));
  yield* dispatch(round);
  yield* Effect.forkScoped(watchLinks(round));
  // The machine says when the round is over; a recorder that fails before ends it at once.
  yield* Effect.raceFirst(Deferred.await(expired), Effect.andThen(Fiber.join(recorder), Effect.never));
  for (const member of plan.cohort) withdraw(round, member, 'missed');
  yield* Fiber.join(recorder);
  return yield* settle(round);
});

/** The last event of a round, however it ended: the counts of all its pairs, or why it broke off. */
const settled = (exit: Exit.Exit<RoundSummary, StoreFailure>): RoundEvent => {
  if (Exit.isSuccess(exit)) return { type: 'cohort.settled', summary: exit.value };
  const failure = Cause.squash(exit.cause);
  return {
    type: 'cohort.failed',
    failure: isStoreFailure(failure)
      ? failure
      : { _tag: 'StoreUnavailable', message: `the round broke off: ${String(failure)}` },
  };
};

const isStoreFailure = (failure: unknown): failure is StoreFailure =>
  typeof failure === 'object' && failure !== null && '_tag' in failure && 'message' in failure;

export const cohort = (runtime: ActorRuntime<StoreService | RoundBook | MinerLinks>): Cohort =>
  fromScoped(runtime)(runCohort, settled);
