import * as Context from 'effect/Context';
import * as Layer from 'effect/Layer';

import type { RoundPlanned } from '../domain/evidence.ts';
import type { Hotkey } from '../domain/ids.ts';
import { noOutcomes, type OutcomeCounts } from '../domain/requestAccount.ts';
import type { AnswerOutcome } from '../domain/task.ts';
import { emptyTrust, type TrustLedger } from '../domain/trust.ts';

/** Outcomes on record by pair (`pairKeyOf`). */
export type Decisions = ReadonlyMap<string, AnswerOutcome>;

/** A round that was planned and has no end yet: its validator died, or could not write. */
export type UnfinishedRound = {
  readonly plan: RoundPlanned;
  /** How often this process tried to hold it. */
  readonly attempts: number;
};

/** A round under way that was begun before. */
export type ResumedRound = {
  readonly decided: Decisions;
  readonly attempts: number;
  /** False: too old, or broken off too often. What has no outcome is lost without being asked again. */
  readonly isAsked: boolean;
};

/** Requests since this process began, for metrics: what rounds that settled since then had planned, by its outcome. */
export type RequestTotals = { dispatched: number; outcomes: OutcomeCounts; unbalancedRounds: number };

/** What of the recorded evidence the running validator keeps at hand. */
export type RoundBookState = {
  /** Plans of rounds under way, truths included: they never enter a machine's context. */
  readonly plans: Map<string, RoundPlanned>;
  /** Those of them that were begun before, by round. */
  readonly resumed: Map<string, ResumedRound>;
  /** Rounds to take up, or to settle, before a new one is drawn; by round, oldest first. */
  readonly unfinished: Map<string, UnfinishedRound>;
  /** Rounds without an end that this process gave up: the next start reads them from the log. */
  leftToNextStart: number;
  /** The ledger after the last scored epoch. */
  trust: TrustLedger;
  /** First sequence number that no scored epoch has counted. */
  nextFromSeq: number;
  /** Last scored epoch; null before the first. */
  scoredEpoch: number | null;
  /** Tasks asked of each miner since the last cut, for a fair choice of cohorts. */
  readonly asked: Map<Hotkey, number>;
  readonly totals: RequestTotals;
};

export class RoundBook extends Context.Service<RoundBook, RoundBookState>()('actors/RoundBook') {
  static readonly layer = Layer.sync(RoundBook, () => ({
    plans: new Map<string, RoundPlanned>(),
    resumed: new Map<string, ResumedRound>(),
    unfinished: new Map<string, UnfinishedRound>(),
    leftToNextStart: 0,
    trust: emptyTrust,
    nextFromSeq: 0,
    scoredEpoch: null,
    asked: new Map<Hotkey, number>(),
    totals: { dispatched: 0, outcomes: noOutcomes, unbalancedRounds: 0 },
  }));
}
