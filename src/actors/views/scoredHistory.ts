import type { EpochScored } from '../../domain/evidence.ts';
import type { SessionDetail, WeightHistory } from '../../domain/view/validatorView.ts';

/** One scored epoch as far as a page may show it; its vector only once it is public. */
export type SeenEpoch = Pick<EpochScored, 'epoch' | 'scores' | 'vector'>;

/** Scored epochs kept. */
export const maxEpochs = 100;

/** The last scored epochs. Which of them are public is asked anew each time: weights stay secret until they are. */
export type ScoredHistory = {
  readonly add: (scored: SeenEpoch) => void;
  /** Newest of those that are public; null without any. */
  readonly newest: (isPublic: (epoch: number) => boolean) => SeenEpoch | null;
  readonly lastEpoch: () => number | null;
  readonly history: (isPublic: (epoch: number) => boolean) => WeightHistory;
  readonly scoresOf: (hotkey: string, isPublic: (epoch: number) => boolean) => SessionDetail['scores'];
};

export const createScoredHistory = (): ScoredHistory => {
  /** Ascending by epoch. */
  let epochs: readonly SeenEpoch[] = [];
  const shown = (isPublic: (epoch: number) => boolean) => epochs.filter(({ epoch }) => isPublic(epoch));
  return {
    add: ({ epoch, scores, vector }) => {
      epochs = [...epochs.filter((other) => other.epoch !== epoch), { epoch, scores, vector }]
        .toSorted((a, b) => a.epoch - b.epoch)
        .slice(-maxEpochs);
    },
    newest: (isPublic) => shown(isPublic).at(-1) ?? null,
    lastEpoch: () => epochs.at(-1)?.epoch ?? null,
    history: (isPublic) => {
      const seen = shown(isPublic);
      const tables = seen.map(({ scores }) => new Map(scores.map(({ uid, score }) => [uid, score])));
      const uids = [...new Set(seen.flatMap(({ scores }) => scores.map(({ uid }) => uid)))].toSorted(
        (a, b) => a - b,
      );
      return {
        epochs: seen.map(({ epoch }) => epoch),
        uids,
        scores: uids.map((uid) => tables.map((table) => table.get(uid) ?? null)),
      };
    },
    scoresOf: (hotkey, isPublic) =>
      shown(isPublic).flatMap(({ epoch, scores }) => {
        const own = scores.find((score) => score.hotkey === hotkey);
        if (own === undefined) return [];
        const { score, quality, trust } = own;
        return [{ epoch, score, quality, trust }];
      }),
  };
};
