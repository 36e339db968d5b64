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
 */
export const dial = Effect.fn('transport.dial')(function* (
  settings: DialSettings,
): Effect.fn.Return<PeerConnection, LinkError, Scope.Scope> {
  const handshake = checkSettings(settings);
  if (!handshake.ok) return yield* Effect.fail(handshake.error);
  const expected = checkExpectedHotkey(settings.expectedHotkey);
  if (!expected.ok) return yield* Effect.fail(expected.error);
  const attempt = yield* Effect.acquireRelease(
    Effect.sync(() => startAttempt(settings, handshake.value)),
    (started) => started.release,
  );
  return yield* attempt.outcome;
});

type Attempt = {
  readonly outcome: Effect.Effect<PeerConnection, LinkError>;
  readonly release: Effect.Effect<void>;
};

const startAttempt = (settings: DialSettings, handshake: HandshakeSettings): Attempt => {
  const deadlineAtMs = performance.now() + settings.limits.handshakeDeadlineMs;
  const opened = Deferred.makeUnsafe<Negotiation, LinkError>();
  const unreachable = (message: string, cause?: unknown): void => {
    const { host, port } = settings;
    const text = `${host}:${port} ${message}`;
    Deferred.doneUnsafe(opened, Effect.fail(new PeerUnreachable({ host, port, message: text, cause })));
  };
  const ws = openWebSocket(settings);
  if (ws === null) {
    unreachable('is no valid address');
    return { outcome: Effect.flatMap(Deferred.await(opened), (it) => it.outcome), release: Effect.void };
  }
  let negotiation: Negotiation | null = null;
  let tcp: Socket | null = null;
  const timer = setTimeout(() => {
    unreachable(`did not answer within ${settings.limits.handshakeDeadlineMs} ms`);
    ws.terminate();
  }, settings.limits.handshakeDeadlineMs);
  const isGone = new Promise<void>((resolve) => ws.once('close', () => resolve()));

  ws.on('error', (error) => unreachable(`cannot be reached: ${error.message}`, error));
  ws.once('unexpected-response', (request, response) => {
    unreachable(`is no link of this protocol: it answered with HTTP status ${response.statusCode}`);
    request.destroy();
    ws.terminate();
  });
  ws.once('upgrade', (response) => {
    tcp = response.socket;
  });
  ws.once('close', () => clearTimeout(timer));
  ws.once('open', () => {
    clearTimeout(timer);
    if (tcp === null) return;
    const address = plainAddress(tcp.remoteAddress ?? settings.host);
    negotiation = negotiate({
      socket: takeSocket({ ws, tcp, address, limits: settings.limits }),
      role: settings.role,
      limits: settings.limits,
      deadlineMs: Math.max(1, Math.round(deadlineAtMs - performance.now())),
    });
    negotiation.dial(createInitiator({ ...handshake, expectedHotkey: settings.expectedHotkey }));
    Deferred.doneUnsafe(opened, Effect.succeed(negotiation));
  });

  return {
    outcome: Effect.flatMap(Deferred.await(opened), (it) => it.outcome),
    release: Effect.suspend(() => {
      if (negotiation !== null) return negotiation.release;
      clearTimeout(timer);
      ws.terminate();
      return Effect.promise(() => isGone);
    }),
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
