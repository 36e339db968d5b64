import type * as Effect from 'effect/Effect';

import type { LinkFailure } from '../domain/failures.ts';
import type { Hotkey } from '../domain/ids.ts';
import type { Outcome } from '../domain/outcome.ts';
import type { Message, Role } from './protocol.ts';
import type { EncodedMessage } from './taskSheet.ts';

/** Receives a message. `receivedAtMs` is `performance.now()` at the read that completed its frame. */
export type OnMessage = (message: Message, receivedAtMs: number) => void;

/** A proven, private link to one peer. Pings, pongs and byes are its own business and not passed on. */
export interface PeerConnection {
  readonly remote: { readonly hotkey: Hotkey; readonly role: Role; readonly address: string };
  /** Hands a message to the socket. `Overflow`: it does not fit (nothing was sent); else: why the link is over. */
  send(message: Message | EncodedMessage): Outcome<void, LinkFailure>;
  /** Sets the one receiver; messages that came before it are delivered at once, in order. */
  listen(onMessage: OnMessage): void;
  /** Smoothed round trip of the heartbeat; null before the first one. */
  rttMs(): number | null;
  /** Shortest round trip of the heartbeat: the nearest to the bare network. */
  minRttMs(): number | null;
  /** Completes once, with the reason. */
  readonly closed: Effect.Effect<LinkFailure>;
  /** Says bye, then closes. */
  close(reason: string): void;
}
