import { createHash, randomBytes } from 'node:crypto';

/**
 * Names of one request's trace that both sides find by themselves. The id of a request is known to its validator and its
 * miner and to nobody else; a hash of it says nothing about it.
 */
export type TraceIds = {
  /** 32 hex digits. */
  readonly traceId: string;
  /** Span of the whole task, 16 hex digits; its validator reports it. */
  readonly taskSpanId: string;
  /** Span from sending to the answer, which what the miner does is part of. */
  readonly askSpanId: string;
};

const hexOf = (requestId: string): string =>
  createHash('sha256').update('miaoai trace 1/').update(requestId).digest('hex');

export const traceIdsOf = (requestId: string): TraceIds => {
  const hex = hexOf(requestId);
  return { traceId: hex.slice(0, 32), taskSpanId: hex.slice(32, 48), askSpanId: hex.slice(48, 64) };
};

/** Of a span that nobody but its reporter refers to. */
export const drawSpanId = (): string => randomBytes(8).toString('hex');

const randomnessDigits = 14;
const randomnessRange = 2 ** 56;

/**
 * Whether a trace is kept, by the last 56 bits of its id (W3C Trace Context level 2, random trace id): both sides of a
 * request decide alike under one ratio, and what a lower ratio keeps a higher one keeps too.
 */
export const isSampled = (traceId: string, ratio: number): boolean =>
  Number.parseInt(traceId.slice(-randomnessDigits), 16) >= (1 - ratio) * randomnessRange;
