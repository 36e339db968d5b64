import type { CommittedWeights } from '#src/domain/reveals.ts';

export const hashOf = (digit: number): string => `0x${digit.toString(16).padStart(64, '0')}`;

/** Weights of epoch 7, committed in block 200 of epoch 7, opened from block 540 on, where epoch 8 begins. */
export const commitOf = (
  given: Partial<CommittedWeights> & { readonly hash?: string } = {},
): CommittedWeights => {
  const { hash = hashOf(1), ...rest } = given;
  const epoch = rest.epoch ?? 7;
  return {
    epoch,
    committedAtBlock: 200,
    plan: {
      commitEpoch: epoch,
      revealRound: 1_100,
      commitHash: hash,
      revealsFromBlock: 540 + (epoch - 7) * 360,
    },
    vector: { uids: [0, 2], values: [3, 65_535] },
    ...rest,
  };
};
