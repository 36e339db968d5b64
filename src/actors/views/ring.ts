/** The last so many items, oldest first; what is older is gone. */
export type Ring<A> = {
  readonly push: (item: A) => void;
  readonly size: () => number;
  /** Oldest first. */
  readonly all: () => readonly A[];
  /** Newest first, at most `most`. */
  readonly newest: (most: number) => readonly A[];
};

/** Cutting at twice the bound costs a copy once in `bound` pushes. */
export const createRing = <A>(bound: number): Ring<A> => {
  let items: A[] = [];
  return {
    push: (item) => {
      items.push(item);
      if (items.length >= 2 * bound) items = items.slice(-bound);
    },
    size: () => Math.min(items.length, bound),
    all: () => items.slice(-bound),
    newest: (most) => items.slice(-Math.min(most, bound)).reverse(),
  };
};
