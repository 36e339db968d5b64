import type { StateValue } from 'xstate';

import type { SessionDetail } from '../../domain/view/validatorView.ts';
import { pathOf } from './stateText.ts';

type Step = { readonly at: number; readonly state: StateValue; readonly by: string };

/** States kept of one session, and sessions kept, those heard of last: all uids of a subnet and those that lately were. */
const maxSteps = 100;
const maxTimelines = 512;

/** The states that sessions went through, by the id of their actor. */
export type Timelines = {
  readonly moved: (key: string, step: Step) => void;
  /** Newest first. */
  readonly of: (key: string) => SessionDetail['timeline'];
};

/** Told with each event of each session, and read when somebody looks: states become text only then. */
type Timeline = { heard: number; steps: Step[] };

const isSame = (a: StateValue | undefined, b: StateValue | undefined): boolean => {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object') return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => isSame(a[key], b[key]));
};

export const createTimelines = (): Timelines => {
  const timelines = new Map<string, Timeline>();
  /** Events so far: unlike the time of the clock they only grow. */
  let heard = 0;

  const begin = (key: string): Timeline => {
    if (timelines.size >= maxTimelines) {
      let [silent] = timelines;
      for (const entry of timelines)
        if (silent === undefined || entry[1].heard < silent[1].heard) silent = entry;
      if (silent !== undefined) timelines.delete(silent[0]);
    }
    const fresh: Timeline = { heard, steps: [] };
    timelines.set(key, fresh);
    return fresh;
  };

  return {
    moved: (key, step) => {
      const timeline = timelines.get(key) ?? begin(key);
      heard += 1;
      timeline.heard = heard;
      // Events that change nothing are no step.
      if (isSame(timeline.steps.at(-1)?.state, step.state)) return;
      timeline.steps.push(step);
      if (timeline.steps.length >= 2 * maxSteps) timeline.steps = timeline.steps.slice(-maxSteps);
    },
    of: (key) =>
      (timelines.get(key)?.steps ?? [])
        .slice(-maxSteps)
        .map(({ at, state, by }) => ({ at, state: pathOf(state), by }))
        .toReversed(),
  };
};
