import type { Head } from '../../domain/metagraph.ts';

/** Heads that the pace is told from: a minute of a fast chain, six of finney. */
const keptHeads = 32;
const leastHeads = 3;

/** When finalized heads arrive, and how fast. Times in Unix milliseconds. */
export type Pace = {
  readonly saw: (head: Head, at: number) => void;
  readonly headAt: () => number | null;
  /** Mean time from block to block; null before there are enough. */
  readonly blockMs: () => number | null;
};

export const createPace = (): Pace => {
  let heads: readonly { readonly block: number; readonly at: number }[] = [];
  return {
    saw: ({ block }, at) => {
      const last = heads.at(-1);
      // After a jump back, or the catching up of an outage, arrival says nothing of the chain's pace.
      const goesOn = last !== undefined && block > last.block && at >= last.at;
      heads = [...(goesOn ? heads : []), { block, at }].slice(-keptHeads);
    },
    headAt: () => heads.at(-1)?.at ?? null,
    blockMs: () => {
      const [first] = heads;
      const last = heads.at(-1);
      if (first === undefined || last === undefined || heads.length < leastHeads) return null;
      const blocks = last.block - first.block;
      return blocks <= 0 ? null : Math.round((last.at - first.at) / blocks);
    },
  };
};
