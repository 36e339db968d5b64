import type { BlockNumber } from '../domain/ids.ts';
import type { SubnetSnapshot } from '../domain/metagraph.ts';

/** Blocks past the expected end of an epoch before its weights count as overdue: an epoch may run some blocks late. */
const overdueAfterBlocks = 5;
/** The same where no blocks arrive: finney's block time, with five minutes of grace. */
const blockMs = 12_000;
const overdueGraceMs = 300_000;
/** Node fires a longer timer at once. */
const longestDelayMs = 2 ** 31 - 1;

/** Whether the epoch of this metagraph, the last one that could be read, should be over at this block. */
export const isOverdueAt = (subnet: SubnetSnapshot, block: BlockNumber): boolean =>
  block >= subnet.nextEpochBlock + overdueAfterBlocks;

/** Time in ms after which the epoch of this metagraph should be over, whether blocks arrive or not. */
export const overdueAfterMs = (subnet: SubnetSnapshot | null): number => {
  const blocks = subnet === null ? 0 : Math.max(0, subnet.nextEpochBlock - subnet.block);
  return Math.min(longestDelayMs, blocks * blockMs + overdueGraceMs);
};
