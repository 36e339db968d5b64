import type { AnyActorRef, InspectionEvent, SnapshotFrom, StateValue } from 'xstate';

import type { epochMachine } from '../../machines/epoch.machine.ts';
import type { roundMachine } from '../../machines/round.machine.ts';
import type { writerLeaseMachine } from '../../machines/writerLease.machine.ts';
import { type ChainNews, createChainNews } from './chainNews.ts';
import { type DueSight, dueSightOf } from './epochSlice.ts';
import { type LeaseSight, leaseSightOf, noLease } from './leaseSight.ts';
import type { RoundHistory } from './roundHistory.ts';
import { leavesOf, pathOf } from './stateText.ts';
import { createSubmissionLog, type SubmissionLog } from './submissionLog.ts';
import { createTimelines, type Timelines } from './timelines.ts';
import { createTrustHistory, type TrustHistory } from './trustHistory.ts';

type Epoch = SnapshotFrom<typeof epochMachine>;
type Round = SnapshotFrom<typeof roundMachine>;
type Lease = SnapshotFrom<typeof writerLeaseMachine>;

/** What a validator's actors tell in passing and keep nowhere, for the page. */
export type ValidatorNews = {
  readonly chain: ChainNews;
  readonly submissions: SubmissionLog;
  /** States that the session of a hotkey went through, newest first. */
  readonly timelineOf: Timelines['of'];
  readonly vtrust: TrustHistory;
  readonly lease: () => LeaseSight;
  /** Since when nothing known keeps rounds from being held; null while something does. */
  readonly freeSince: () => number | null;
  /** Since when the weights of the epoch under way are due; null while they are not. */
  readonly due: () => DueSight | null;
  /** First finalized block of this life. */
  readonly startedAtBlock: () => number | null;
  /** Rounds whose books do not add up, since the start. */
  readonly unbalanced: () => number;
  readonly saw: (inspected: InspectionEvent, at: number) => void;
};

const sessionPrefix = 'session/';

const stateOf = (snapshot: unknown): StateValue | undefined =>
  typeof snapshot === 'object' && snapshot !== null && 'value' in snapshot
    ? (snapshot.value as StateValue)
    : undefined;

/** Whether rounds are to be expected: somebody can be asked, and nothing is waited for. */
const canHold = (epoch: Epoch): boolean => {
  const { ready, dialing, rounds } = epoch.context;
  const isWaiting = ['held', 'recovering', 'closed'].some((state) =>
    pathOf(epoch.value).includes(`rounds.${state}`),
  );
  return !isWaiting && ready > 0 && (rounds > 0 || dialing === 0);
};

/** Phases of the round that runs; its first one begins before the round has an id. */
const createRoundSight = (rounds: RoundHistory) => {
  let before: readonly { readonly state: string; readonly at: number }[] = [];
  return (snapshot: Round, at: number): void => {
    const { roundId } = snapshot.context;
    const state = leavesOf(snapshot.value).join('.');
    if (roundId === null) {
      before = state === 'sampling' && before.at(-1)?.state !== state ? [{ state, at }] : before;
      return;
    }
    for (const phase of before) rounds.moved({ roundId, ...phase });
    before = [];
    if (snapshot.status === 'active') rounds.moved({ roundId, state, at });
  };
};

/** @param hotkey of this validator */
export const createValidatorNews = (rounds: RoundHistory, hotkey: string): ValidatorNews => {
  const chain = createChainNews();
  const submissions = createSubmissionLog();
  const timelines = createTimelines();
  const vtrust = createTrustHistory();
  const sawRound = createRoundSight(rounds);
  let lease: LeaseSight = noLease;
  let block = 0;
  let startedAtBlock: number | null = null;
  let unbalanced = 0;
  let freeSince: number | null = null;
  let due: DueSight | null = null;

  const sawFact = (event: { readonly type: string }, at: number): void => {
    if (event.type === 'requests.unbalanced') unbalanced += 1;
    submissions.saw(event, { at, block });
  };

  const sawEpoch = (epoch: Epoch, at: number): void => {
    freeSince = canHold(epoch) ? (freeSince ?? at) : null;
    due = dueSightOf(epoch, due);
  };

  const sawSnapshot = (
    ref: AnyActorRef,
    inspected: { readonly snapshot: unknown; readonly by: string },
    at: number,
  ): void => {
    const { snapshot, by } = inspected;
    if (ref.id === 'round') sawRound(snapshot as Round, at);
    else if (ref.id === 'writerLease') lease = leaseSightOf(snapshot as Lease);
    else if (ref.id === 'epoch') sawEpoch(snapshot as Epoch, at);
    else if (ref.id.startsWith(sessionPrefix)) {
      const state = stateOf(snapshot);
      if (state !== undefined) timelines.moved(ref.id, { at, state, by });
    }
  };

  return {
    chain,
    submissions,
    timelineOf: (peer) => timelines.of(`${sessionPrefix}${peer}`),
    vtrust,
    lease: () => lease,
    freeSince: () => freeSince,
    due: () => due,
    startedAtBlock: () => startedAtBlock,
    unbalanced: () => unbalanced,
    saw: (inspected, at) => {
      const ref = inspected.actorRef as AnyActorRef;
      // Most of what happens: what a session hears says nothing here, but the states that it comes to.
      if (inspected.type === '@xstate.event' && ref.id.startsWith(sessionPrefix)) return;
      chain.saw(inspected, at);
      if (
        inspected.type === '@xstate.event' &&
        ref.sessionId === inspected.rootId &&
        ref.id !== 'writerLease'
      ) {
        const { event } = inspected;
        if (event.type === 'chain.block') {
          block = event['head']?.block ?? block;
          startedAtBlock ??= block;
        }
        if (event.type === 'chain.subnet') vtrust.saw(event['subnet'], hotkey);
        sawFact(event, at);
      }
      if (inspected.type === '@xstate.snapshot') {
        sawSnapshot(ref, { snapshot: inspected.snapshot, by: inspected.event.type }, at);
      }
    },
  };
};
