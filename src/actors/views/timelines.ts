import type { SessionDetail } from '../../domain/view/validatorView.ts';
import { keepNewest } from './keepNewest.ts';

type Step = SessionDetail['timeline'][number];

/** States kept of one session, and sessions kept, those heard of last: all uids of a subnet and those that lately were. */
const maxSteps = 100;
const maxTimelines = 512;

/** The states that sessions went through, by key. */
export type Timelines = {
  readonly moved: (key: string, step: Step) => void;
  /** Newest first. */
  readonly of: (key: string) => readonly Step[];
};

export const createTimelines = (): Timelines => {
  const steps = new Map<string, Step[]>();
  return {
    moved: (key, step) => {
      const known = steps.get(key) ?? [];
      keepNewest(steps, { key, value: known, most: maxTimelines });
      // Events that change nothing are no step, but the session is in use.
      if (known.at(-1)?.state === step.state) return;
      known.push(step);
      if (known.length > maxSteps) known.shift();
    },
    of: (key) => (steps.get(key) ?? []).toReversed(),
  };
};
