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

/** Open pings and what their answers say about the distance. */
const createRoundTrips = () => {
  const askedAtMs = new Map<number, number>();
  let smoothedMs: number | null = null;
  let shortestMs: number | null = null;
  return {
    asked: (n: number) => askedAtMs.set(n, performance.now()),
    oldestAtMs: (): number | null => askedAtMs.values().next().value ?? null,
    answered(n: number, atMs: number): void {
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
    rttMs: () => smoothedMs,
    minRttMs: () => shortestMs,
  };
};

/** What there is to say against a peer at this moment. */
const complaintAbout = (state: {
  readonly heardAtMs: number;
  readonly oldestAskedAtMs: number | null;
  readonly patienceMs: number;
}): string | null => {
  const { heardAtMs, oldestAskedAtMs, patienceMs } = state;
  const nowMs = performance.now();
  if (nowMs - heardAtMs > patienceMs) return `nothing was heard for ${patienceMs} ms`;
  const isIgnored = nowMs - (oldestAskedAtMs ?? nowMs) > patienceMs;
  return isIgnored ? `a ping went unanswered for ${patienceMs} ms` : null;
};

/**
 * Starts with a first ping: at once, or with `waitsForPeer` when the peer is first heard. The dialing side waits,
 * because its first ping would be answered only after the peer has verified a signature, and that is no distance.
 */
export const startHeartbeat = (given: {
  readonly limits: Pick<LinkLimits, 'heartbeatMs' | 'patienceMs'>;
  readonly waitsForPeer: boolean;
  readonly ping: (n: number) => void;
  readonly onSilent: (message: string) => void;
}): Heartbeat => {
  const { heartbeatMs, patienceMs } = given.limits;
  const trips = createRoundTrips();
  let heardAtMs = performance.now();
  let isStopped = false;

  const complaint = (): string | null =>
    complaintAbout({ heardAtMs, oldestAskedAtMs: trips.oldestAtMs(), patienceMs });
  const judge = (): void => {
    const message = isStopped ? null : complaint();
    if (message !== null) given.onSilent(message);
  };
  const beat = (): void => {
    // After a stall of this process the peer's bytes may wait unread in the kernel: judge after the next read.
    if (complaint() !== null) setImmediate(judge);
    const n = randomInt(PING_NUMBERS);
    trips.asked(n);
    given.ping(n);
    if (!isStopped) timer = setTimeout(beat, heartbeatMs * (1 + JITTER * (2 * Math.random() - 1)));
  };
  let isWaiting = given.waitsForPeer;
  let timer = setTimeout(beat, isWaiting ? heartbeatMs : 0);
  const heard = (atMs: number): void => {
    heardAtMs = atMs;
    if (!isWaiting || isStopped) return;
    isWaiting = false;
    clearTimeout(timer);
    timer = setTimeout(beat, 0);
  };
  const stop = (): void => {
    isStopped = true;
    clearTimeout(timer);
  };
  return { heard, stop, answered: trips.answered, rttMs: trips.rttMs, minRttMs: trips.minRttMs };
};
