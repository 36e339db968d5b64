/** The blocks that a node still knows: the best chain by number, and what was retired from it until it is pruned. */
import type { Block } from './blockBuilder.ts';

export type History = {
  head(): Block;
  byNumber(number: number): Block | undefined;
  /** Finds retired blocks too. */
  byHash(hash: string): Block | undefined;
  isOnBestChain(block: Block): boolean;
  push(block: Block): void;
  /** Takes the blocks after `number` off the best chain; gives them oldest first. */
  retire(number: number): readonly Block[];
  /** Forgets retired blocks that a final block of this number rules out, and gives them. */
  pruneRetired(finalNumber: number): readonly Block[];
  /** The best chain from the oldest kept block on, without block 0. */
  blocks(): readonly Block[];
};

/** Keeps the newest `keptBlocks`; block 0 stays. */
export const createHistory = (genesis: Block, keptBlocks: number): History => {
  const byNumber = new Map<number, Block>([[0, genesis]]);
  const byHash = new Map<string, Block>([[genesis.hash, genesis]]);
  let retired: readonly Block[] = [];
  let head = genesis;
  return {
    head: () => head,
    byNumber: (number) => byNumber.get(number),
    byHash: (hash) => byHash.get(hash),
    isOnBestChain: (block) => byNumber.get(block.number) === block,
    push: (block) => {
      head = block;
      byNumber.set(block.number, block);
      byHash.set(block.hash, block);
      const old = byNumber.get(block.number - keptBlocks);
      if (old === undefined || old.number === 0) return;
      byNumber.delete(old.number);
      byHash.delete(old.hash);
    },
    retire: (number) => {
      const taken: Block[] = [];
      for (let at = number + 1; at <= head.number; at += 1) {
        const block = byNumber.get(at);
        if (block !== undefined) taken.push(block);
        byNumber.delete(at);
      }
      head = byNumber.get(number) ?? genesis;
      retired = [...retired, ...taken];
      return taken;
    },
    pruneRetired: (finalNumber) => {
      const gone = retired.filter((block) => block.number <= finalNumber);
      if (gone.length === 0) return gone;
      retired = retired.filter((block) => block.number > finalNumber);
      for (const { hash } of gone) byHash.delete(hash);
      return gone;
    },
    blocks: () => [...byNumber.values()].filter(({ number }) => number > 0),
  };
};
