import type { RequestCounts, RequestRow } from '../../../../src/domain/view/minerView.ts';

/** What became of a request: parts that together are all that was received. */
export type Fate = 'acknowledged' | 'waiting' | 'open' | 'refused' | 'failed' | 'lost';

export const fates: readonly { readonly key: Fate; readonly word: string; readonly meaning: string }[] = [
  { key: 'acknowledged', word: 'acknowledged', meaning: 'the validator has the answer on its disk' },
  { key: 'waiting', word: 'answered, not yet acknowledged', meaning: 'on its way to the validator' },
  { key: 'open', word: 'open', meaning: 'in the queue or being computed' },
  { key: 'refused', word: 'refused', meaning: 'the miner was too busy, or the task was none of its own' },
  { key: 'failed', word: 'failed', meaning: 'no answer came about' },
  { key: 'lost', word: 'lost', meaning: 'answered, but no validator took the answer before its deadline' },
];

/** Requests by what became of them. */
export const fatesOf = (counts: RequestCounts): Readonly<Record<Fate, number>> => {
  const { received, answered, acknowledged, refused, failed, lost } = counts;
  return {
    acknowledged,
    waiting: Math.max(0, answered - acknowledged - lost),
    open: Math.max(0, received - answered - refused - failed),
    refused,
    failed,
    lost,
  };
};

/** Share of the requests, in [0, 1], that earned nothing; null before the first. */
export const wastedShare = ({ received, refused, failed, lost }: RequestCounts): number | null =>
  received === 0 ? null : (refused + failed + lost) / received;

export type RequestFilter = { readonly outcome: RequestRow['outcome'] | 'all'; readonly text: string };

/** Requests that pass a filter by outcome and by words in validator, kind and reason. */
export const passing = (
  rows: readonly RequestRow[],
  { outcome, text }: RequestFilter,
): readonly RequestRow[] => {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter((row) => {
    if (outcome !== 'all' && row.outcome !== outcome) return false;
    const line = `${row.validator} ${row.kind} ${row.reason ?? ''}`.toLowerCase();
    return words.every((word) => line.includes(word));
  });
};
