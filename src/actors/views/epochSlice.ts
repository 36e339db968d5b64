import type { SnapshotFrom } from 'xstate';

import type { EpochView } from '../../domain/view/validatorView.ts';
import { weightsDueAtBlock } from '../../domain/weightsDue.ts';
import type { epochMachine } from '../../machines/epoch.machine.ts';
import { pathOf } from './stateText.ts';

type Epoch = SnapshotFrom<typeof epochMachine>;

/** While the usual block is still ahead a round may yet be held before it. */
export const dueBlockOf = ({ context }: Epoch): number => {
  const usual = weightsDueAtBlock({ ...context, rounds: Math.max(1, context.rounds) });
  return context.block < usual ? usual : weightsDueAtBlock(context);
};

export const epochViewOf = (epoch: Epoch | null, blockMs: number | null): EpochView | null => {
  if (epoch === null) return null;
  const { context, value } = epoch;
  return {
    epoch: context.epoch,
    block: context.block,
    lastEpochBlock: context.lastEpochBlock,
    endsAtBlock: context.endsAtBlock,
    weightsDueAtBlock: dueBlockOf(epoch),
    state: pathOf(value),
    rounds: context.rounds,
    holds: context.holds,
    blockMs,
  };
};
