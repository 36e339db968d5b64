import type { BlockNumber } from '../domain/ids.ts';

/** A mortal era: valid in `periodBlocks` blocks from `birthBlock` on. */
export type Lifetime = { readonly birthBlock: BlockNumber; readonly periodBlocks: number };

/** Eras are powers of two, from 4 blocks; longer than the SDK's 128 gains nothing. */
const maxPeriodBlocks = 128;
/** Blocks that must be left for getting in: fewer are not worth signing anything. */
const minRoomBlocks = 4;
/** Blocks that are comfortable for getting in, a full block or two and a change of endpoint included. */
const ampleRoomBlocks = 16;

/**
 * A lifetime that ends with the epoch at the latest, because weights must not slip into the next one, and leaves as
 * much room as there is. It is counted from the finalized head, which every node knows, but only blocks after the best
 * one can include anything: finality lags by several blocks. Usually the lifetime starts at the finalized head. Where
 * the largest power of two leaves little room, it starts before that head and ends exactly with the epoch.
 *
 * @returns null when fewer than 4 blocks are left, for this epoch for good
 */
export const weightLifetime = (options: {
  readonly finalizedBlock: BlockNumber;
  readonly bestBlock: BlockNumber;
  /** First block of the next epoch. */
  readonly endsAtBlock: BlockNumber;
}): Lifetime | null => {
  const { finalizedBlock, endsAtBlock } = options;
  const bestBlock = Math.max(finalizedBlock, options.bestBlock);
  if (endsAtBlock - bestBlock < minRoomBlocks) return null;
  const left = Math.min(maxPeriodBlocks, endsAtBlock - finalizedBlock);
  const shorter = 2 ** Math.floor(Math.log2(left));
  const longer = 2 ** Math.ceil(Math.log2(left));
  const fromHead = { birthBlock: finalizedBlock, periodBlocks: shorter };
  const room = finalizedBlock + shorter - bestBlock;
  const birthBlock = endsAtBlock - longer;
  if (room >= ampleRoomBlocks || birthBlock > finalizedBlock || longer > maxPeriodBlocks) return fromHead;
  if (birthBlock >= 1) return { birthBlock, periodBlocks: longer };
  return room < minRoomBlocks ? null : fromHead;
};
