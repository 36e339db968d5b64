import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as Effect from 'effect/Effect';
import type * as Scope from 'effect/Scope';
import type { AdmissionBounds, Place } from './admission.ts';
import type { PeerConnection } from './connection.ts';
import { type CounterName, type Counters, createCounters } from './counters.ts';
import { createDoorway } from './doorway.ts';
import { LinkBroken, type LinkError, ListenFailed } from './errors.ts';
import type { FrameSocket } from './frameSocket.ts';
import { type Authorise, createResponder, type HandshakeSettings, type Responder } from './handshake.ts';
import { type Negotiation, negotiate } from './negotiation.ts';
import { createTokenBucket } from './rates.ts';
import { createReplayCache } from './replayCache.ts';
import { checkSettings, type LinkSettings } from './settings.ts';

export type ListenSettings = LinkSettings &
  AdmissionBounds & {
    /** Address to bind, e.g. `0.0.0.0` or `127.0.0.1`. */
    readonly host: string;
    /** 0 lets the system choose. */
    readonly port: number;
    readonly authorise: Authorise;
    readonly onArrival: (arrival: Arrival) => void;
  };

/** A WebSocket somebody opened, of whom nothing is known yet. Cut when nobody accepts it before its deadline. */
export interface Arrival {
  /** Unique in this process and over its listeners. */
  readonly id: string;
  readonly address: string;
  /** Runs the handshake; can be run once. Closing the scope says bye and waits until the socket is gone. */
  readonly accept: Effect.Effect<PeerConnection, LinkError, Scope.Scope>;
  refuse(): void;
  /** Resolves when the operating system's socket is gone. */
  readonly gone: Promise<void>;
}

export interface Listener {
  readonly port: number;
  readonly address: string;
  counters(): Readonly<Record<CounterName, number>>;
}

/** First messages remembered against replay; about 200 bytes each. */
const MAX_REPLAYS = 16_384;

/**
 * Listens for links. Everything before the proof of a hotkey is bounded by counts and deadlines, and refused with a
 * counter and a two-byte code. Closing the scope stops listening and closes the links that came in here.
 */
export const listen = Effect.fn('transport.listen')(function* (
  settings: ListenSettings,
): Effect.fn.Return<Listener, LinkError, Scope.Scope> {
  const handshake = checkSettings(settings);
  if (!handshake.ok) return yield* Effect.fail(handshake.error);
  const counters = createCounters();
  const inside = new Set<Negotiation>();
  const receive = createReception({ settings, handshake: handshake.value, counters });
  const onSocket = (socket: FrameSocket, place: Place): void => {
    const negotiation = receive(socket, place);
    inside.add(negotiation);
    void socket.gone.then(() => inside.delete(negotiation));
  };
  const doorway = yield* Effect.acquireRelease(
    Effect.sync(() => createDoorway({ ...settings, counters, onSocket })),
    ({ stop, shut }) =>
      Effect.gen(function* () {
        stop();
        yield* Effect.forEach([...inside], (negotiation) => negotiation.release, {
          concurrency: 'unbounded',
        });
        yield* Effect.promise(shut);
      }),
  );
  const bound = yield* bind(doorway.http, settings);
  return { port: bound.port, address: bound.address, counters: counters.read };
});

const bind = (http: Server, { host, port }: ListenSettings): Effect.Effect<AddressInfo, ListenFailed> =>
  Effect.callback((resume) => {
    http.on('error', (cause) => {
      const message = `cannot listen on ${host}:${port}: ${cause.message}; choose another port or address`;
      resume(Effect.fail(new ListenFailed({ host, port, message, cause })));
    });
    http.listen({ host, port }, () => {
      const address = http.address();
      // A string would be a pipe, which host and port cannot make.
      if (address !== null && typeof address !== 'string') resume(Effect.succeed(address));
    });
  });

type ReceptionSettings = {
  readonly settings: ListenSettings;
  readonly handshake: HandshakeSettings;
  readonly counters: Counters;
};

/** Turns open sockets into arrivals; holds what all handshakes of one listener share. */
const createReception = ({ settings, handshake, counters }: ReceptionSettings) => {
  const { limits, role, authorise } = settings;
  const replays = createReplayCache({ windowMs: 2 * limits.clockWindowMs, capacity: MAX_REPLAYS });
  const perSecond = limits.handshakesPerSecond;
  const budget = createTokenBucket({ perSecond, burst: perSecond * 2 });
  const mayWork = (): boolean => budget.take(1, performance.now());
  const prefix = randomBytes(4).toString('hex');
  let arrivals = 0;

  return (socket: FrameSocket, place: Place): Negotiation => {
    const spentMs = performance.now() - place.admittedAtMs;
    const negotiation = negotiate({
      socket,
      role,
      limits,
      deadlineMs: Math.max(1, Math.round(limits.handshakeDeadlineMs - spentMs)),
      onRefused: (reason) => counters.count(`refused.${reason}`),
      onEstablished: () => {
        place.settle();
        counters.count('established');
      },
    });
    socket.onEnd((end) => counters.count(`ended.${end.cause}`));
    counters.count('arrivals');
    arrivals += 1;
    const remoteAddress = place.address;
    const newResponder = (): Responder =>
      createResponder({ ...handshake, authorise, remoteAddress, replays, mayWork });
    const id = `${prefix}-${arrivals}`;
    const arrival = arrivalOf({ id, address: remoteAddress, negotiation, newResponder, gone: socket.gone });
    negotiation.contain(() => settings.onArrival(arrival));
    return negotiation;
  };
};

/** What the user of a listener sees of a socket that nobody has accepted yet. */
const arrivalOf = (given: {
  readonly id: string;
  readonly address: string;
  readonly negotiation: Negotiation;
  readonly newResponder: () => Responder;
  readonly gone: Promise<void>;
}): Arrival => {
  const { id, address, negotiation, gone } = given;
  let isTaken = false;
  const begin = (): boolean => {
    if (isTaken) return false;
    isTaken = true;
    negotiation.respond(given.newResponder());
    return true;
  };
  return {
    id,
    address,
    gone,
    accept: Effect.gen(function* () {
      // Begun and released as one step, so that an interruption cannot come between.
      const isMine = yield* Effect.acquireRelease(Effect.sync(begin), (isBegun) =>
        isBegun ? negotiation.release : Effect.void,
      );
      return yield* isMine ? negotiation.outcome : Effect.fail(alreadyTaken());
    }),
    refuse: () => negotiation.refuse({ reason: 'Unaccepted', message: 'the arrival was turned away' }),
  };
};

const alreadyTaken = (): LinkBroken =>
  new LinkBroken({
    failure: { _tag: 'ClosedHere', message: 'this arrival was accepted before: accept each arrival once' },
  });
