/**
 * Whether another endpoint is ahead of the one in use, and may be believed.
 *
 * No claim about height is proof by itself: finality would have to be checked with the authorities' signatures. What
 * can be bounded is the harm. An endpoint is followed away from ours only
 *
 * - when it has our newest finalized block, so that it extends what we have seen;
 * - when its own newest block is not from the future by our clock;
 * - when the blocks it is ahead by have had the time to be made, at the pace at which our own chain made its last ones.
 *
 * The lead a liar can claim is thereby at most twice the time that ours has fallen behind the clock: as long as ours is
 * in step, nobody can lure us away.
 */

/** Newest finalized block of an endpoint, with the time that the chain itself gives it. */
export type TimedHead = {
  readonly block: number;
  /** `Timestamp.Now` in the state of the block, Unix ms. */
  readonly timestampMs: number;
};

export type HeightReading = {
  /** `blockMs`: mean time of the last blocks, 0 where there are too few. */
  readonly ours: TimedHead & { readonly blockMs: number };
  readonly other: TimedHead;
  /** Whether the other has the same block at our height; null when it has none there. */
  readonly isSameChain: boolean | null;
  /** Our clock, Unix ms. */
  readonly nowMs: number;
};

/**
 * - `ahead`: by more than the tolerance, and believed.
 * - `level`, `behind`: no reason to leave.
 * - `implausible`: claims to be ahead in a way that cannot be.
 * - `forked`: has another block at our height. One of the two is wrong; which one cannot be told from here.
 */
export type HeightVerdict = 'ahead' | 'level' | 'behind' | 'implausible' | 'forked';

/** A head this old by our clock is no head of a living chain: finney makes a block every 12 s. */
const OLD_AFTER_MS = 300_000;

/** Whether the newest block of our endpoint lies too far back, whatever others say. */
export const isOld = ({ ours, nowMs }: HeightReading): boolean => nowMs - ours.timestampMs > OLD_AFTER_MS;

/** One minute of blocks on finney: less is the ordinary difference between two nodes. */
export const LAG_TOLERANCE_BLOCKS = 5;
/** Clocks of hosts differ; Substrate itself accepts blocks from up to 30 s ahead (pallet_timestamp). */
const FUTURE_TOLERANCE_MS = 60_000;
/** Blocks never come faster than their slots; the mean of recent ones may be slower, where slots were missed. */
const FASTEST_SHARE_OF_PACE = 0.5;

const isPlausibleLead = ({ ours, other, isSameChain, nowMs }: HeightReading): boolean =>
  isSameChain === true &&
  other.timestampMs <= nowMs + FUTURE_TOLERANCE_MS &&
  other.timestampMs - ours.timestampMs >= (other.block - ours.block) * ours.blockMs * FASTEST_SHARE_OF_PACE &&
  other.timestampMs > ours.timestampMs;

export const judgeHeight = (
  reading: HeightReading,
  toleranceBlocks: number = LAG_TOLERANCE_BLOCKS,
): HeightVerdict => {
  if (reading.isSameChain === false) return 'forked';
  const lead = reading.other.block - reading.ours.block;
  if (lead < -toleranceBlocks) return 'behind';
  if (lead <= toleranceBlocks) return 'level';
  return isPlausibleLead(reading) ? 'ahead' : 'implausible';
};
