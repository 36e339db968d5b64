import type { WeightHistory, WeightRow, WeightsView } from '../../src/domain/view/validatorView.ts';
import { countText } from './format.ts';

/** What the chain has less what is to be set; null while either is unknown. */
export const differenceOf = ({ toSet, onChain }: WeightRow): number | null =>
  toSet === null || onChain === null ? null : toSet - onChain;

/** Whether a weight is still a secret: computed, but hidden until the chain has opened its commit. */
export const isSecret = (weights: WeightsView): boolean =>
  weights.isCommitReveal && weights.rows.length > 0 && weights.rows.every(({ toSet }) => toSet === null);

/** One sentence on what the table compares. */
export const comparisonText = (weights: WeightsView): string => {
  if (weights.scoredEpoch === null) return 'no epoch has been scored yet';
  const epoch = countText(weights.scoredEpoch);
  return isSecret(weights) ? `epoch ${epoch}, secret until revealed` : `vector of epoch ${epoch}`;
};

/** Scores of one miner over the epochs of the history; null for a miner that is not in it. */
export const scoresOf = (history: WeightHistory, uid: number): readonly (number | null)[] | null => {
  const index = history.uids.indexOf(uid);
  return index < 0 ? null : (history.scores[index] ?? null);
};

/** The cell under a point of the heat map; null beside it. Epochs run to the right, uids down. */
export const cellAt = (options: {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly epochs: number;
  readonly uids: number;
}): { readonly epoch: number; readonly uid: number } | null => {
  const epoch = Math.floor((options.x / options.width) * options.epochs);
  const uid = Math.floor((options.y / options.height) * options.uids);
  const isInside = epoch >= 0 && uid >= 0 && epoch < options.epochs && uid < options.uids;
  return isInside ? { epoch, uid } : null;
};

/** Bytes of one pixel per cell: `low` to `high` by score, `none` where there is no score. Colours are `[r, g, b]`. */
export const heatPixels = (
  history: WeightHistory,
  colours: Readonly<Record<'low' | 'high' | 'none', readonly number[]>>,
): Uint8ClampedArray<ArrayBuffer> => {
  const width = history.epochs.length;
  const pixels = new Uint8ClampedArray(width * history.uids.length * 4);
  history.uids.forEach((_, row) => {
    for (let column = 0; column < width; column += 1) {
      const score = history.scores[row]?.[column] ?? null;
      const at = (row * width + column) * 4;
      for (let channel = 0; channel < 3; channel += 1) {
        const low = colours.low[channel] ?? 0;
        const high = colours.high[channel] ?? 0;
        pixels[at + channel] =
          score === null
            ? (colours.none[channel] ?? 0)
            : low + (high - low) * Math.min(1, Math.max(0, score));
      }
      pixels[at + 3] = 255;
    }
  });
  return pixels;
};
