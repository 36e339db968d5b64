import type { BlockNumber } from '../domain/ids.ts';
import type { SubnetSnapshot } from '../domain/metagraph.ts';

/** Blocks past the expected end of an epoch before its weights count as overdue: an epoch may run some blocks late. */
const overdueAfterBlocks = 5;
/** The same where no blocks arrive: finney's block time, with five minutes of grace. */
const blockMs = 12_000;
const overdueGraceMs = 300_000;
/** Node fires a longer timer at once. */
const longestDelayMs = 2 ** 31 - 1;
/** Tempo of finney's subnets unless their owner chose another, for as long as none has been read. */
const usualTempoBlocks = 360;

type EpochEnd = Pick<SubnetSnapshot, 'block' | 'nextEpochBlock'>;

/** Whether the epoch of this metagraph, the last one that could be read, should be over at this block. */
export const isOverdueAt = (
  { nextEpochBlock }: Pick<EpochEnd, 'nextEpochBlock'>,
  block: BlockNumber,
): boolean => block >= nextEpochBlock + overdueAfterBlocks;

/** Time in ms after which the epoch of this metagraph should be over, whether blocks arrive or not. */
export const overdueAfterMs = (subnet: EpochEnd | null): number => {
  const blocks = subnet === null ? 0 : Math.max(0, subnet.nextEpochBlock - subnet.block);
  return Math.min(longestDelayMs, blocks * blockMs + overdueGraceMs);
};

/** Epochs of this metagraph and later that should be over at this block. */
export const unseenEpochsAt = (
  reading: Pick<EpochEnd, 'nextEpochBlock'> & { readonly tempo: number },
  block: BlockNumber,
): number => {
  if (reading.tempo === 0 || !isOverdueAt(reading, block)) return 0;
  return 1 + Math.floor((block - reading.nextEpochBlock - overdueAfterBlocks) / reading.tempo);
};

/** Length of one epoch in ms by finney's block time. */
export const epochLengthMs = (reading: { readonly tempo: number } | null): number =>
  Math.min(longestDelayMs, Math.max(1, reading?.tempo ?? usualTempoBlocks) * blockMs);
