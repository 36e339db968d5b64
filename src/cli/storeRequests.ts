import { type AnswerJudged, decodeEvidence, type RoundPlanned } from '../domain/evidence.ts';
import {
  addOutcomes,
  countOutcomes,
  imbalanceOf,
  noOutcomes,
  type OutcomeCounts,
  pairKeyOf,
  pairsOf,
} from '../domain/requestAccount.ts';
import type { Json } from '../store/store.ts';

/** The books of requests over a whole evidence log: what was planned is decided, open, or was abandoned. */
export type RequestReport = {
  /** Pairs of task and miner. */
  readonly planned: number;
  readonly decided: OutcomeCounts;
  /** Of rounds without an end. */
  readonly open: number;
  /** Of rounds that an earlier release gave up: evidence against nobody. */
  readonly abandoned: number;
  readonly openRounds: number;
  /** Records that the evidence schema of this release does not accept. */
  readonly unreadable: number;
  /** Sentences; the first hundred. */
  readonly problems: readonly string[];
};

type Account = {
  readonly plan: RoundPlanned;
  readonly outcomes: Map<string, AnswerJudged['outcome']>;
  repeated: number;
};

const MAX_PROBLEMS = 100;

/** Takes the records of an evidence log in order; memory holds the rounds that are open. */
export const requestBooks = () => {
  const open = new Map<string, Account>();
  const problems: string[] = [];
  let decided = noOutcomes;
  let planned = 0;
  let abandoned = 0;
  let unreadable = 0;

  const complain = (sentence: string): void => {
    if (problems.length < MAX_PROBLEMS) problems.push(sentence);
  };

  const judge = (seq: number, answer: AnswerJudged): void => {
    const account = open.get(answer.roundId);
    if (account === undefined) {
      complain(`record ${seq} decides a pair of round ${answer.roundId}, which is not open`);
      return;
    }
    const pair = pairKeyOf(answer.taskId, answer.hotkey);
    if (account.outcomes.has(pair)) account.repeated += 1;
    account.outcomes.set(pair, answer.outcome);
  };

  const close = (roundId: string): Account | undefined => {
    const account = open.get(roundId);
    open.delete(roundId);
    if (account !== undefined) decided = addOutcomes(decided, countOutcomes(account.outcomes.values()));
    return account;
  };

  const accept = (seq: number, value: Json): void => {
    const decoded = decodeEvidence(value);
    if (!decoded.ok) {
      unreadable += 1;
      complain(`record ${seq} is no evidence: ${decoded.error.reason}`);
      return;
    }
    const record = decoded.value;
    switch (record.type) {
      case 'round.planned':
        open.set(record.roundId, { plan: record, outcomes: new Map(), repeated: 0 });
        planned += pairsOf(record);
        return;
      case 'answer.judged':
        judge(seq, record);
        return;
      case 'round.settled': {
        const account = close(record.roundId);
        if (account === undefined) {
          complain(`record ${seq} ends round ${record.roundId}, which is not open`);
          return;
        }
        const { plan, outcomes, repeated } = account;
        const counts = countOutcomes(outcomes.values());
        const imbalance = imbalanceOf({ plan, decided: outcomes.size, repeated, counts, settled: record });
        if (imbalance !== null)
          complain(
            `round ${record.roundId} does not add up: ${imbalance.planned} pairs planned, ${imbalance.decided} decided, ${imbalance.repeated} twice`,
          );
        return;
      }
      case 'round.abandoned': {
        const account = close(record.roundId);
        if (account !== undefined) abandoned += pairsOf(account.plan) - account.outcomes.size;
        return;
      }
      case 'epoch.scored':
        return;
    }
  };

  const finish = (): RequestReport => {
    let openPairs = 0;
    let total = decided;
    for (const { plan, outcomes, repeated } of open.values()) {
      openPairs += pairsOf(plan) - outcomes.size;
      total = addOutcomes(total, countOutcomes(outcomes.values()));
      if (repeated > 0) complain(`round ${plan.roundId} is open and decided ${repeated} pairs twice`);
    }
    return {
      planned,
      decided: total,
      open: openPairs,
      abandoned,
      openRounds: open.size,
      unreadable,
      problems,
    };
  };

  return { accept, finish };
};
