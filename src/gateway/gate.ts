/** Who may read: the holder of the token, or of the cookie that a one-time link was exchanged for. */
import { createHmac } from 'node:crypto';
import * as Redacted from 'effect/Redacted';

import { isSameSecret, readTicket } from './ticket.ts';
import type { Token } from './tokenFile.ts';

export type Credentials = {
  readonly cookie: string | undefined;
  readonly authorization: string | undefined;
};

export type Gate = {
  /** Whether a page or the API may be read. */
  readonly isOpenTo: (credentials: Credentials) => boolean;
  readonly isMetricsOpenTo: (credentials: Credentials) => boolean;
  /** Whether the request comes from who can read this daemon's own file. */
  readonly isControl: (credentials: Credentials) => boolean;
  /** Takes a ticket; `tooMany` wrong ones within a minute are not looked at any longer than to see that they are. */
  readonly redeem: (ticket: string) => 'taken' | 'wrong' | 'tooMany';
  /** Value of Set-Cookie for a reader whose ticket was taken. */
  readonly setCookie: () => string;
};

export type GateOptions = {
  /** null: everybody who reaches the gateway may read. */
  readonly token: Token | null;
  /** For `/metrics` alone; null: open. */
  readonly metricsToken: Token | null;
  /** Secret of this run of the daemon, in a file that only its user can read. */
  readonly control: string;
  readonly now: () => number;
};

const cookieLifeS = 30 * 24 * 3_600;
const wrongPerMinute = 10;

const bearerOf = ({ authorization }: Credentials): string | null =>
  /^Bearer ([!-~]{1,512})$/i.exec(authorization ?? '')?.[1] ?? null;

const cookieOf = ({ cookie }: Credentials, name: string): string | null => {
  for (const part of (cookie ?? '').slice(0, 8_192).split(';')) {
    const [key, value] = part.trim().split('=');
    if (key === name && value !== undefined) return value;
  }
  return null;
};

/** Tickets that were used, until they are worthless anyway. */
const createUsed = (now: () => number) => {
  const used = new Map<string, number>();
  return {
    /** False where it was used before. */
    take: (nonce: string, expiresAt: number): boolean => {
      for (const [other, end] of used) if (end <= now()) used.delete(other);
      if (used.has(nonce)) return false;
      used.set(nonce, expiresAt);
      return true;
    },
  };
};

const createFailures = (now: () => number) => {
  let windowEndsAt = 0;
  let count = 0;
  return (): 'wrong' | 'tooMany' => {
    if (now() >= windowEndsAt) {
      windowEndsAt = now() + 60_000;
      count = 0;
    }
    count += 1;
    return count > wrongPerMinute ? 'tooMany' : 'wrong';
  };
};

/**
 * The cookie is derived from the token: it outlives a restart of the daemon and ends with the token. Cookies do not
 * know ports, so its name tells the daemons of one machine apart.
 */
const cookieFor = (token: Token) => {
  const derive = (use: string): string =>
    createHmac('sha256', Redacted.value(token)).update(`miaoai cookie ${use}`).digest('base64url');
  return {
    name: `miaoai-${derive('name')
      .replaceAll(/[^A-Za-z0-9]/g, '')
      .slice(0, 8)}`,
    value: derive('value'),
  };
};

export const createGate = ({ token, metricsToken, control, now }: GateOptions): Gate => {
  const used = createUsed(now);
  const failed = createFailures(now);
  const cookie = token === null ? null : cookieFor(token);
  const isBearer = (credentials: Credentials, secret: string): boolean => {
    const bearer = bearerOf(credentials);
    return bearer !== null && isSameSecret(bearer, secret);
  };
  const isControl = (credentials: Credentials): boolean => isBearer(credentials, control);
  const isOpenTo = (credentials: Credentials): boolean => {
    if (token === null || cookie === null) return true;
    const given = cookieOf(credentials, cookie.name);
    if (given !== null && isSameSecret(given, cookie.value)) return true;
    return isBearer(credentials, Redacted.value(token)) || isControl(credentials);
  };
  return {
    isOpenTo,
    isControl,
    isMetricsOpenTo: (credentials) =>
      metricsToken === null ||
      isBearer(credentials, Redacted.value(metricsToken)) ||
      (token !== null && isOpenTo(credentials)) ||
      isControl(credentials),
    redeem: (ticket) => {
      // A right one is always taken, however many wrong ones somebody sends.
      const read = readTicket(control, ticket, now());
      return read !== null && used.take(read.nonce, read.expiresAt) ? 'taken' : failed();
    },
    setCookie: () =>
      cookie === null
        ? ''
        : `${cookie.name}=${cookie.value}; Path=/; Max-Age=${cookieLifeS}; HttpOnly; SameSite=Strict`,
  };
};
