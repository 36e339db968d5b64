import { describe, expect, it } from 'vitest';

import type { SubnetSnapshot } from '#src/domain/metagraph.ts';
import { type CommittedWeights, judgeReveals } from '#src/domain/reveals.ts';
import type { WaitingCommit } from '#src/domain/submissionFacts.ts';
import type { WeightVector } from '#src/domain/weightVector.ts';
import { commitOf, hashOf } from '#test/support/commits.ts';
import { neuron } from '#test/support/machinesSubnet.ts';
import { committing, own, waitingCommit } from '#test/support/submissionFacts.ts';

const nothing: WeightVector = { uids: [], values: [] };
const commit = commitOf();
const row = commit.vector;

/** Block 545 of epoch 8, in which the chain opens the commits of epoch 7. */
const read = (given: {
  readonly commits?: readonly CommittedWeights[];
  readonly row?: WeightVector;
  readonly waiting?: readonly WaitingCommit[];
  readonly subnet?: Partial<SubnetSnapshot>;
  readonly lastUpdate?: number;
  readonly registered?: number | null;
  readonly minerRegistered?: number;
  readonly period?: number;
}) => {
  const { lastUpdate = 200, registered = 10, minerRegistered = 5, period = 1 } = given;
  const self = { ...neuron(1, own, null), lastUpdate, blockAtRegistration: registered ?? 0 };
  const neurons = [neuron(0, '5A', 1), self, { ...neuron(2, '5B', 1), blockAtRegistration: minerRegistered }];
  const facts = committing({
    rules: { revealPeriodEpochs: period },
    waitingCommits: given.waiting ?? [],
    subnet: {
      block: 545,
      epochIndex: 8,
      lastEpochBlock: 540,
      nextEpochBlock: 900,
      neurons: registered === null ? neurons.slice(0, 1) : neurons,
      ...given.subnet,
    },
  });
  return judgeReveals(given.commits ?? [commit], { facts, row: given.row ?? nothing });
};

const first = (given: Parameters<typeof read>[0]) => read(given)[0];
const queued = waitingCommit({ epoch: 7, committedAtBlock: 200, commitHash: hashOf(1) });

describe('domain / reveals', () => {
  it('waits while the commit is in the queue, whatever the row says', () => {
    const before = { block: 300, epochIndex: 7, lastEpochBlock: 180, nextEpochBlock: 540 };
    expect(first({ waiting: [queued], subnet: before, row })).toEqual({
      commitHash: hashOf(1),
      is: 'waiting',
      notBeforeBlock: 540,
    });
    expect(first({ waiting: [queued], subnet: before, period: 3 })).toMatchObject({ notBeforeBlock: 1_260 });
    expect(first({ waiting: [queued] })).toMatchObject({ is: 'waiting', notBeforeBlock: 546 });
  });

  it('goes by the epoch the chain put the commit into, not by the plan', () => {
    const late = { ...queued, epoch: 8 };
    expect(first({ waiting: [late] })).toMatchObject({ is: 'waiting', notBeforeBlock: 900 });
  });

  it('waits where an endpoint lags behind the commit', () => {
    const before = { block: 190, epochIndex: 7, lastEpochBlock: 180, nextEpochBlock: 540 };
    expect(first({ subnet: before })).toMatchObject({ is: 'waiting', notBeforeBlock: 540 });
  });

  it('stands when the row holds the vector as the chain scales it', () => {
    expect(first({ row })).toEqual({ commitHash: hashOf(1), is: 'standing' });
    const small = commitOf({ vector: { uids: [0, 2], values: [1, 2] } });
    expect(first({ commits: [small], row: { uids: [0, 2], values: [32_768, 65_535] } })).toMatchObject({
      is: 'standing',
    });
    expect(first({ row: { uids: [2, 0], values: [65_535, 3] } })).toMatchObject({ is: 'standing' });
  });

  it('leaves out uids that were given away since: the chain clears what was set for them', () => {
    const cleared = { uids: [0], values: [3] };
    expect(first({ row: cleared })).toMatchObject({ is: 'lost' });
    expect(first({ row: cleared, minerRegistered: 543 })).toMatchObject({ is: 'standing' });
  });

  it('is lost when it left the queue and the row does not hold it', () => {
    expect(first({})).toMatchObject({ is: 'lost', loss: 'dropped' });
    expect(first({ row: { uids: [0], values: [65_535] } })).toMatchObject({ is: 'lost', loss: 'dropped' });
    const over = { block: 905, epochIndex: 9, lastEpochBlock: 900, nextEpochBlock: 1_260 };
    expect(first({ subnet: over })).toMatchObject({ is: 'lost', loss: 'expired' });
    expect(first({ subnet: over, period: 2 })).toMatchObject({ is: 'lost', loss: 'dropped' });
  });

  it('is lost with the uid of the hotkey', () => {
    expect(first({ registered: null })).toMatchObject({ is: 'lost', loss: 'deregistered' });
    expect(first({ registered: 400, lastUpdate: 400 })).toMatchObject({ is: 'lost', loss: 'deregistered' });
  });

  it('is superseded by newer weights of ours that are in force', () => {
    const newer = commitOf({
      epoch: 8,
      hash: hashOf(2),
      committedAtBlock: 600,
      vector: { uids: [0], values: [65_535] },
    });
    const later = { block: 905, epochIndex: 9, lastEpochBlock: 900, nextEpochBlock: 1_260 };
    const verdicts = read({
      commits: [commit, newer],
      row: newer.vector,
      subnet: later,
      lastUpdate: 600,
    });
    expect(verdicts.map(({ is }) => is)).toEqual(['superseded', 'standing']);
    const lost = read({ commits: [commit, newer], subnet: later, lastUpdate: 600 });
    expect(lost.map(({ is }) => is)).toEqual(['lost', 'lost']);
  });

  it('is superseded by plain weights set since, not by a commit that still waits', () => {
    expect(first({ lastUpdate: 542 })).toMatchObject({ is: 'superseded' });
    const next = waitingCommit({ epoch: 8, committedAtBlock: 542, commitHash: hashOf(9) });
    expect(first({ lastUpdate: 542, waiting: [next] })).toMatchObject({ is: 'lost', loss: 'dropped' });
  });
});
