/**
 * What an operator sees first: is all well, and why not. Levels in rising order of urgency; `starting` is a daemon that
 * has not had the time to be well yet.
 */
export type HealthLevel = 'ok' | 'starting' | 'attention' | 'failing';

/** One thing that is not well. */
export type HealthReason = {
  /** Stable dotted name for alerts and tests: `chain.lost`, `weights.late`, `miner.guessing`. */
  readonly code: string;
  readonly level: Exclude<HealthLevel, 'ok'>;
  /** What is the matter, one sentence with its figures. */
  readonly text: string;
  /** What the operator can do, or that nothing needs to be done. */
  readonly advice: string;
};

export type Verdict = {
  readonly level: HealthLevel;
  /** One sentence: the most urgent reason, and how many more there are. */
  readonly text: string;
  /** Most urgent first. */
  readonly reasons: readonly HealthReason[];
};

const urgency: Readonly<Record<HealthLevel, number>> = { failing: 0, attention: 1, starting: 2, ok: 3 };

/** The verdict over all reasons; `well` is the sentence for a daemon with none. */
export const verdictOf = (reasons: readonly HealthReason[], well: string): Verdict => {
  const sorted = reasons.toSorted((a, b) => urgency[a.level] - urgency[b.level]);
  const [first, ...others] = sorted;
  if (first === undefined) return { level: 'ok', text: well, reasons: [] };
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  return { level: first.level, text: `${first.text}${more}`, reasons: sorted };
};
