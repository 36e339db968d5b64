import type { LinkFailure } from '../domain/failures.ts';
import type { CodecFailure } from './codec.ts';

/** What exactly ended a link: the key it is counted under. */
export type EndCause =
  | 'Bye'
  | 'ClosedHere'
  | 'ClosedByPeer'
  | 'Lost'
  | 'Refused'
  | 'Silent'
  | 'SlowFrame'
  | 'MessageRate'
  | 'ByteRate'
  | 'OversizedFrame'
  | 'BadFrame'
  | 'TextFrame'
  | 'ControlFrame'
  | 'EarlyFrame'
  | 'BadSeal'
  | 'WrongDirection'
  | 'Unheard'
  | 'OutboundFull'
  | 'CounterExhausted'
  | 'Defect'
  | CodecFailure['_tag'];

export const endCauses: readonly EndCause[] = [
  ...(['Bye', 'ClosedHere', 'ClosedByPeer', 'Lost', 'Refused', 'Silent', 'SlowFrame'] as const),
  ...(['MessageRate', 'ByteRate', 'OversizedFrame', 'BadFrame', 'TextFrame', 'ControlFrame'] as const),
  ...([
    'EarlyFrame',
    'BadSeal',
    'WrongDirection',
    'Unheard',
    'OutboundFull',
    'CounterExhausted',
    'Defect',
  ] as const),
  ...(['TooLarge', 'NotText', 'NotJson', 'TooDeep', 'TooManyValues', 'UnknownType'] as const),
  ...(['UnknownVersion', 'Invalid'] as const),
];

/** The end of a link; there is exactly one, the first. */
export type LinkEnd = {
  readonly cause: EndCause;
  readonly failure: LinkFailure;
  /** WebSocket close code: ours to the peer, or the peer's to us where it ended the link. */
  readonly closeCode: number;
  /** Refusals for the clock: what time it is at the side that refuses, Unix ms. */
  readonly clockMs?: number;
};

/** Close codes of RFC 6455, 7.4.1. */
const NORMAL = 1000;
const POLICY_VIOLATION = 1008;
const INTERNAL_ERROR = 1011;

export const violation = (cause: EndCause, message: string): LinkEnd => ({
  cause,
  failure: { _tag: 'ProtocolViolation', message },
  closeCode: POLICY_VIOLATION,
});

export const overflow = (cause: EndCause, message: string): LinkEnd => ({
  cause,
  failure: { _tag: 'Overflow', message },
  closeCode: POLICY_VIOLATION,
});

export const silent = (message: string): LinkEnd => ({
  cause: 'Silent',
  failure: { _tag: 'Silent', message },
  closeCode: POLICY_VIOLATION,
});

export const lost = (message: string): LinkEnd => ({
  cause: 'Lost',
  failure: { _tag: 'Lost', message },
  closeCode: NORMAL,
});

/** Code of this side threw while it handled what the peer sent; the peer may not be to blame. */
export const defect = (error: unknown): LinkEnd => ({
  cause: 'Defect',
  failure: { _tag: 'Defect', message: `a defect of this side: ${String(error)}` },
  closeCode: INTERNAL_ERROR,
});

export const closedHere = (message: string): LinkEnd => ({
  cause: 'ClosedHere',
  failure: { _tag: 'ClosedHere', message },
  closeCode: NORMAL,
});

export const closedByPeer = (cause: 'Bye' | 'ClosedByPeer', message: string): LinkEnd => ({
  cause,
  failure: { _tag: 'ClosedByPeer', message },
  closeCode: NORMAL,
});
