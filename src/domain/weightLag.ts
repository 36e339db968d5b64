import type { BlockNumber } from './ids.ts';
import type { SubnetSnapshot } from './metagraph.ts';

/** The part of a subnet that tells epochs apart. */
export type EpochPosition = Pick<SubnetSnapshot, 'epochIndex' | 'lastEpochBlock'> & {
  /** Blocks from one epoch to the next; 0 never runs. */
  readonly tempo: number;
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
