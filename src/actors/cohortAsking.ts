import * as Effect from 'effect/Effect';
import * as Queue from 'effect/Queue';

import type { AnswerJudged, RoundPlanned } from '../domain/evidence.ts';
import type { Hotkey } from '../domain/ids.ts';
import type { RoundEvent } from '../machines/round.machine.ts';
import { PROTOCOL_VERSION } from '../transport/protocol.ts';
import type { TaskSheet } from '../transport/taskSheet.ts';
import type { CohortLedger, Pair } from './cohortLedger.ts';
import type { LiveLink, MinerLinkTable } from './minerLinks.ts';
import type { PauseWatch } from './pauses.ts';
import { requestId } from './requestIds.ts';
import type { AskTrace, RoundTraces } from './tracing/roundTraces.ts';

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

/** A verdict on its way to the disk; a reply is acknowledged to its miner once it is there. */
export type Decided = {
  readonly verdict: AnswerJudged;
  readonly reply: { readonly hotkey: Hotkey; readonly id: string } | null;
  /** null: not traced. */
  readonly trace: AskTrace | null;
};

/** A request that waits for its reply. */
type Open = { readonly pair: Pair; readonly sent: Sent; readonly trace: AskTrace | null };

/** What one miner of the round was sent, and over which link it answers. */
type Sent = {
  readonly member: Pair['member'];
  /** The newest link that carried the tasks, where replies are owed; null while none did. */
  link: LiveLink | null;
  /** Monotonic milliseconds of the first sending: a link that broke does not stop the miner's clock. */
  sentAtMs: number;
  resends: number;
};

export type Round = {
  readonly plan: RoundPlanned;
  readonly requestKey: string;
  /** Begun before: by a life of this validator that ended, or an attempt whose store could not write. */
  readonly isResumed: boolean;
  /** Monotonic milliseconds at which the round's one deadline began. */
  readonly startedAtMs: number;
  readonly sheet: TaskSheet;
  readonly ledger: CohortLedger;
  readonly table: MinerLinkTable;
  readonly pauses: PauseWatch;
  /** Requests of this round that still wait, by id. */
  readonly open: Map<string, Open>;
  /** null: nothing is traced. */
  readonly traces: RoundTraces | null;
  readonly decided: Queue.Queue<Decided>;
  readonly emit: (event: RoundEvent) => void;
};

const decide = (round: Round, decided: Decided): void => {
  Queue.offerUnsafe(round.decided, decided);
};

const closePair = (
  round: Round,
  pair: Pair,
  outcome: 'missed' | 'unreachable' | 'lost',
  trace: AskTrace | null = null,
): AnswerJudged => {
  const verdict = round.ledger.close(pair, outcome);
  decide(round, { verdict, reply: null, trace });
  return verdict;
};

/** What is left of the round's one deadline, in whole milliseconds. */
const remainingMs = ({ plan, startedAtMs }: Round): number =>
  Math.floor(Math.max(0, plan.deadlineMs - (performance.now() - startedAtMs)));

/** Registers one request per task and returns their ids. */
const ask = (round: Round, sent: Sent, tasks: RoundPlanned['tasks']): readonly string[] => {
  const { ledger, table, open } = round;
  const { member } = sent;
  return tasks.map((task) => {
    const id = requestId(round.requestKey, task.taskId, member.hotkey);
    const pair = { task, member };
    const trace = round.traces?.of(id, round.plan.roundId) ?? null;
    open.set(id, { pair, sent, trace });
    table.known.forget(id);
    table.requests.set(id, {
      hotkey: member.hotkey,
      settle: (reply, receivedAtMs) => {
        const { link, sentAtMs } = sent;
        open.delete(id);
        link?.owes(-1);
        // Until it is on disk it is neither acknowledged nor unknown.
        table.known.expect(id, member.hotkey);
        // An answer that came while we did not run waited for us: that time is not the miner's.
        const readAtMs = receivedAtMs - round.pauses.pausedMs(sentAtMs, receivedAtMs);
        const timing = { sentAtMs, receivedAtMs: readAtMs, rttMs: link?.connection.rttMs() ?? null };
        const judgedFromMs = trace === null ? 0 : performance.now();
        const verdict = ledger.grade(pair, reply, timing);
        trace?.judged({ sentAtMs, receivedAtMs, judgedFromMs, verdict });
        decide(round, { verdict, reply: { hotkey: member.hotkey, id }, trace });
      },
    });
    return id;
  });
};

type OpenEntry = readonly [string, Open];

const close = (round: Round, entries: readonly OpenEntry[], outcome: 'missed' | 'unreachable' | 'lost') => {
  for (const [id, { pair, sent, trace }] of entries) {
    round.open.delete(id);
    round.table.requests.delete(id);
    sent.link?.owes(-1);
    const verdict = closePair(round, pair, outcome, trace);
    trace?.closed(sent.sentAtMs, verdict);
  }
};

/** Whether this process did not run for a part of the round: what it missed says nothing of anybody. */
const hasPaused = ({ pauses, startedAtMs }: Round): boolean =>
  pauses.hasPaused(startedAtMs, performance.now());

