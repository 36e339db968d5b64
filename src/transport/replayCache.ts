/** Remembers first messages for as long as their clock would still be accepted. */
export interface ReplayCache {
  has(key: string, nowMs: number): boolean;
  add(key: string, nowMs: number): void;
  readonly size: number;
}

/**
 * At most `capacity` keys for `windowMs`. When full, the oldest is forgotten: refusing new ones instead would let a
 * flood lock everybody out, and a first message that slips through gains nothing but one reply, because the
 * replayer lacks the ephemeral key behind it.
 */
export const createReplayCache = (settings: {
  readonly windowMs: number;
  readonly capacity: number;
}): ReplayCache => {
  const seenAtMs = new Map<string, number>();
  const forget = (nowMs: number): void => {
    for (const [key, atMs] of seenAtMs) {
      // Insertion order is time order, so the first young one ends the sweep.
      if (nowMs - atMs <= settings.windowMs && seenAtMs.size < settings.capacity) return;
      seenAtMs.delete(key);
    }
  };
  return {
    has(key, nowMs) {
      const atMs = seenAtMs.get(key);
      return atMs !== undefined && nowMs - atMs <= settings.windowMs;
    },
    add(key, nowMs) {
      forget(nowMs);
      seenAtMs.set(key, nowMs);
    },
    get size() {
      return seenAtMs.size;
    },
  };
};
