import type { BlockNumber, EpochIndex } from '../domain/ids.ts';
import type { Neuron, SubnetSnapshot } from '../domain/metagraph.ts';
import type { CommittedWeights } from '../domain/reveals.ts';
import type { SubmissionFacts } from '../domain/submissionFacts.ts';
import type { WeightsDue } from '../machines/weightSubmission.ts';
import type { WeightIntent } from './weightIntent.ts';

const neuronOf = ({ subnet, hotkey }: SubmissionFacts): Neuron | undefined =>
  subnet.neurons.find((neuron) => neuron.hotkey === hotkey);

/** First block in which weights no longer count for the epoch; exact for the present epoch and the one before it. */
const countsUntil = (due: WeightsDue, subnet: SubnetSnapshot): number => {
  if (subnet.epochIndex <= due.epoch) return Number.POSITIVE_INFINITY;
  return subnet.epochIndex === due.epoch + 1 ? subnet.lastEpochBlock : due.endsAtBlock;
};

/** Whether bytes of an intent can have been included in this block. */
const isWithinLife = ({ signedAtBlock, prepared }: WeightIntent, block: BlockNumber): boolean =>
  block > signedAtBlock && block < prepared.expiresAtBlock;

/**
 * Block of the weights or the commit that stands for this epoch, null when there is none. Registration moves LastUpdate
 * too. Also asked when the epoch is over, after a downtime: LastUpdate outlasts the state of old blocks. A change of
 * tempo moves the start of the epoch under way past weights that stand; what was signed for the epoch shows it.
 */
export const standingSince = (
  facts: SubmissionFacts,
  due: WeightsDue,
  intent: WeightIntent | null,
): BlockNumber | null => {
  const neuron = neuronOf(facts);
  if (neuron === undefined) return null;
  const { lastUpdate, blockAtRegistration } = neuron;
  const isOfEpoch =
    lastUpdate >= due.lastEpochBlock || (intent?.epoch === due.epoch && isWithinLife(intent, lastUpdate));
  return isOfEpoch && lastUpdate < countsUntil(due, facts.subnet) && lastUpdate > blockAtRegistration
    ? lastUpdate
    : null;
};

/** What the bytes of an intent have locked in, and those before them that bore the same nonce; the newest first. */
const sealedOf = ({ sealed, earlier }: WeightIntent) =>
  [sealed, earlier].filter((content) => content !== null);

/** Whether weights that stand since this block can be the ones of the intent. */
export const isExplainedBy = (
  intent: WeightIntent | null,
  facts: SubmissionFacts,
  standing: { readonly epoch: EpochIndex; readonly block: BlockNumber },
): boolean => {
  if (intent === null || intent.epoch !== standing.epoch) return false;
  return (
    (intent.sealed === null && isWithinLife(intent, standing.block)) ||
    standingCommit(intent, facts)?.committedAtBlock === standing.block
  );
};

/**
 * The commit of an intent, where it is on chain: it waits in the queue, or the chain may have opened it and LastUpdate
 * lies within the life of its bytes. null for plain weights, and for bytes that never got in.
 */
export const standingCommit = (
  intent: WeightIntent | null,
  facts: SubmissionFacts,
): CommittedWeights | null => {
  if (intent === null) return null;
  const { epoch } = intent;
  const candidates = sealedOf(intent);
  for (const candidate of candidates) {
    const queued = facts.waitingCommits.find(({ commitHash }) => commitHash === candidate.plan.commitHash);
    if (queued !== undefined) return { epoch, committedAtBlock: queued.committedAtBlock, ...candidate };
  }
  const [sealed] = candidates;
  if (sealed === undefined) return null;
  // Nothing leaves the queue before its reveal epoch: what moved LastUpdate meanwhile was another program's.
  const { epochIndex, hyperparameters } = facts.subnet;
  if (epochIndex < sealed.plan.commitEpoch + hyperparameters.revealPeriodEpochs) return null;
  const neuron = neuronOf(facts);
  if (neuron === undefined || neuron.lastUpdate === neuron.blockAtRegistration) return null;
  const { lastUpdate } = neuron;
  return isWithinLife(intent, lastUpdate) ? { epoch, committedAtBlock: lastUpdate, ...sealed } : null;
};
