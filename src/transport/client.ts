import type { Socket } from 'node:net';
import { isIPv6 } from 'node:net';
import * as Deferred from 'effect/Deferred';
import * as Effect from 'effect/Effect';
import type * as Scope from 'effect/Scope';
import { WebSocket } from 'ws';

import type { Hotkey } from '../domain/ids.ts';
import type { PeerConnection } from './connection.ts';
import { type LinkError, PeerUnreachable } from './errors.ts';
import { socketOptions, takeSocket } from './frameSocket.ts';
import { createInitiator, type HandshakeSettings } from './handshake.ts';
import { type Negotiation, negotiate } from './negotiation.ts';
import { LINK_PATH } from './protocol.ts';
import { plainAddress } from './rates.ts';
import { checkExpectedHotkey, checkSettings, type LinkSettings } from './settings.ts';

export type DialSettings = LinkSettings & {
  /** IP address or name, without brackets. */
  readonly host: string;
  readonly port: number;
  /** The hotkey that must answer, from the chain. */
  readonly expectedHotkey: Hotkey;
};

/**
 * Dials a peer and proves both hotkeys. Succeeds only after the peer has accepted our proof.
 *
 * The whole attempt, name resolution included, takes at most `limits.handshakeDeadlineMs`. Closing the scope says bye
 * and waits until the socket is gone.
 *
 * A wall clock that is wrong here, or there, keeps nobody from linking: a peer that refuses our time says its own, and
 * is asked once more by that one. Its word is not proven, and used for nothing else. What it bounds stays: the listener
 * accepts first messages of its own time only and remembers them for as long, and both proofs are bound to fresh nonces.
 */
export const dial = Effect.fn('transport.dial')(function* (
  settings: DialSettings,
): Effect.fn.Return<PeerConnection, LinkError, Scope.Scope> {
  const handshake = checkSettings(settings);
  if (!handshake.ok) return yield* Effect.fail(handshake.error);
  const expected = checkExpectedHotkey(settings.expectedHotkey);
  if (!expected.ok) return yield* Effect.fail(expected.error);
  const deadlineAtMs = performance.now() + settings.limits.handshakeDeadlineMs;
  const begin = (offsetMs: number) => {
    const now = () => handshake.value.now() + offsetMs;
    return Effect.acquireRelease(
      Effect.sync(() => startAttempt(settings, { ...handshake.value, now }, deadlineAtMs)),
      (started) => started.release,
    );
  };
  const first = yield* begin(0);
  return yield* Effect.catch(first.outcome, (error) => {
    const offsetMs = offsetOf(error, handshake.value.now());
    if (offsetMs === null) return Effect.fail(error);
    return Effect.andThen(
      first.release,
      Effect.flatMap(begin(offsetMs), (second) => second.outcome),
    );
  });
});

/** More than a clock set to the wrong day is refused for good: then nothing else works either. */
const MAX_CLOCK_OFFSET_MS = 86_400_000;

/** How far the clock of a peer that refused ours is ahead of it; null for other errors, and beyond the bound. */
const offsetOf = (error: LinkError, nowMs: number): number | null => {
  if (error._tag !== 'RefusedByPeer' || error.clockMs === null) return null;
  const offsetMs = error.clockMs - nowMs;
  return Math.abs(offsetMs) <= MAX_CLOCK_OFFSET_MS ? offsetMs : null;
};

type Attempt = {
  readonly outcome: Effect.Effect<PeerConnection, LinkError>;
  readonly release: Effect.Effect<void>;
};

/** Opens the WebSocket and hands it to the handshake; one deadline covers both. */
const startAttempt = (
  settings: DialSettings,
  handshake: HandshakeSettings,
  deadlineAtMs: number,
): Attempt => {
  const { limits } = settings;
  const opened = Deferred.makeUnsafe<Negotiation, LinkError>();
  const outcome = Effect.flatMap(Deferred.await(opened), (negotiation) => negotiation.outcome);
  const ws = openWebSocket(settings);
  if (ws === null) {
    Deferred.doneUnsafe(opened, Effect.fail(unreachable(settings, 'is no valid address')));
    return { outcome, release: Effect.void };
  }
  let negotiation: Negotiation | null = null;
  const leftMs = Math.max(1, Math.round(deadlineAtMs - performance.now()));
  const opening = watchOpening(ws, { ...settings, leftMs }, (error) =>
    Deferred.doneUnsafe(opened, Effect.fail(error)),
  );
  ws.once('open', () => {
    const tcp = opening.tcp();
    if (tcp === null) return;
    const address = plainAddress(tcp.remoteAddress ?? settings.host);
    negotiation = negotiate({
      socket: takeSocket({ ws, tcp, address, limits }),
      role: settings.role,
      limits,
      deadlineMs: Math.max(1, Math.round(deadlineAtMs - performance.now())),
    });
    negotiation.dial(createInitiator({ ...handshake, expectedHotkey: settings.expectedHotkey }));
    Deferred.doneUnsafe(opened, Effect.succeed(negotiation));
  });
  const release = Effect.suspend(() => negotiation?.release ?? Effect.promise(opening.abandon));
  return { outcome, release };
};

const unreachable = ({ host, port }: DialSettings, what: string, cause?: unknown): PeerUnreachable =>
  new PeerUnreachable({ host, port, message: `${host}:${port} ${what}`, cause });

/** Watches a WebSocket until it is open; everything that ends it before is reported as unreachable. */
const watchOpening = (
  ws: WebSocket,
  settings: DialSettings & { readonly leftMs: number },
  onUnreachable: (error: PeerUnreachable) => void,
) => {
  const { handshakeDeadlineMs } = settings.limits;
  let tcp: Socket | null = null;
  const timer = setTimeout(() => {
    onUnreachable(unreachable(settings, `did not answer within ${handshakeDeadlineMs} ms`));
    ws.terminate();
  }, settings.leftMs);
  const isGone = new Promise<void>((resolve) => ws.once('close', () => resolve()));
  ws.on('error', (error) =>
    onUnreachable(unreachable(settings, `cannot be reached: ${error.message}`, error)),
  );
  ws.once('unexpected-response', (request, response) => {
    const what = `is no link of this protocol: it answered with HTTP status ${response.statusCode}`;
    onUnreachable(unreachable(settings, what));
    request.destroy();
    ws.terminate();
  });
  ws.once('upgrade', (response) => {
    tcp = response.socket;
  });
  ws.once('open', () => clearTimeout(timer));
  ws.once('close', () => clearTimeout(timer));
  return {
    /** The socket below, once the WebSocket is open. */
    tcp: () => tcp,
    /** Gives up and waits until nothing is left. */
    abandon: (): Promise<void> => {
      clearTimeout(timer);
      ws.terminate();
      return isGone;
    },
  };
};

/** A WebSocket on its way to the peer; null when host and port make no URL. */
const openWebSocket = ({ host, port, limits }: DialSettings): WebSocket | null => {
  const authority = isIPv6(host) ? `[${host}]` : host;
  try {
    return new WebSocket(`ws://${authority}:${port}${LINK_PATH}`, {
      ...socketOptions(limits),
      followRedirects: false,
    });
  } catch {
    return null;
  }
};
