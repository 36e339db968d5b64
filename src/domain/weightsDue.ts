import type { BlockNumber } from './ids.ts';

/** What decides when the weights of an epoch are due. */
export type DueRule = {
  readonly lastEpochBlock: BlockNumber;
  /** First block of the next epoch. */
  readonly endsAtBlock: BlockNumber;
  /** Share of the epoch after which weights become due, in [0, 1]. */
  readonly dueAfterFraction: number;
  /** Held in this epoch so far. */
  readonly rounds: number;
};

/**
 * The last blocks of an epoch: weights are computed then even if no round could be held. Blocks are counted as they
 * are finalized, three to six behind the best one, and an extrinsic needs some to be included. An eighth of a short
 * epoch, 20 blocks of a long one.
 */
const lastChanceBlocks = (epochBlocks: number): number =>
  Math.max(6, Math.min(20, Math.ceil(epochBlocks / 8)));

/**
 * Block from which the weights of an epoch are due: after the wanted share of it, but never later than the last chance;
 * at the last chance while no round has been held.
 */
export const weightsDueAtBlock = (rule: DueRule): BlockNumber => {
  const { lastEpochBlock, endsAtBlock, dueAfterFraction, rounds } = rule;
  const epochBlocks = endsAtBlock - lastEpochBlock;
  const lastChanceAtBlock = endsAtBlock - lastChanceBlocks(epochBlocks);
  if (rounds === 0) return lastChanceAtBlock;
  return Math.min(lastChanceAtBlock, lastEpochBlock + Math.floor(epochBlocks * dueAfterFraction));
};
