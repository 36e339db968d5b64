import type { EpochView, WeightsView } from '../../src/domain/view/validatorView.ts';

/** Where things stand within an epoch. Shares are of its length, in [0, 1]. */
export type EpochClock = {
  readonly blocks: number;
  readonly done: number;
  readonly left: number;
  readonly doneShare: number;
  readonly dueShare: number;
  /** Below 0 once weights are due. */
  readonly dueIn: number;
  /** null without confirmed weights; `isBefore` where they were confirmed in an epoch before. */
  readonly confirmed: { readonly share: number; readonly isBefore: boolean; readonly ago: number } | null;
};

const clamped = (share: number): number => Math.min(1, Math.max(0, share));

/** The figures of the epoch's bar, from the heights that the chain told. */
export const epochClockOf = (
  epoch: EpochView,
  weights: Pick<WeightsView, 'lastConfirmedAtBlock'> | undefined,
): EpochClock => {
  // An epoch that was just rescheduled may have no length for a moment.
  const blocks = Math.max(1, epoch.endsAtBlock - epoch.lastEpochBlock);
  const done = Math.min(blocks, Math.max(0, epoch.block - epoch.lastEpochBlock));
  const confirmedAt = weights?.lastConfirmedAtBlock ?? null;
  return {
    blocks,
    done,
    left: blocks - done,
    doneShare: done / blocks,
    dueShare: clamped((epoch.weightsDueAtBlock - epoch.lastEpochBlock) / blocks),
    dueIn: epoch.weightsDueAtBlock - epoch.block,
    confirmed:
      confirmedAt === null
        ? null
        : {
            share: clamped((confirmedAt - epoch.lastEpochBlock) / blocks),
            isBefore: confirmedAt < epoch.lastEpochBlock,
            ago: Math.max(0, epoch.block - confirmedAt),
          },
  };
};