/** No reply counts any more. Who was asked a second time because of us, or while we slept, is blamed for nothing. */
export const closeRest = (round: Round): void =>
  close(round, [...round.open], round.isResumed || hasPaused(round) ? 'lost' : 'missed');

/** A link that this process was too late to keep alive ends within this after a pause: silence ends it after 15 s. */
const breakMs = 20_000;
/** A link that broke is dialled anew within this. */
const returnMs = 30_000;

/**
 * What it says of a miner that there is no link to it: nothing, where it broke by a pause of ours and may come back yet.
 * Whoever had none before the pause is as unreachable as ever.
 */
const unlinked = ({ table, pauses }: Round, hotkey: Hotkey): 'unreachable' | 'lost' => {
  const brokenAtMs = table.brokenAtMs.get(hotkey);
  if (brokenAtMs === undefined || performance.now() - brokenAtMs > returnMs) return 'unreachable';
  return pauses.hasPaused(brokenAtMs - breakMs, brokenAtMs) ? 'lost' : 'unreachable';
};

/** Ends every pair that has no verdict, without asking anybody. */
export const closeUnasked = (round: Round): void => {
  for (const member of round.plan.cohort) {
    for (const task of round.plan.tasks) {
      if (!round.ledger.isDecided({ task, member })) closePair(round, { task, member }, 'lost');
    }
  }
};

/** Takes the round's requests back without a verdict: nothing is owed to a round that broke off. */
export const takeBack = (round: Round): void => {
  for (const [id, { sent }] of round.open) {
    round.table.requests.delete(id);
    // Or the session would be busy for ever.
    sent.link?.owes(-1);
  }
  round.open.clear();
};

/** Asks one miner all tasks. Returns whether they were handed over. */
const askFirst = (round: Round, member: Pair['member']): boolean => {
  const { tasks } = round.plan;
  const link = round.table.links.get(member.hotkey);
  if (link === undefined) {
    for (const task of tasks) closePair(round, { task, member }, unlinked(round, member.hotkey));
    return false;
  }
  const sent: Sent = { member, link, sentAtMs: performance.now(), resends: 0 };
  const ids = ask(round, sent, tasks);
  link.owes(ids.length);
  const frame = round.sheet.addressTo({ ids, deadlineMs: remainingMs(round) });
  const outcome = frame.ok ? link.connection.send(frame.value) : frame;
  // No reply can arrive before this turn of the event loop ends. Encoding and sealing are our time, not the miner's.
  sent.sentAtMs = performance.now();
  if (outcome.ok) return true;
  close(
    round,
    [...round.open].filter(([, entry]) => entry.sent === sent),
    unlinked(round, member.hotkey),
  );
  return false;
};

/** Asks one miner again what it has no verdict for; one without a link is asked when it comes back. */
const askAgain = (round: Round, member: Pair['member']): boolean => {
  const tasks = round.plan.tasks.filter((task) => !round.ledger.isDecided({ task, member }));
  if (tasks.length === 0) return false;
  const sent: Sent = { member, link: null, sentAtMs: performance.now(), resends: 0 };
  ask(round, sent, tasks);
  const link = round.table.links.get(member.hotkey);
  if (link === undefined) return false;
  const isSent = sendOpen(round, sent, link);
  sent.sentAtMs = performance.now();
  return isSent;
};

export const dispatch = Effect.fn('cohort.dispatch')(function* (round: Round) {
  const { cohort } = round.plan;
  const askOne = round.isResumed ? askAgain : askFirst;
  let sent = 0;
  for (let start = 0; start < cohort.length; start += membersPerChunk) {
    for (const member of cohort.slice(start, start + membersPerChunk)) {
      if (askOne(round, member)) sent += 1;
    }
    if (start + membersPerChunk < cohort.length) yield* Effect.sleep(chunkPauseMs);
  }
  round.emit({ type: 'cohort.dispatched', sent, unreachable: cohort.length - sent });
});

/** Sends what a miner still owes over its newest link, under the same ids and within the same deadline. */
const sendOpen = (round: Round, sent: Sent, link: LiveLink): boolean => {
  const open = [...round.open].filter(([, entry]) => entry.sent === sent);
  sent.link?.owes(-open.length);
  link.owes(open.length);
  sent.link = link;
  const tasks = open.map(([id, { pair }]) => ({ id, kind: pair.task.kind, request: pair.task.request }));
  // A link that cannot take it is about to end as well: the next one, or the deadline, decides.
  return link.connection.send({
    type: 'tasks',
    v: PROTOCOL_VERSION,
    round: round.plan.roundId,
    deadlineMs: remainingMs(round),
    tasks,
  }).ok;
};

/** One broken link does not cost a miner the rest of the round: whoever comes back in time is asked again. */
export const watchLinks = Effect.fn('cohort.watchLinks')(function* (round: Round) {
  for (;;) {
    yield* Effect.sleep(linkWatchMs);
    if (remainingMs(round) === 0) return;
    for (const sent of new Set([...round.open.values()].map((entry) => entry.sent))) {
      const link = round.table.links.get(sent.member.hotkey);
      if (link === undefined || link === sent.link || sent.resends >= maxResends) continue;
      sent.resends += 1;
      sendOpen(round, sent, link);
    }
  }
});
