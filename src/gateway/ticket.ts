import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** Tickets open one login: a link with one may be printed, since it is worthless after its use or its time. */

export const ticketLifeMs = 600_000;

/** Compares without telling by its time how much was right; texts of any length. */
export const isSameSecret = (given: string, secret: string): boolean => {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(secret));
};

const signatureOf = (secret: string, claim: string): string =>
  createHmac('sha256', secret).update(`miaoai ticket ${claim}`).digest('base64url');

/**
 * A new ticket: `<expiry>.<nonce>.<signature>`. Whoever knows the control secret of a daemon can write one, without
 * asking the daemon.
 */
export const writeTicket = (secret: string, nowMs: number): string => {
  const claim = `${(nowMs + ticketLifeMs).toString(36)}.${randomBytes(16).toString('base64url')}`;
  return `${claim}.${signatureOf(secret, claim)}`;
};

/** What a ticket says, if it is genuine and its time is not over. */
export const readTicket = (
  secret: string,
  ticket: string,
  nowMs: number,
): { readonly nonce: string; readonly expiresAt: number } | null => {
  const [expiry = '', nonce = '', signature = '', ...rest] = ticket.slice(0, 256).split('.');
  if (rest.length > 0 || !isSameSecret(signature, signatureOf(secret, `${expiry}.${nonce}`))) return null;
  const expiresAt = Number.parseInt(expiry, 36);
  return expiresAt > nowMs && expiresAt <= nowMs + ticketLifeMs ? { nonce, expiresAt } : null;
};
