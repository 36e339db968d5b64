/**
 * Nodes may send a subscription's first notifications before the answer that tells its id (seen on Substrate nodes
 * under load). Such notifications are kept, a few of them, until the id is known.
 */
export interface EarlyNotifications<A> {
  keep(id: string, notification: A): void;
  /** Everything kept for `id`, oldest first; forgotten afterwards. */
  take(id: string): readonly A[];
}

/** Two ordinary first notifications fit; a node that floods unknown ids cannot grow memory. */
const MAX_KEPT = 64;

export const earlyNotifications = <A>(): EarlyNotifications<A> => {
  let kept: { readonly id: string; readonly notification: A }[] = [];
  return {
    keep(id, notification) {
      kept.push({ id, notification });
      if (kept.length > MAX_KEPT) kept.shift();
    },
    take(id) {
      const found = kept.filter((entry) => entry.id === id).map((entry) => entry.notification);
      kept = kept.filter((entry) => entry.id !== id);
      return found;
    },
  };
};
