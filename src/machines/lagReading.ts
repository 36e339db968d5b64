import type { BlockNumber, EpochIndex, Hotkey } from '../domain/ids.ts';
import type { SubnetSnapshot } from '../domain/metagraph.ts';

/** What a metagraph says of the age of our weights. */
export type LagReading = {
  readonly block: BlockNumber;
  readonly epochIndex: EpochIndex;
  readonly lastEpochBlock: BlockNumber;
  readonly nextEpochBlock: BlockNumber;
  /** Blocks from one epoch to the next: the tempo, and one more in runtimes before spec 420. 0 never runs. */
  readonly tempo: number;
  /** null when the hotkey has no uid. */
  readonly lastUpdate: BlockNumber | null;
};

/** A trigger brings the next epoch nearer than it usually is, never further away. */
const epochBlocks = ({ hyperparameters, lastEpochBlock, nextEpochBlock }: SubnetSnapshot): number =>
  hyperparameters.tempo === 0 ? 0 : Math.max(hyperparameters.tempo, nextEpochBlock - lastEpochBlock);

/** The part of a metagraph that this machine needs. */
export const lagReading = (subnet: SubnetSnapshot, hotkey: Hotkey): LagReading => ({
  block: subnet.block,
  epochIndex: subnet.epochIndex,
  lastEpochBlock: subnet.lastEpochBlock,
  nextEpochBlock: subnet.nextEpochBlock,
  tempo: epochBlocks(subnet),
  lastUpdate: subnet.neurons.find((neuron) => neuron.hotkey === hotkey)?.lastUpdate ?? null,
});
