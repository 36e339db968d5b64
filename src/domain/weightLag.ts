import type { BlockNumber, EpochIndex, Hotkey } from './ids.ts';
import type { SubnetSnapshot } from './metagraph.ts';

/** The part of a subnet that tells epochs apart. */
export type EpochPosition = Pick<SubnetSnapshot, 'epochIndex' | 'lastEpochBlock'> & {
  /** Blocks of one epoch; 0 never runs. */
  readonly tempo: number;
};

/** How old the weights of a hotkey are, by the chain alone. Plain JSON. */
export type WeightLag = {
  readonly epoch: EpochIndex;
  /** Block of the last weights, commit or registration of this hotkey. */
  readonly lastUpdate: BlockNumber;
  /** Epochs from the one of `lastUpdate` to the present one; 0: it lies in the present one. */
  readonly epochsSince: number;
  /** Epochs that went by without weights: 0 while those of the last one, or of the present one, stand. */
  readonly behind: number;
};

/**
 * Epochs from the one in which `lastUpdate` lies to the present one. Exact for the present epoch and the one before;
 * older ones are taken to be of today's tempo.
 */
export const epochsSince = (
  { epochIndex, lastEpochBlock, tempo }: EpochPosition,
  lastUpdate: BlockNumber,
): number => {
  if (lastUpdate >= lastEpochBlock || tempo === 0) return 0;
  return Math.min(epochIndex, 1 + Math.floor((lastEpochBlock - 1 - lastUpdate) / tempo));
};

/** Epochs that went by without weights. Those of the present epoch are not due before its end. */
export const epochsBehind = (since: number): number => Math.max(0, since - 1);

/** The lag of a hotkey at the block of this metagraph; null when it has no uid. */
export const weightLag = (subnet: SubnetSnapshot, hotkey: Hotkey): WeightLag | null => {
  const neuron = subnet.neurons.find((other) => other.hotkey === hotkey);
  if (neuron === undefined) return null;
  const { epochIndex, lastEpochBlock, hyperparameters } = subnet;
  const position = { epochIndex, lastEpochBlock, tempo: hyperparameters.tempo };
  const since = epochsSince(position, neuron.lastUpdate);
  return {
    epoch: epochIndex,
    lastUpdate: neuron.lastUpdate,
    epochsSince: since,
    behind: epochsBehind(since),
  };
};
