import type { Retry, SubmitFailure } from './failures.ts';
import type { BlockNumber } from './ids.ts';
import { type PruningOutlook, pruningOutlook } from './pruning.ts';
import type { SubmissionFacts } from './submissionFacts.ts';
import { commitChecks, plainChecks } from './weightForecastChecks.ts';
import { outlookChecks } from './weightForecastOutlook.ts';
import type { WeightVector } from './weightVector.ts';

/** Everything a submission of weights is judged by. */
export type ForecastRequest = {
  /** All of one block. */
  readonly facts: SubmissionFacts;
  /** The weights to be sent; without them their shape is not judged. */
  readonly vector?: WeightVector | null;
  readonly versionKey: number;
};

/** One check. Plain JSON. */
export type WeightCheck = {
  /** Name of the pallet's error that its failure raises, where the chain checks it; else a name of this program. */
  readonly check: string;
  /** `required`: the chain refuses weights, or drops them at their reveal. Nothing else keeps weights from being sent. */
  readonly level: 'required' | 'warning' | 'information';
  readonly ok: boolean;
  /** What is the case and, where it fails, what to do. */
  readonly message: string;
  /** When another try is worth it; `never`: not before somebody acts. null where the check passes. */
  readonly retry: Retry | null;
  /** First block at which it passes if nothing else changes; null where it passes, or where no block clears it. */
  readonly clearsAtBlock: BlockNumber | null;
};

export type WeightForecast = {
  /** Block of the facts. */
  readonly block: BlockNumber;
  /** How weights go to the chain now: directly, or as a timelocked commit that the chain opens later. */
  readonly mode: 'plain' | 'commitReveal';
  readonly isAccepted: boolean;
  /**
   * Next block that accepts weights: the one after `block` when all is well; null when no block does by itself, and
   * somebody has to act.
   */
  readonly nextAcceptedBlock: BlockNumber | null;
  /** Required checks in the order in which pool, dispatch and reveal would refuse; then what else is worth knowing. */
  readonly checks: readonly WeightCheck[];
  /** null when not registered. */
  readonly pruning: PruningOutlook | null;
};

/** Checks that keep weights from being accepted. */
const refusing = (checks: readonly WeightCheck[]): readonly WeightCheck[] =>
  checks.filter(({ level, ok }) => level === 'required' && !ok);

const nextAccepted = (block: BlockNumber, failing: readonly WeightCheck[]): BlockNumber | null => {
  const clears = failing.map(({ clearsAtBlock }) => clearsAtBlock);
  const known = clears.filter((at) => at !== null);
  return known.length < clears.length ? null : Math.max(block + 1, ...known);
};

/**
 * Would the chain accept weights of this hotkey, and if not, which checks fail and at which block they clear. Named in
 * the order of transaction pool, dispatch and, for commits, reveal (subtensor extensions/guards, subnets/weights.rs),
 * so that nothing is sent in vain. The facts' own block counts: a rate limit that has passed holds in later blocks too.
 */
export const forecastWeights = (request: ForecastRequest): WeightForecast => {
  const { facts } = request;
  const { block, hyperparameters } = facts.subnet;
  const pruning = pruningOutlook(facts.subnet, facts.hotkey);
  const mode = hyperparameters.commitRevealWeightsEnabled ? 'commitReveal' : 'plain';
  const required = mode === 'plain' ? plainChecks(request) : commitChecks(request);
  const failing = refusing(required);
  return {
    block,
    mode,
    isAccepted: failing.length === 0,
    nextAcceptedBlock: nextAccepted(block, failing),
    checks: [...required, ...outlookChecks(request, pruning)],
    pruning,
  };
};

/** The first check that refuses, as a failure a machine can keep; null when weights are accepted. */
export const firstRefusal = ({ checks }: WeightForecast): SubmitFailure | null => {
  const [first] = refusing(checks);
  if (first === undefined) return null;
  const { check, message, retry } = first;
  return { _tag: 'Refused', check, message, retry: retry ?? { when: 'nextBlock' } };
};
