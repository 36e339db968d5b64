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
  /** Unix ms: our clock, or what the chain has shown since we watch it where that is later. */
  readonly nowMs: number;
  /** How far our clock is behind that; 0 where it is not. */
  readonly clockBehindMs: number;
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
/** Whether our clock lags so far behind the chain's own time that somebody should set it. */
export const isClockBehind = ({ clockBehindMs }: HeightReading): boolean =>
  clockBehindMs > FUTURE_TOLERANCE_MS;

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

/** The newest time a chain has shown, and when, in monotonic ms. */
export type ShownTime = { readonly chainMs: number; readonly atMs: number };

/**
 * What time it is at least. A block is never from the future by more than the tolerance of its makers, and monotonic
 * time goes on since it was seen: where our clock was set back, or is wrong from the start, that is the better one. A
 * clock that is ahead cannot be told from a chain that stands still; it is believed, and `isOld` warns.
 */
export const timeOf = (given: {
  readonly shown: ShownTime | null;
  readonly headMs: number;
  readonly atMs: number;
  readonly wallMs: number;
}): { readonly shown: ShownTime; readonly nowMs: number; readonly clockBehindMs: number } => {
  const { headMs, atMs, wallMs } = given;
  const since = given.shown === null ? headMs : given.shown.chainMs + (atMs - given.shown.atMs);
  const shown = { chainMs: Math.max(headMs, since), atMs };
  return {
    shown,
    nowMs: Math.max(wallMs, shown.chainMs),
    clockBehindMs: Math.max(0, shown.chainMs - wallMs),
  };
};
