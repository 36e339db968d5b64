import * as Schema from 'effect/Schema';

import { BlockNumber, EpochIndex } from './ids.ts';
import { maxUpscale } from './maxUpscale.ts';
import type { Neuron, SubnetSnapshot } from './metagraph.ts';
import type { SubmissionFacts, WaitingCommit } from './submissionFacts.ts';
import { WeightVector } from './weightVector.ts';

/** When and how the chain opens a timelocked commit, as it is stored; see `RevealPlan`. */
export const StoredRevealPlan = Schema.Struct({
  commitEpoch: EpochIndex,
  revealRound: Schema.Int,
  commitHash: Schema.String.check(Schema.isPattern(/^0x[0-9a-f]{64}$/)),
  revealsFromBlock: BlockNumber,
});

/** A commit that stands on chain, with what is locked in it. */
export const CommittedWeights = Schema.Struct({
  /** Epoch these weights were computed for. */
  epoch: EpochIndex,
  committedAtBlock: BlockNumber,
  plan: StoredRevealPlan,
  /** Plaintext; nobody else may read it before the reveal epoch. */
  vector: WeightVector,
});
export type CommittedWeights = typeof CommittedWeights.Type;

/**
 * Why the chain never put weights into force that it had taken.
 *
 * - `expired`: still locked when their reveal epoch ended: the beacon's pulse did not reach the chain in time.
 * - `dropped`: opened, or not openable, and refused: stake, permit, version key, a uid that is gone, a bad ciphertext.
 * - `deregistered`: the hotkey lost its uid, and with it its commits, after the commit.
 */
export type RevealLoss = 'expired' | 'dropped' | 'deregistered';

/** What became of one commit. */
export type RevealVerdict = { readonly commitHash: string } & (
  | { readonly is: 'waiting'; readonly notBeforeBlock: BlockNumber }
  | { readonly is: 'standing' }
  /** Newer weights of this hotkey are in force: nothing is lost. */
  | { readonly is: 'superseded' }
  | { readonly is: 'lost'; readonly loss: RevealLoss }
);

/** All of one block. */
export type RevealReading = {
  readonly facts: SubmissionFacts;
  /** The hotkey's own weights in force; empty where it has none or no uid. */
  readonly row: WeightVector;
};

const pairsOf = (
  { uids, values }: WeightVector,
  ignored: ReadonlySet<number>,
): readonly (readonly [uid: number, value: number])[] =>
  uids
    .map((uid, index) => [uid, values[index] ?? 0] as const)
    .filter(([uid, value]) => value > 0 && !ignored.has(uid))
    .toSorted(([a], [b]) => a - b);

/**
 * Whether a row on chain holds this vector, scaled as the chain scales it. uids that were given to another hotkey since
 * the commit do not count: the chain clears what others had set for them.
 */
export const isInForce = (row: WeightVector, commit: CommittedWeights, subnet: SubnetSnapshot): boolean => {
  const { uids, values } = commit.vector;
  const scaled = { uids, values: maxUpscale(values) };
  const replaced = subnet.neurons.filter((neuron) => neuron.blockAtRegistration > commit.committedAtBlock);
  const ignored = new Set(replaced.map(({ uid }) => uid));
  return JSON.stringify(pairsOf(row, ignored)) === JSON.stringify(pairsOf(scaled, ignored));
};

/** First block of the epoch in which the chain opens a commit, at today's schedule; the next one if that has begun. */
const opensAt = (subnet: SubnetSnapshot, commitEpoch: EpochIndex): BlockNumber => {
  const { tempo, revealPeriodEpochs } = subnet.hyperparameters;
  const epochsAhead = commitEpoch + revealPeriodEpochs - subnet.epochIndex;
  return epochsAhead <= 0 ? subnet.block + 1 : subnet.nextEpochBlock + (epochsAhead - 1) * tempo;
};

/** Whether something newer than all our commits acted on the row: plain weights, or a commit of another process. */
const isOvertaken = (neuron: Neuron, newest: BlockNumber, waiting: readonly WaitingCommit[]): boolean =>
  neuron.lastUpdate > newest &&
  neuron.lastUpdate > neuron.blockAtRegistration &&
  !waiting.some(({ committedAtBlock }) => committedAtBlock === neuron.lastUpdate);

/** The chain is done with this commit, and the row does not hold it. */
const fateOf = (
  commit: CommittedWeights,
  commits: readonly CommittedWeights[],
  { facts, row }: RevealReading,
): { readonly is: 'superseded' } | { readonly is: 'lost'; readonly loss: RevealLoss } => {
  const { subnet, hotkey, waitingCommits } = facts;
  const neuron = subnet.neurons.find((other) => other.hotkey === hotkey);
  if (neuron === undefined || neuron.blockAtRegistration > commit.committedAtBlock) {
    return { is: 'lost', loss: 'deregistered' };
  }
  const newer = commits.filter(({ committedAtBlock }) => committedAtBlock > commit.committedAtBlock);
  const newest = Math.max(commit.committedAtBlock, ...newer.map(({ committedAtBlock }) => committedAtBlock));
  const isReplaced = newer.some((other) => isInForce(row, other, subnet));
  if (isReplaced || isOvertaken(neuron, newest, waitingCommits)) return { is: 'superseded' };
  const revealEpoch = commit.plan.commitEpoch + subnet.hyperparameters.revealPeriodEpochs;
  return { is: 'lost', loss: subnet.epochIndex > revealEpoch ? 'expired' : 'dropped' };
};

const verdictOf = (
  commit: CommittedWeights,
  commits: readonly CommittedWeights[],
  reading: RevealReading,
): RevealVerdict => {
  const { subnet, waitingCommits } = reading.facts;
  const { commitHash, commitEpoch } = commit.plan;
  const queued = waitingCommits.find((waiting) => waiting.commitHash === commitHash);
  if (queued !== undefined)
    return { commitHash, is: 'waiting', notBeforeBlock: opensAt(subnet, queued.epoch) };
  // Opened or not, its time has not come: this endpoint lags behind the one that had the commit.
  if (subnet.epochIndex < commitEpoch + subnet.hyperparameters.revealPeriodEpochs) {
    return { commitHash, is: 'waiting', notBeforeBlock: opensAt(subnet, commitEpoch) };
  }
  if (isInForce(reading.row, commit, subnet)) return { commitHash, is: 'standing' };
  return { commitHash, ...fateOf(commit, commits, reading) };
};

/**
 * What became of commits, by one block: the queue of those that wait, and the weights in force. A commit that left the
 * queue in its reveal epoch or later was opened, refused or dropped, and the row says which; the chain itself is silent
 * about all but success (subtensor coinbase/reveal_commits.rs).
 */
export const judgeReveals = (
  commits: readonly CommittedWeights[],
  reading: RevealReading,
): readonly RevealVerdict[] => commits.map((commit) => verdictOf(commit, commits, reading));
