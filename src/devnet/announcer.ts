/** Who hears of blocks, and the switch that keeps a node from telling them. */
import type { Block } from './blockBuilder.ts';

/** How the best chain went from one head to the next: blocks oldest first. */
export type Route = { readonly retracted: readonly Block[]; readonly enacted: readonly Block[] };

export type ChainListener = {
  /** Every block, those of a fork that is not best yet too. */
  readonly onImport?: (block: Block) => void;
  /** A new best block. */
  readonly onHead?: (block: Block, route: Route) => void;
  /** `pruned` can no longer become part of the chain. */
  readonly onFinalized?: (block: Block, pruned: readonly Block[]) => void;
};

export type Announcer = {
  /** Gives a function that stops listening. */
  listen(listener: ChainListener): () => void;
  announce(run: (listener: ChainListener) => void): void;
  /** While frozen nobody is told; what was missed is told in its order when that ends. */
  setFrozen(isFrozen: boolean): void;
};

/** Announcements that wait at most; the oldest are dropped, as by a node that fell behind. */
const MAX_HELD = 30_000;

export const createAnnouncer = (onDefect: (error: unknown) => void): Announcer => {
  const listeners = new Set<ChainListener>();
  let isFrozen = false;
  let held: ((listener: ChainListener) => void)[] = [];
  const tell = (run: (listener: ChainListener) => void): void => {
    for (const listener of [...listeners]) {
      try {
        run(listener);
      } catch (error) {
        onDefect(error);
      }
    }
  };
  return {
    listen: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    announce: (run) => {
      if (!isFrozen) tell(run);
      else if (held.push(run) > MAX_HELD) held.shift();
    },
    setFrozen: (wanted) => {
      isFrozen = wanted;
      if (isFrozen) return;
      const missed = held;
      held = [];
      for (const run of missed) tell(run);
    },
  };
};
