import type { SnapshotFrom } from 'xstate';

import type { BlockNumber, EpochIndex } from '../../domain/ids.ts';
import type { EpochView } from '../../domain/view/validatorView.ts';
import { weightsDueAtBlock } from '../../domain/weightsDue.ts';
import type { epochMachine } from '../../machines/epoch.machine.ts';
import { pathOf } from './stateText.ts';

type Epoch = SnapshotFrom<typeof epochMachine>;

/** First block at which the weights of an epoch were seen to be due. */
export type DueSight = { readonly epoch: EpochIndex; readonly block: BlockNumber };

/** @returns what is known after this snapshot; null while the weights of its epoch are not due */
export const dueSightOf = ({ context }: Epoch, before: DueSight | null): DueSight | null => {
  const { epoch, block } = context;
  if (block < weightsDueAtBlock(context)) return null;
  return before?.epoch === epoch ? before : { epoch, block };
};

/**
 * While the usual block is still ahead a round may yet be held before it. A first round that ends after it, or a tempo
 * that is made shorter, makes weights due at once: then they are so from that block on, and not from one long before.
 */
export const dueBlockOf = ({ context }: Epoch, sight: DueSight | null): BlockNumber => {
  const usual = weightsDueAtBlock({ ...context, rounds: Math.max(1, context.rounds) });
  if (context.block < usual) return usual;
  const dueAtBlock = weightsDueAtBlock(context);
  return sight?.epoch === context.epoch && context.block >= dueAtBlock
    ? Math.max(dueAtBlock, sight.block)
    : dueAtBlock;
};

/** @param blockMs mean time from block to block; null where it is not known */
export const epochViewOf = (
  epoch: Epoch | null,
  sight: DueSight | null,
  blockMs: number | null,
): EpochView | null => {
  if (epoch === null) return null;
  const { context, value } = epoch;
  return {
    epoch: context.epoch,
    block: context.block,
    lastEpochBlock: context.lastEpochBlock,
    endsAtBlock: context.endsAtBlock,
    weightsDueAtBlock: dueBlockOf(epoch, sight),
    state: pathOf(value),
    rounds: context.rounds,
    holds: context.holds,
    blockMs,
  };
};
