import type { PromiseActorLogic } from 'xstate';

import type { ChainFailure, StoreFailure } from '../domain/failures.ts';
import type { BlockNumber, EpochIndex } from '../domain/ids.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { CommittedWeights, RevealLoss, RevealVerdict } from '../domain/reveals.ts';
import type { WeightVector } from '../domain/weightVector.ts';

/** What is known of own commits. */
export type Commits = {
  /** Commits whose end is not known yet, oldest first. */
  readonly watched: readonly CommittedWeights[];
  /** Hashes of the last commits whose end was reported: none is reported twice. */
  readonly settled: readonly string[];
};

export type RevealsRead = {
  readonly block: BlockNumber;
  /** A commit that stands on chain and was not watched: a predecessor died before it could hand it over. */
  readonly recalled: CommittedWeights | null;
  /** One for each commit asked about, and for the recalled one. */
  readonly verdicts: readonly RevealVerdict[];
};

/** Reads at the newest finalized head what became of commits. Keeps the plaintext of lost ones before it answers. */
export type ReadReveals = PromiseActorLogic<Outcome<RevealsRead, ChainFailure | StoreFailure>, Commits>;

export type WeightRevealEvent =
  | { readonly type: 'block.finalized'; readonly block: BlockNumber }
  /** Weight-setting found a commit in a finalized block. */
  | ({ readonly type: 'commit.stood' } & CommittedWeights);

type RevealFields = {
  readonly epoch: EpochIndex;
  readonly block: BlockNumber;
  readonly commitHash: string;
  readonly revealRound: number;
};

export type WeightRevealFact =
  | ({ readonly type: 'weights.revealed' } & RevealFields)
  | ({ readonly type: 'weights.superseded' } & RevealFields)
  | ({
      readonly type: 'weights.unrevealed';
      readonly loss: RevealLoss;
      readonly advice: string;
      /** No secret any more: the round it was locked to is out. */
      readonly vector: WeightVector;
    } & RevealFields);

/** One commit per epoch, and at most 100 epochs until its reveal (`MAX_REVEAL_PERIOD_EPOCHS`). */
export const maxWatched = 128;
const maxSettled = 128;

const advices: Readonly<Record<RevealLoss, string>> = {
  expired:
    'the chain ended the reveal epoch without opening it, as happens when pulses of its beacon are missing or late: the weights before stay in force. Nothing can be sent for that epoch; the next one commits anew. The plaintext is kept in the data folder',
  dropped:
    'the chain opened it and refused it: check stake, permit and version key of this hotkey with `miaoai doctor`. The weights before stay in force; the next epoch commits anew. The plaintext is kept in the data folder',
  deregistered:
    'this hotkey lost its uid after the commit, and the weights with it: register it again. The plaintext is kept in the data folder',
};

/** A commit joins the watch once; of more than the bound the oldest are given up. */
export const watching = (
  { watched, settled }: Commits,
  commit: CommittedWeights,
): Pick<Commits, 'watched'> => {
  const { commitHash } = commit.plan;
  const isKnown = settled.includes(commitHash) || watched.some(({ plan }) => plan.commitHash === commitHash);
  if (isKnown) return { watched };
  const all = [...watched, commit].toSorted((a, b) => a.committedAtBlock - b.committedAtBlock);
  return { watched: all.slice(-maxWatched) };
};

const factOf = (
  commit: CommittedWeights,
  verdict: RevealVerdict,
  block: BlockNumber,
): WeightRevealFact | null => {
  const { epoch, plan, vector } = commit;
  const fields = { epoch, block, commitHash: plan.commitHash, revealRound: plan.revealRound };
  switch (verdict.is) {
    case 'waiting':
      return null;
    case 'standing':
      return { type: 'weights.revealed', ...fields };
    case 'superseded':
      return { type: 'weights.superseded', ...fields };
    case 'lost':
      return {
        type: 'weights.unrevealed',
        ...fields,
        loss: verdict.loss,
        advice: advices[verdict.loss],
        vector,
      };
  }
};

const verdictOn = (commit: CommittedWeights, { verdicts }: RevealsRead): RevealVerdict | undefined =>
  verdicts.find(({ commitHash }) => commitHash === commit.plan.commitHash);

/** What the root is told of a reading, oldest commit first. */
export const factsOf = (commits: Commits, read: RevealsRead): readonly WeightRevealFact[] =>
  commits.watched.flatMap((commit) => {
    const verdict = verdictOn(commit, read);
    const fact = verdict === undefined ? null : factOf(commit, verdict, read.block);
    return fact === null ? [] : [fact];
  });

/** The watch after a reading: what is decided leaves it, what waits is looked at again when its epoch begins. */
export const afterReading = (commits: Commits, read: RevealsRead): Commits => {
  const watched = commits.watched.flatMap((commit) => {
    const verdict = verdictOn(commit, read);
    if (verdict === undefined) return [commit];
    if (verdict.is !== 'waiting') return [];
    return [{ ...commit, plan: { ...commit.plan, revealsFromBlock: verdict.notBeforeBlock } }];
  });
  const decided = read.verdicts.filter(({ is }) => is !== 'waiting').map(({ commitHash }) => commitHash);
  return { watched, settled: [...commits.settled, ...decided].slice(-maxSettled) };
};

/** Whether any commit may have been opened by this block. */
export const isRevealDue = ({ watched }: Commits, block: BlockNumber): boolean =>
  watched.some(({ plan }) => block >= plan.revealsFromBlock);
