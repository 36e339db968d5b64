import type { Socket } from 'node:net';

import { addressGroup, createAddressLimiter, plainAddress } from './rates.ts';

/** Addresses remembered by the rate limit; about 200 bytes each. */
const MAX_ADDRESSES = 16_384;

/** What became of a TCP connection before it spoke. */
export type TurnedAway = 'AddressRate' | 'TooManyConnections' | 'TooManyOfAddress' | 'TooManyPending';
export const turnedAwayReasons: readonly TurnedAway[] = [
  'AddressRate',
  'TooManyConnections',
  'TooManyOfAddress',
  'TooManyPending',
];

/** Place of one connection; its socket gives it back when it closes. */
export type Place = {
  readonly address: string;
  readonly admittedAtMs: number;
  /** The handshake is over: the place no longer counts as pending. */
  settle(): void;
  /** Calls `onLate` unless the limit is replaced (null: lifted) or the socket closes before. */
  limitTime(limitMs: number | null, onLate?: () => void): void;
};

/** Decides over TCP connections at their cheapest point: before a byte is read. */
export interface Admission {
  admit(tcp: Socket): Place | TurnedAway;
  placeOf(tcp: Socket): Place | undefined;
}

export type AdmissionBounds = {
  /** Connections whose handshake is not over, all together and of one IPv4 address or IPv6 /64. */
  readonly maxPending: number;
  readonly maxPendingPerAddress: number;
  /** All connections. */
  readonly maxConnections: number;
  /** New connections of one address. */
  readonly maxPerAddressPerMinute: number;
};

/**
 * Nobody can keep others out by holding unproven connections: one address has few of them, and where many addresses
 * together hold all places, a newcomer takes the oldest place of whoever holds most, if that is more than it has.
 */
export const createAdmission = (
  settings: AdmissionBounds & { readonly onEvicted: () => void },
): Admission => {
  const places = new WeakMap<Socket, Place>();
  const limiter = createAddressLimiter({
    perMinute: settings.maxPerAddressPerMinute,
    capacity: MAX_ADDRESSES,
  });
  const waiting = createWaitingRoom();
  let connections = 0;

  const judge = (address: string): TurnedAway | null => {
    if (!limiter.admit(address, performance.now())) return 'AddressRate';
    if (connections >= settings.maxConnections) return 'TooManyConnections';
    const own = waiting.sizeOf(address);
    if (own >= settings.maxPendingPerAddress) return 'TooManyOfAddress';
    if (waiting.size() < settings.maxPending) return null;
    const oldest = waiting.oldestOfBusiest(own);
    if (oldest === null) return 'TooManyPending';
    places.get(oldest)?.settle();
    oldest.destroy();
    settings.onEvicted();
    return null;
  };
  return {
    admit(tcp) {
      const address = plainAddress(tcp.remoteAddress ?? '');
      const reason = judge(address);
      if (reason !== null) return reason;
      waiting.enter(address, tcp);
      connections += 1;
      const place = createPlace(tcp, address, {
        onSettled: () => waiting.leave(address, tcp),
        onClosed: () => {
          connections -= 1;
        },
      });
      places.set(tcp, place);
      return place;
    },
    placeOf: (tcp) => places.get(tcp),
  };
};

/** Connections whose handshake is not over, by what counts as one address. */
const createWaitingRoom = () => {
  const groups = new Map<string, Set<Socket>>();
  let size = 0;
  return {
    size: () => size,
    sizeOf: (address: string): number => groups.get(addressGroup(address))?.size ?? 0,
    /** The socket that has waited longest in the largest group; null when none is larger than `than`. */
    oldestOfBusiest(than: number): Socket | null {
      let busiest: ReadonlySet<Socket> | null = null;
      for (const group of groups.values()) {
        if (group.size > (busiest?.size ?? than)) busiest = group;
      }
      return busiest?.values().next().value ?? null;
    },
    enter(address: string, tcp: Socket): void {
      const key = addressGroup(address);
      groups.set(key, (groups.get(key) ?? new Set()).add(tcp));
      size += 1;
    },
    leave(address: string, tcp: Socket): void {
      const key = addressGroup(address);
      const group = groups.get(key);
      if (group?.delete(tcp) !== true) return;
      size -= 1;
      if (group.size === 0) groups.delete(key);
    },
  };
};

/** The place of one socket; each callback is called once. */
const createPlace = (
  tcp: Socket,
  address: string,
  on: { readonly onSettled: () => void; readonly onClosed: () => void },
): Place => {
  let isPending = true;
  let timer: NodeJS.Timeout | undefined;
  const settle = (): void => {
    if (isPending) on.onSettled();
    isPending = false;
  };
  tcp.once('close', () => {
    settle();
    clearTimeout(timer);
    on.onClosed();
  });
  return {
    address,
    admittedAtMs: performance.now(),
    settle,
    limitTime(limitMs, onLate) {
      clearTimeout(timer);
      if (limitMs !== null) timer = setTimeout(() => onLate?.(), limitMs);
    },
  };
};
