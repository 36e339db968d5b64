import type { BlockNumber } from '../domain/ids.ts';
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

/**
 * Block of the weights or the commit that stands for this epoch, null when there is none. Registration moves LastUpdate
 * too. Also asked when the epoch is over, after a downtime: LastUpdate outlasts the state of old blocks.
 */
export const standingSince = (facts: SubmissionFacts, due: WeightsDue): BlockNumber | null => {
  const neuron = neuronOf(facts);
  return neuron !== undefined &&
    neuron.lastUpdate >= due.lastEpochBlock &&
    neuron.lastUpdate < countsUntil(due, facts.subnet) &&
    neuron.lastUpdate > neuron.blockAtRegistration
    ? neuron.lastUpdate
    : null;
};

/**
 * The commit of an intent, where it is on chain: it waits in the queue, or has left it and LastUpdate lies within the
 * life of its bytes. null for plain weights, and for bytes that never got in.
 */
export const standingCommit = (
  intent: WeightIntent | null,
  facts: SubmissionFacts,
): CommittedWeights | null => {
  if (intent === null || intent.sealed === null) return null;
  const { epoch, sealed, signedAtBlock, prepared } = intent;
  const queued = facts.waitingCommits.find(({ commitHash }) => commitHash === sealed.plan.commitHash);
  if (queued !== undefined) return { epoch, committedAtBlock: queued.committedAtBlock, ...sealed };
  const neuron = neuronOf(facts);
  if (neuron === undefined || neuron.lastUpdate === neuron.blockAtRegistration) return null;
  const { lastUpdate } = neuron;
  const isWithinLife = lastUpdate > signedAtBlock && lastUpdate < prepared.expiresAtBlock;
  return isWithinLife ? { epoch, committedAtBlock: lastUpdate, ...sealed } : null;
};
