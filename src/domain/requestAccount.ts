import type { RoundPlanned, RoundSettled } from './evidence.ts';
import { AnswerOutcome } from './task.ts';

/**
 * The books of requests: what was planned for a round is asked of somebody and ends exactly once, so that
 * `dispatched = judged + invalid + refused + missed + late + unreachable + lost`.
 */
export type OutcomeCounts = Readonly<Record<AnswerOutcome, number>>;

/** Outcomes and what they add up to. `lost` was never decided because of this validator, and counts against nobody. */
export type RequestTotals = OutcomeCounts & { readonly dispatched: number };

export const noOutcomes: OutcomeCounts = {
  judged: 0,
  invalid: 0,
  refused: 0,
  missed: 0,
  late: 0,
  unreachable: 0,
  lost: 0,
};

export const countOutcomes = (outcomes: Iterable<AnswerOutcome>): OutcomeCounts => {
  const counts = { ...noOutcomes };
  for (const outcome of outcomes) counts[outcome] += 1;
  return counts;
};

export const addOutcomes = (a: OutcomeCounts, b: OutcomeCounts): OutcomeCounts => {
  const sum = { ...a };
  for (const outcome of AnswerOutcome.literals) sum[outcome] += b[outcome];
  return sum;
};

/** What a settlement states. Records of earlier releases have no `lost`. */
export const statedOutcomes = (settled: RoundSettled): OutcomeCounts => {
  const { judged, invalid, refused, missed, late, unreachable, lost = 0 } = settled;
  return { judged, invalid, refused, missed, late, unreachable, lost };
};

/** One task asked of one miner. */
export const pairKeyOf = (taskId: string, hotkey: string): string => `${taskId}/${hotkey}`;

/** Whether something came back that is on record: such a reply is acknowledged, however often it is sent. */
export const hasReply = (outcome: AnswerOutcome): boolean =>
  outcome === 'judged' || outcome === 'invalid' || outcome === 'refused' || outcome === 'late';

/** Why the books of one round do not add up: a defect, never the doing of a peer. */
export type RequestImbalance = {
  readonly roundId: string;
  /** Pairs of task and miner in the plan. */
  readonly planned: number;
  /** Pairs that have an outcome. */
  readonly decided: number;
  /** Verdicts beyond the first one of a pair. */
  readonly repeated: number;
  readonly counts: OutcomeCounts;
  /** What the settlement says, where there is one already. */
  readonly stated: RequestTotals | null;
};

export type RoundAccount = {
  readonly plan: RoundPlanned;
  /** Pairs that have an outcome. */
  readonly decided: number;
  readonly repeated: number;
  /** Of all verdicts. */
  readonly counts: OutcomeCounts;
  readonly settled: RoundSettled | null;
};

export const pairsOf = ({ tasks, cohort }: RoundPlanned): number => tasks.length * cohort.length;

/** Checks the books of a round that is over; null when they add up. */
export const imbalanceOf = (account: RoundAccount): RequestImbalance | null => {
  const { plan, decided, repeated, counts, settled } = account;
  const planned = pairsOf(plan);
  const total = AnswerOutcome.literals.reduce((sum, outcome) => sum + counts[outcome], 0);
  const stated = settled === null ? null : { dispatched: settled.dispatched, ...statedOutcomes(settled) };
  const agrees =
    stated === null ||
    (stated.dispatched === planned &&
      AnswerOutcome.literals.every((outcome) => stated[outcome] === counts[outcome]));
  if (agrees && repeated === 0 && decided === planned && total === planned) return null;
  return { roundId: plan.roundId, planned, decided, repeated, counts, stated };
};
