import type { BlockNumber, EpochIndex, Hotkey } from '../domain/ids.ts';
import type { SubnetSnapshot } from '../domain/metagraph.ts';

/** What a metagraph says of the age of our weights. */
export type LagReading = {
  readonly block: BlockNumber;
  readonly epochIndex: EpochIndex;
  readonly lastEpochBlock: BlockNumber;
  readonly nextEpochBlock: BlockNumber;
  readonly tempo: number;
  /** null when the hotkey has no uid. */
  readonly lastUpdate: BlockNumber | null;
};

/** The part of a metagraph that this machine needs. */
export const lagReading = (subnet: SubnetSnapshot, hotkey: Hotkey): LagReading => ({
  block: subnet.block,
  epochIndex: subnet.epochIndex,
  lastEpochBlock: subnet.lastEpochBlock,
  nextEpochBlock: subnet.nextEpochBlock,
  tempo: subnet.hyperparameters.tempo,
  lastUpdate: subnet.neurons.find((neuron) => neuron.hotkey === hotkey)?.lastUpdate ?? null,
});
