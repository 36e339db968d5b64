import type { Hyperparameters, Neuron, SubnetSnapshot } from '#src/domain/metagraph.ts';
import type { Beacon, SubmissionFacts, WaitingCommit } from '#src/domain/submissionFacts.ts';
import { neuron, subnetAt } from './machinesSubnet.ts';

/** Facts of a hotkey that may set weights at block 200, in epoch 7 (blocks 180 to 540) of a subnet of tempo 360. */
export const own = '5Own';

/** Drand's quicknet as the chain follows it: pulses every 3 s. */
export const beacon: Beacon = {
  publicKey: '0x83',
  genesisTimeS: 1_692_803_367,
  periodS: 3,
  lastStoredRound: 1_000,
};

/** Time at which round `beacon.lastStoredRound` was published, in ms. */
export const pulseMs = (beacon.genesisTimeS + 999 * beacon.periodS) * 1_000;

type Given = {
  readonly neuron?: Partial<Neuron>;
  readonly rules?: Partial<Hyperparameters>;
  readonly subnet?: Partial<SubnetSnapshot>;
  readonly waitingCommits?: readonly WaitingCommit[];
  readonly beacon?: Beacon | null;
  readonly blockTimeMs?: number;
};

export const factsOf = (given: Given = {}): SubmissionFacts => {
  const base = subnetAt({ block: 200, lastEpochBlock: 180, nextEpochBlock: 540 });
  const ownNeuron: Neuron = {
    ...neuron(1, own, null),
    stake: 1_000,
    lastUpdate: 100,
    blockAtRegistration: 10,
    ...given.neuron,
  };
  return {
    subnet: {
      ...base,
      hyperparameters: { ...base.hyperparameters, stakeThreshold: 1_000, ...given.rules },
      neurons: [neuron(0, '5Other', 1), ownNeuron],
      ...given.subnet,
    },
    hotkey: own,
    waitingCommits: given.waitingCommits ?? [],
    beacon: given.beacon === undefined ? beacon : given.beacon,
    blockTimeMs: given.blockTimeMs ?? pulseMs,
  };
};

/** The same on a subnet with commit-reveal. */
export const committing = (given: Given = {}): SubmissionFacts =>
  factsOf({ ...given, rules: { commitRevealWeightsEnabled: true, ...given.rules } });

export const waitingCommit = (given: Partial<WaitingCommit> = {}): WaitingCommit => ({
  epoch: 7,
  committedAtBlock: 190,
  revealRound: 1_100,
  commitHash: '0xc0',
  ...given,
});
