/**
 * Nodes may send a subscription's first notifications before the answer that tells its id (seen on Substrate nodes
 * under load). Such notifications are kept, a few of them, until the id is known.
 */
export interface EarlyNotifications<A> {
  /** @param sizeBytes what it takes, about; one that is larger than all of them may be together is not kept. */
  keep(id: string, notification: A, sizeBytes: number): void;
  /** Everything kept for `id`, oldest first; forgotten afterwards. */
  take(id: string): readonly A[];
}

/** Two ordinary first notifications fit; a node that floods unknown ids cannot grow memory. */
const MAX_KEPT = 64;
/** The same for a node whose notifications are large. A block's header has about 1 kB. */
const MAX_KEPT_BYTES = 256 * 1_024;

export const earlyNotifications = <A>(): EarlyNotifications<A> => {
  let kept: { readonly id: string; readonly notification: A; readonly sizeBytes: number }[] = [];
  let keptBytes = 0;
  const count = (): void => {
    keptBytes = kept.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  };
  return {
    keep(id, notification, sizeBytes) {
      kept.push({ id, notification, sizeBytes });
      keptBytes += sizeBytes;
      while (kept.length > MAX_KEPT || keptBytes > MAX_KEPT_BYTES) {
        kept.shift();
        count();
      }
    },
    take(id) {
      const found = kept.filter((entry) => entry.id === id).map((entry) => entry.notification);
      kept = kept.filter((entry) => entry.id !== id);
      count();
      return found;
    },
  };
};
