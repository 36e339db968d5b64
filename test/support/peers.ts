import * as Effect from 'effect/Effect';
import * as Exit from 'effect/Exit';
import * as Scope from 'effect/Scope';

import type { LinkFailure } from '#src/domain/failures.ts';
import { type Outcome, succeed } from '#src/domain/outcome.ts';
import { type Identity, identityFromUri, keysReady } from '#src/keys/identity.ts';
import { type DialSettings, dial } from '#src/transport/client.ts';
import type { PeerConnection } from '#src/transport/connection.ts';
import type { LinkError } from '#src/transport/errors.ts';
import { defaultLinkLimits, type LinkLimits } from '#src/transport/limits.ts';
import type { Message } from '#src/transport/protocol.ts';
import { type Arrival, type Listener, type ListenSettings, listen } from '#src/transport/server.ts';

/** Two ends of a link on loopback, for every test that needs a real one. */

export const GENESIS_HASH = `0x${'5a'.repeat(32)}`;
export const NETUID = 86;

/** Generous rates, short times: a test that waits for a deadline waits milliseconds. */
export const testLimits: LinkLimits = { ...defaultLinkLimits, closeGraceMs: 200 };

await keysReady();

/** The sr25519 identity of a development URI such as `//Alice`. */
export const identityOfUri = (uri: string): Identity => {
  const identity = identityFromUri(uri);
  if (!identity.ok) throw new Error(identity.error.message);
  return identity.value;
};

export const validatorIdentity = identityOfUri('//Validator');
export const minerIdentity = identityOfUri('//Miner');
export const strangerIdentity = identityOfUri('//Stranger');

/** A scope whose end the test decides. */
export const openScope = () => {
  const scope = Effect.runSync(Scope.make());
  return {
    run: <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): Promise<A> =>
      Effect.runPromise(Scope.provide(effect, scope)),
    exit: <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): Promise<Exit.Exit<A, E>> =>
      Effect.runPromiseExit(Scope.provide(effect, scope)),
    close: (): Promise<void> => Effect.runPromise(Scope.close(scope, Exit.void)),
  };
};

/** The failure of an effect that must fail. */
export const errorOf = async <A>(effect: Effect.Effect<A, LinkError, Scope.Scope>): Promise<LinkError> =>
  Effect.runPromise(Effect.flip(Effect.scoped(effect)));

export type TestListener = Listener & {
  /** The next arrival that nobody took yet. */
  nextArrival(): Promise<Arrival>;
  /** Accepts the next arrival in the listener's scope. */
  acceptNext(): Promise<PeerConnection>;
  close(): Promise<void>;
};

/** A miner that listens on a port of the system's choice and authorises everybody, unless told otherwise. */
export const startListener = async (overrides: Partial<ListenSettings> = {}): Promise<TestListener> => {
  const scope = openScope();
  const arrivals: Arrival[] = [];
  const waiting: ((arrival: Arrival) => void)[] = [];
  const listener = await scope.run(
    listen({
      genesisHash: GENESIS_HASH,
      netuid: NETUID,
      identity: minerIdentity,
      role: 'miner',
      limits: testLimits,
      host: '127.0.0.1',
      port: 0,
      authorise: (): Outcome<void, string> => succeed(undefined),
      maxPending: 64,
      maxPendingPerAddress: 64,
      maxConnections: 256,
      maxPerAddressPerMinute: 10_000,
      onArrival: (arrival) => {
        const next = waiting.shift();
        if (next === undefined) arrivals.push(arrival);
        else next(arrival);
      },
      ...overrides,
    }),
  );
  const nextArrival = (): Promise<Arrival> => {
    const arrival = arrivals.shift();
    return arrival === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(arrival);
  };
  return {
    ...listener,
    nextArrival,
    acceptNext: async () => scope.run((await nextArrival()).accept),
    close: scope.close,
  };
};

/** Settings of a validator that dials the miner at `port`. */
export const dialSettings = (port: number, overrides: Partial<DialSettings> = {}): DialSettings => ({
  genesisHash: GENESIS_HASH,
  netuid: NETUID,
  identity: validatorIdentity,
  role: 'validator',
  limits: testLimits,
  host: '127.0.0.1',
  port,
  expectedHotkey: minerIdentity.hotkey,
  ...overrides,
});

export type Pair = {
  readonly listener: TestListener;
  /** The side that dialed, by default the validator. */
  readonly dialed: PeerConnection;
  /** The side that listened, by default the miner. */
  readonly accepted: PeerConnection;
  /** Ends the dialing side's scope. */
  hangUp(): Promise<void>;
  close(): Promise<void>;
};

/** A proven link over loopback. */
export const connectPair = async (
  overrides: { readonly dial?: Partial<DialSettings>; readonly listen?: Partial<ListenSettings> } = {},
): Promise<Pair> => {
  const listener = await startListener(overrides.listen);
  const scope = openScope();
  const accepting = listener.acceptNext();
  const dialed = await scope.run(dial(dialSettings(listener.port, overrides.dial)));
  const accepted = await accepting;
  return {
    listener,
    dialed,
    accepted,
    hangUp: scope.close,
    close: async () => {
      await scope.close();
      await listener.close();
    },
  };
};

/** The next `count` messages of a connection, with their times. */
export const receive = (
  connection: PeerConnection,
  count: number,
): Promise<{ readonly message: Message; readonly receivedAtMs: number }[]> =>
  new Promise((resolve) => {
    const received: { readonly message: Message; readonly receivedAtMs: number }[] = [];
    connection.listen((message, receivedAtMs) => {
      received.push({ message, receivedAtMs });
      if (received.length === count) resolve(received);
    });
  });

/** Why a connection ended; waits for it. */
export const endOf = (connection: PeerConnection): Promise<LinkFailure> =>
  Effect.runPromise(connection.closed);

/** Waits until `condition` holds; fails with `what` after `limitMs`. */
export const until = async (condition: () => boolean, what: string, limitMs = 5_000): Promise<void> => {
  const deadlineAtMs = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > deadlineAtMs) throw new Error(`waited ${limitMs} ms in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};
