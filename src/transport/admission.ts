import type { Socket } from 'node:net';

import { createAddressLimiter, plainAddress } from './rates.ts';

/** Addresses remembered by the rate limit; about 200 bytes each. */
const MAX_ADDRESSES = 16_384;

/** What became of a TCP connection before it spoke. */
export type TurnedAway = 'AddressRate' | 'TooManyConnections' | 'TooManyPending';
export const turnedAwayReasons: readonly TurnedAway[] = [
  'AddressRate',
  'TooManyConnections',
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

export const createAdmission = (settings: {
  readonly maxPending: number;
  readonly maxConnections: number;
  readonly maxPerAddressPerMinute: number;
}): Admission => {
  const places = new WeakMap<Socket, Place>();
  const limiter = createAddressLimiter({
    perMinute: settings.maxPerAddressPerMinute,
    capacity: MAX_ADDRESSES,
  });
  let pending = 0;
  let connections = 0;

  const judge = (address: string): TurnedAway | null => {
    if (!limiter.admit(address, performance.now())) return 'AddressRate';
    if (connections >= settings.maxConnections) return 'TooManyConnections';
    return pending >= settings.maxPending ? 'TooManyPending' : null;
  };
  return {
    admit(tcp) {
      const address = plainAddress(tcp.remoteAddress ?? '');
      const reason = judge(address);
      if (reason !== null) return reason;
      pending += 1;
      connections += 1;
      const place = createPlace(tcp, address, {
        onSettled: () => {
          pending -= 1;
        },
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
