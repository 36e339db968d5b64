import { randomInt } from 'node:crypto';

import type { LinkLimits } from './limits.ts';

/** Keeps asking whether a peer is there, and how far away it is. Times are `performance.now()`. */
export interface Heartbeat {
  /** Something authentic came. */
  heard(atMs: number): void;
  /** The answer to ping `n` came; an `n` that was never asked is ignored. */
  answered(n: number, atMs: number): void;
  stop(): void;
  /** Smoothed round trip, null before the first answer. */
  rttMs(): number | null;
  /** Shortest round trip seen, null before the first answer. */
  minRttMs(): number | null;
}

/** Weight of a new sample, as TCP uses for its own estimate (RFC 6298, 2.3). */
const EWMA_WEIGHT = 1 / 8;
/** Share of the interval by which beats vary, so that many links do not beat together. */
const JITTER = 0.1;
const PING_NUMBERS = 2 ** 32;

/** Starts at once with a first ping. `onSilent` is called at most once. */
export const startHeartbeat = (given: {
  readonly limits: Pick<LinkLimits, 'heartbeatMs' | 'patienceMs'>;
  readonly ping: (n: number) => void;
  readonly onSilent: (message: string) => void;
}): Heartbeat => {
  const { heartbeatMs, patienceMs } = given.limits;
  const askedAtMs = new Map<number, number>();
  let heardAtMs = performance.now();
  let smoothedMs: number | null = null;
  let shortestMs: number | null = null;
  let timer: NodeJS.Timeout | null = null;
  let isStopped = false;

  const complaint = (): string | null => {
    const nowMs = performance.now();
    if (nowMs - heardAtMs > patienceMs) return `nothing was heard for ${patienceMs} ms`;
    const oldest = askedAtMs.values().next();
    const isIgnored = oldest.done !== true && nowMs - oldest.value > patienceMs;
    return isIgnored ? `a ping went unanswered for ${patienceMs} ms` : null;
  };
  const judge = (): void => {
    const message = isStopped ? null : complaint();
    if (message !== null) given.onSilent(message);
  };
  const beat = (): void => {
    // After a stall of this process the peer's bytes may wait unread in the kernel: judge after the next read.
    if (complaint() !== null) setImmediate(judge);
    const n = randomInt(PING_NUMBERS);
    askedAtMs.set(n, performance.now());
    given.ping(n);
    if (!isStopped) timer = setTimeout(beat, heartbeatMs * (1 + JITTER * (2 * Math.random() - 1)));
  };
  timer = setTimeout(beat, 0);

  return {
    heard: (atMs) => {
      heardAtMs = atMs;
    },
    answered(n, atMs) {
      const sentAtMs = askedAtMs.get(n);
      if (sentAtMs === undefined) return;
      // Answers keep the order of questions, so older ones will not be answered any more.
      for (const asked of askedAtMs.keys()) {
        askedAtMs.delete(asked);
        if (asked === n) break;
      }
      const sampleMs = Math.max(0, atMs - sentAtMs);
      smoothedMs = smoothedMs === null ? sampleMs : smoothedMs + EWMA_WEIGHT * (sampleMs - smoothedMs);
      shortestMs = shortestMs === null ? sampleMs : Math.min(shortestMs, sampleMs);
    },
    stop() {
      isStopped = true;
      if (timer !== null) clearTimeout(timer);
    },
    rttMs: () => smoothedMs,
    minRttMs: () => shortestMs,
  };
};
