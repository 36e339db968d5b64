import type { Committed, Revealed, WeightsSet } from './chainWatch.ts';
import type { DemoMiner } from './table.ts';

/** The epochs that count, both included. */
export type Span = { readonly first: number; readonly last: number };

/** What the demo prints as its last line with `--json`. */
export type DemoResult = {
  readonly epochs: number;
  readonly commitReveal: boolean;
  readonly block: number;
  /** By the epoch the weights were made in, whenever they came to stand. */
  readonly weightsSet: readonly Omit<WeightsSet, 'validator'>[];
  /** Both empty without commit-reveal. */
  readonly commits: readonly Committed[];
  readonly reveals: readonly Revealed[];
  readonly miners: readonly DemoMiner[];
  /** What became of the weights, for people. */
  readonly summary: string;
  readonly seconds: number;
};

/** What is judged; the rest of the result follows from it. */
export type DemoFacts = Omit<DemoResult, 'summary'>;

/** Judged answers that every miner needs in every epoch for the table to mean something. */
const enoughJudged = 30;

const once = (
  span: Span,
  what: string,
  seen: readonly { readonly epoch: number; readonly block: number }[],
): readonly string[] => {
  const problems: string[] = [];
  for (let epoch = span.first; epoch <= span.last; epoch += 1) {
    const times = seen.filter((one) => one.epoch === epoch).length;
    if (times !== 1) problems.push(`weights of epoch ${epoch} were ${what} ${times} times, not once`);
  }
  return problems;
};

/** What has to be true for the demo to have worked. Empty when all of it is. */
export const problemsOf = (result: DemoFacts, span: Span, fewestJudged: number): readonly string[] => {
  const problems = [...once(span, 'set', result.weightsSet)];
  if (result.commitReveal) {
    problems.push(...once(span, 'committed', result.commits), ...once(span, 'revealed', result.reveals));
  }
  if (fewestJudged < enoughJudged) {
    problems.push(`a miner had only ${fewestJudged} judged answers in an epoch, not ${enoughJudged}`);
  }
  const honest = result.miners.filter(({ behaviour }) => behaviour === 'honest');
  const others = result.miners.filter(({ behaviour }) => behaviour !== 'honest');
  const worstHonest = Math.min(...honest.map(({ incentive }) => incentive));
  const bestOther = Math.max(...others.map(({ incentive }) => incentive));
  if (!(worstHonest > bestOther)) {
    problems.push(`an honest miner earned ${worstHonest}, not more than another's ${bestOther}`);
  }
  if (!honest.every(({ emission }) => emission > 0)) problems.push('an honest miner was paid nothing');
  return problems;
};

/** One sentence: what came true, or all that did not. */
export const summaryOf = (result: DemoFacts, problems: readonly string[]): string => {
  if (problems.length > 0) return `the demo failed: ${problems.join('; ')}`;
  const epochs = result.epochs === 1 ? '1 epoch' : `${result.epochs} epochs`;
  return result.commitReveal
    ? `the weights of ${epochs} were committed, revealed by the chain and rewarded`
    : `the weights of ${epochs} were set and rewarded`;
};
