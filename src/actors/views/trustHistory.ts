import type { SubnetSnapshot } from '../../domain/metagraph.ts';
import type { WeightsView } from '../../domain/view/validatorView.ts';

/** Epochs kept. */
const maxEpochs = 200;

type Point = WeightsView['vtrust'][number];

/** Validator trust by the chain, one value for each epoch that was seen. */
export type TrustHistory = {
  readonly saw: (subnet: SubnetSnapshot, hotkey: string) => void;
  /** Oldest first; the same list until there is something new. */
  readonly points: () => readonly Point[];
};

export const createTrustHistory = (): TrustHistory => {
  let points: readonly Point[] = [];
  return {
    saw: ({ epochIndex: epoch, neurons }, hotkey) => {
      const value = neurons.find((neuron) => neuron.hotkey === hotkey)?.validatorTrust;
      const last = points.at(-1);
      if (value === undefined || (last?.epoch === epoch && last.value === value)) return;
      points = [...points.filter((point) => point.epoch < epoch), { epoch, value }].slice(-maxEpochs);
    },
    points: () => points,
  };
};
