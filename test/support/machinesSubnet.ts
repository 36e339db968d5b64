import type { Axon, Neuron, SubnetSnapshot } from '#src/domain/metagraph.ts';

/** A neuron whose hotkey is its name; without a port it publishes no axon. */
export const neuron = (uid: number, hotkey: string, port: number | null): Neuron => ({
  uid,
  hotkey,
  coldkey: `cold-${hotkey}`,
  axon: port === null ? null : axonAt(port),
  active: true,
  validatorPermit: port === null,
  lastUpdate: 0,
  blockAtRegistration: 0,
  stake: uid * 10,
  incentive: 0,
  dividends: 0,
  consensus: 0,
  validatorTrust: 0,
  emissionRao: 0,
});

export const axonAt = (port: number): Axon => ({ ip: '192.0.2.1', port });

/** A subnet of tempo 360 in its epoch 7, unless told otherwise. */
export const subnetAt = (given: Partial<SubnetSnapshot>): SubnetSnapshot => ({
  netuid: 86,
  block: 100,
  blockHash: `0x${given.block ?? 100}`,
  specVersion: 425,
  epochIndex: 7,
  lastEpochBlock: 90,
  nextEpochBlock: 450,
  ownerHotkey: null,
  hyperparameters: {
    tempo: 360,
    weightsVersionKey: 2_208,
    weightsSetRateLimitBlocks: 100,
    minAllowedWeights: 1,
    commitRevealWeightsEnabled: false,
    commitRevealVersion: 4,
    revealPeriodEpochs: 1,
    activityCutoffBlocks: 5_000,
    immunityPeriodBlocks: 4_096,
    maxAllowedUids: 256,
    minNonImmuneUids: 10,
    adminFreezeWindowBlocks: 10,
    maxAllowedValidators: 64,
    servingRateLimitBlocks: 50,
    stakeThreshold: 0,
  },
  neurons: [],
  ...given,
});
