import type { Head } from '../../domain/metagraph.ts';

/** Arrivals that the pace is told from: some seconds of a fast chain, six minutes of finney. */
const keptArrivals = 32;
const leastArrivals = 3;
/** Heads within a quarter of a block's time, in these bounds, were not made when they arrived. */
const shareOfBlock = 1 / 4;
const leastTogetherMs = 100;
const mostTogetherMs = 1_000;

/** When finalized heads arrive, and how fast. Times in Unix milliseconds. */
export type Pace = {
  readonly saw: (head: Head, at: number) => void;
  readonly headAt: () => number | null;
  /** Mean time from block to block; null before there are enough. */
  readonly blockMs: () => number | null;
};

/** Heads that came together: the last of them. */
type Arrival = {
  readonly block: number;
  readonly at: number;
  /** When the first of them came. */
  readonly beganAt: number;
};

const meanMs = (arrivals: readonly Arrival[]): number | null => {
  const [first] = arrivals;
  const last = arrivals.at(-1);
  if (first === undefined || last === undefined || last.block <= first.block) return null;
  return (last.at - first.at) / (last.block - first.block);
};

const togetherMs = (arrivals: readonly Arrival[]): number =>
  Math.max(leastTogetherMs, Math.min(mostTogetherMs, (meanMs(arrivals) ?? 0) * shareOfBlock));

/**
 * GRANDPA finalizes several blocks at once, and after an outage hundreds of missed heads are caught up within seconds.
 * Such heads count as one arrival: thereby a burst does not push out the time before it, in which its blocks were made.
 */
export const createPace = (): Pace => {
  let arrivals: readonly Arrival[] = [];
  return {
    saw: ({ block }, at) => {
      const last = arrivals.at(-1);
      // After a jump back, arrival says nothing of the chain's pace.
      const goesOn = last !== undefined && block > last.block && at >= last.at;
      if (!goesOn) arrivals = [{ block, at, beganAt: at }];
      else if (at - last.beganAt <= togetherMs(arrivals)) {
        arrivals = arrivals.with(-1, { block, at, beganAt: last.beganAt });
      } else arrivals = [...arrivals, { block, at, beganAt: at }].slice(-keptArrivals);
    },
    headAt: () => arrivals.at(-1)?.at ?? null,
    blockMs: () => {
      const mean = arrivals.length < leastArrivals ? null : meanMs(arrivals);
      return mean === null ? null : Math.round(mean);
    },
  };
};
