import type { RoundRow } from '../../src/domain/view/validatorView.ts';
import { percentText } from './format.ts';

export type Outcome = Exclude<keyof RoundRow['counts'], 'dispatched'>;

/** How an answer can end, the good one first; each pair of task and miner ends in exactly one. */
export const outcomes: readonly { readonly key: Outcome; readonly word: string; readonly help: string }[] = [
  { key: 'judged', word: 'judged', help: 'Answered in time and graded.' },
  { key: 'invalid', word: 'invalid', help: 'Answered, but not with what was asked for.' },
  { key: 'refused', word: 'refused', help: 'The miner said that it would not.' },
  { key: 'missed', word: 'missed', help: 'No answer by the deadline.' },
  { key: 'late', word: 'late', help: 'An answer after the deadline; it does not count.' },
  { key: 'unreachable', word: 'unreachable', help: 'No link to the miner when the round began.' },
  { key: 'lost', word: 'lost', help: 'Could not be recorded; counts against nobody.' },
];

/** Pairs of task and miner that a round asks. */
export const pairsOf = (round: RoundRow): number => round.cohort * round.tasks;

export const answeredShare = (round: RoundRow): string =>
  pairsOf(round) === 0 ? '–' : percentText(round.counts.judged / pairsOf(round), 0);
