import type { SnapshotFrom } from 'xstate';
import type { WeightRow, WeightsView } from '../../domain/view/validatorView.ts';
import type { WeightVector } from '../../domain/weightVector.ts';
import type { validatorMachine } from '../../machines/validator.machine.ts';
import { ownNeuron } from './chainSlice.ts';
import { childOf } from './liveTree.ts';
import type { ScoredHistory, SeenEpoch } from './scoredHistory.ts';
import { pathOf } from './stateText.ts';
import type { ValidatorNews } from './validatorNews.ts';

type Root = SnapshotFrom<typeof validatorMachine>;

/**
 * Which scored epochs anybody may see. With commit-reveal the weights of an epoch, and the scores they follow from, stay
 * secret until the chain has opened their commit: a copier would have them for nothing. Without it, scores may be seen
 * at once.
 */
export const publicEpochs = (root: Root | null): ((epoch: number) => boolean) => {
  const { subnet } = root?.context ?? { subnet: null };
  const setting = childOf(root, 'weightSetting');
  // Nothing is known of the rules or of what waits: everything counts as a secret.
  if (root === null || subnet === null || setting === null) return () => false;
  if (!subnet.hyperparameters.commitRevealWeightsEnabled) return () => true;
  const waiting = (childOf(root, 'weightReveal')?.context.watched ?? []).map(({ epoch }) => epoch);
  const { confirmedEpoch } = setting.context;
  return (epoch) => confirmedEpoch !== null && epoch <= confirmedEpoch && !waiting.includes(epoch);
};

const sharesOf = (vector: WeightVector | null): ReadonlyMap<number, number> => {
  if (vector === null) return new Map();
  const total = vector.values.reduce((sum, value) => sum + value, 0);
  return new Map(
    vector.uids.map((uid, index) => [uid, total === 0 ? 0 : (vector.values[index] ?? 0) / total]),
  );
};

const rowsOf = (given: {
  readonly root: Root;
  readonly scored: SeenEpoch | null;
  readonly isOnChain: boolean;
  readonly onChain: WeightVector | null;
}): readonly WeightRow[] => {
  const { root, scored, isOnChain, onChain } = given;
  const toSet = sharesOf(isOnChain ? (scored?.vector ?? null) : null);
  const standing = sharesOf(onChain);
  const scores = new Map((scored?.scores ?? []).map((score) => [score.hotkey, score]));
  return (root.context.subnet?.neurons ?? []).flatMap(({ uid, hotkey }) => {
    const score = scores.get(hotkey);
    if (score === undefined && !toSet.has(uid) && !standing.has(uid)) return [];
    return [
      {
        uid,
        hotkey,
        quality: score?.quality ?? null,
        trust: score?.trust ?? null,
        stake: score?.stake ?? null,
        score: score?.score ?? null,
        toSet: isOnChain && scored !== null ? (toSet.get(uid) ?? 0) : null,
        onChain: onChain === null ? null : (standing.get(uid) ?? 0),
      },
    ];
  });
};

const noWeights: WeightsView = {
  state: 'none',
  lastConfirmedEpoch: null,
  lastConfirmedAtBlock: null,
  blocksSinceLastSet: null,
  behind: 0,
  isCommitReveal: false,
  scoredEpoch: null,
  rows: [],
  submissions: [],
  vtrust: [],
};

export type WeightsGiven = {
  readonly root: Root | null;
  readonly epochs: ScoredHistory;
  readonly news: ValidatorNews;
  /** This validator's weights in force, as last read; null before. */
  readonly onChain: WeightVector | null;
};

/** `LastUpdate` of the chain, unless a later block of this life is known; registration moves it too. */
const lastSetAt = (root: Root, confirmedAtBlock: number | null): number | null => {
  const own = ownNeuron(root.context);
  const byChain = own !== null && own.lastUpdate > own.blockAtRegistration ? own.lastUpdate : null;
  if (byChain === null || confirmedAtBlock === null) return byChain ?? confirmedAtBlock;
  return Math.max(byChain, confirmedAtBlock);
};

export const weightsViewOf = ({ root, epochs, news, onChain }: WeightsGiven): WeightsView => {
  const setting = childOf(root, 'weightSetting');
  if (root === null || setting === null) {
    return { ...noWeights, submissions: news.submissions.rows(), vtrust: news.vtrust.points() };
  }
  const { block, subnet, behind } = root.context;
  const { confirmedEpoch, confirmedAtBlock } = setting.context;
  const scored = epochs.newest(publicEpochs(root));
  const lastAt = lastSetAt(root, confirmedAtBlock);
  return {
    state: pathOf(setting.value),
    lastConfirmedEpoch: confirmedEpoch,
    lastConfirmedAtBlock: confirmedAtBlock,
    blocksSinceLastSet: lastAt === null ? null : Math.max(0, block - lastAt),
    behind,
    isCommitReveal: subnet?.hyperparameters.commitRevealWeightsEnabled ?? false,
    scoredEpoch: scored?.epoch ?? null,
    rows: rowsOf({
      root,
      scored,
      onChain,
      isOnChain: scored !== null && confirmedEpoch !== null && scored.epoch <= confirmedEpoch,
    }),
    submissions: news.submissions.rows(),
    vtrust: news.vtrust.points(),
  };
};
