import { count, quote } from './figures.ts';
import type { HealthReason } from './verdict.ts';

/** What became of the weights. All blocks are finalized ones. */
export type WeightFacts = {
  readonly block: number;
  /** The epoch under way; null before one is. */
  readonly epoch: {
    readonly index: number;
    readonly beganAtBlock: number;
    /** Never before the block at which this process first saw them due: it cannot have set them earlier. */
    readonly dueAtBlock: number;
    readonly endsAtBlock: number;
  } | null;
  readonly confirmedEpoch: number | null;
  /** First block that this process has seen: what was due before cannot have been set by it before. */
  readonly startedAtBlock: number | null;
  /** Whether there is anything to set: an epoch without any answer has no vector. */
  readonly isExpected: boolean;
  /** Of the weights in hand: why the chain did not take them, and at which block they are tried again. */
  readonly refusal: {
    readonly epoch: number;
    readonly message: string;
    readonly attempts: number;
    /** null: not again in this epoch. */
    readonly retryAtBlock: number | null;
  } | null;
  /** Epochs that went by without weights on chain. */
  readonly behind: number;
  /** The last commit that the chain never opened, until a later one is in force. */
  readonly unrevealed: { readonly epoch: number; readonly advice: string } | null;
  /** Another program set weights with this hotkey in the epoch under way. */
  readonly foreignEpoch: number | null;
};

/** Time for scoring, signing and finality after weights are due: a tenth of an epoch, 3 to 10 blocks. */
export const lateAfterBlocks = (beganAtBlock: number, endsAtBlock: number): number =>
  Math.max(3, Math.min(10, Math.ceil((endsAtBlock - beganAtBlock) / 10)));

const pageAtEpochs = 3;

const lateReason = (weights: WeightFacts): readonly HealthReason[] => {
  const { epoch, block, confirmedEpoch, isExpected, startedAtBlock } = weights;
  if (epoch === null || !isExpected || (confirmedEpoch !== null && confirmedEpoch >= epoch.index)) return [];
  const { dueAtBlock, endsAtBlock } = epoch;
  const late = block - dueAtBlock;
  const hadBlocks = block - Math.max(dueAtBlock, startedAtBlock ?? 0);
  if (hadBlocks < lateAfterBlocks(epoch.beganAtBlock, endsAtBlock)) return [];
  const left = Math.max(0, endsAtBlock - block);
  return [
    {
      code: 'weights.late',
      level: left * 2 <= endsAtBlock - dueAtBlock ? 'failing' : 'attention',
      text: `The weights of epoch ${epoch.index} were due at block ${dueAtBlock}, ${count(late, 'block')} ago, and are not confirmed; the epoch ends in ${count(left, 'block')}.`,
      advice: 'They are tried until the epoch ends. If they are refused the reason stands beside this one.',
    },
  ];
};

const refusalReason = ({ refusal }: WeightFacts): readonly HealthReason[] => {
  if (refusal === null) return [];
  const { epoch, message, attempts, retryAtBlock } = refusal;
  const tries = attempts > 1 ? ` after ${attempts} tries` : '';
  return [
    {
      code: 'weights.refused',
      level: retryAtBlock === null ? 'failing' : 'attention',
      text: `The weights of epoch ${epoch} were not accepted${tries}: ${quote(message)}.`,
      advice:
        retryAtBlock === null
          ? 'No try can help within this epoch: run `miaoai doctor` and do what it says. The next epoch starts anew.'
          : `They are tried again at block ${retryAtBlock}.`,
    },
  ];
};

const behindReason = ({ behind }: WeightFacts): readonly HealthReason[] =>
  behind <= 0
    ? []
    : [
        {
          code: 'weights.behind',
          level: behind >= pageAtEpochs ? 'failing' : 'attention',
          text: `${count(behind, 'epoch')} went by without weights of this hotkey on chain.`,
          advice:
            behind >= pageAtEpochs
              ? 'Emission and permit are at stake: run `miaoai doctor` now.'
              : 'A restart may cost one epoch. If the next one fails as well, run `miaoai doctor`.',
        },
      ];

const fateReasons = ({ unrevealed, foreignEpoch, epoch }: WeightFacts): readonly HealthReason[] => {
  const reasons: HealthReason[] = [];
  if (unrevealed !== null) {
    reasons.push({
      code: 'weights.unrevealed',
      level: 'attention',
      text: `The chain never opened the commit of epoch ${unrevealed.epoch}: the weights before it stay in force.`,
      advice: `${quote(unrevealed.advice)}.`,
    });
  }
  if (foreignEpoch !== null && epoch !== null && foreignEpoch >= epoch.index) {
    reasons.push({
      code: 'weights.foreign',
      level: 'attention',
      text: `Another program has set weights with this hotkey in epoch ${foreignEpoch}; those of this validator are not sent.`,
      advice: 'Find the other program that has this hotkey and stop it, or change the hotkey.',
    });
  }
  return reasons;
};

/** What is not well with the weights. */
export const weightReasons = (weights: WeightFacts): readonly HealthReason[] => [
  ...behindReason(weights),
  ...refusalReason(weights),
  ...lateReason(weights),
  ...fateReasons(weights),
];
