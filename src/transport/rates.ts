import { isIPv6 } from 'node:net';

/** A token bucket: `perSecond` on average, `burst` at once. */
export interface TokenBucket {
  /** Takes `amount` tokens if they are there. `nowMs` must not run backwards (`performance.now()`). */
  take(amount: number, nowMs: number): boolean;
}

export const createTokenBucket = (settings: {
  readonly perSecond: number;
  readonly burst: number;
}): TokenBucket => {
  let tokens = settings.burst;
  let filledAtMs: number | null = null;
  return {
    take(amount, nowMs) {
      if (filledAtMs !== null && nowMs > filledAtMs) {
        const gained = ((nowMs - filledAtMs) * settings.perSecond) / 1_000;
        tokens = Math.min(settings.burst, tokens + gained);
      }
      filledAtMs = nowMs;
      if (tokens < amount) return false;
      tokens -= amount;
      return true;
    },
  };
};

/** Limits connections per address without growing with the number of addresses. */
export interface AddressLimiter {
  admit(address: string, nowMs: number): boolean;
}

/**
 * `perMinute` connections per address, spread evenly after a first burst of as many. At most `capacity` addresses are
 * remembered; the one that came back longest ago is forgotten first.
 */
export const createAddressLimiter = (settings: {
  readonly perMinute: number;
  readonly capacity: number;
}): AddressLimiter => {
  const buckets = new Map<string, TokenBucket>();
  return {
    admit(address, nowMs) {
      const key = addressGroup(address);
      const bucket =
        buckets.get(key) ??
        createTokenBucket({ perSecond: settings.perMinute / 60, burst: settings.perMinute });
      buckets.delete(key);
      buckets.set(key, bucket);
      const oldest = buckets.keys().next();
      if (buckets.size > settings.capacity && oldest.done !== true) buckets.delete(oldest.value);
      return bucket.take(1, nowMs);
    },
  };
};

/** `::ffff:1.2.3.4` → `1.2.3.4`; anything else unchanged. */
export const plainAddress = (address: string): string =>
  address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address;

/** What counts as one address: an IPv4 address, or the /64 network of an IPv6 address, which one host owns whole. */
export const addressGroup = (address: string): string => {
  const plain = plainAddress(address);
  if (!isIPv6(plain)) return plain;
  const [head = '', tail] = (plain.split('%')[0] ?? '').split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array.from({ length: zeros }, () => '0'), ...right];
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
};
