import * as Effect from 'effect/Effect';
import * as Exit from 'effect/Exit';
import type * as Schema from 'effect/Schema';
import * as Scope from 'effect/Scope';

import { Chain, type ChainConnection } from '#src/chain/client.ts';
import type { AxonEndpoint } from '#src/chain/serveAxon.ts';
import type { Hotkey } from '#src/domain/ids.ts';
import { succeed } from '#src/domain/outcome.ts';
import { type Identity, identityFromUri, keysReady } from '#src/keys/identity.ts';
import type { PeerConnection } from '#src/transport/connection.ts';
import { defaultLinkLimits } from '#src/transport/limits.ts';
import { type Message, PROTOCOL_VERSION } from '#src/transport/protocol.ts';
import { listen } from '#src/transport/server.ts';
import { within } from './systemProcess.ts';

/** One task as the witness was asked it, and what became of its answer. */
export type Witnessed = {
  readonly validator: Hotkey;
  readonly roundId: string;
  /** Place of the task in its round. */
  readonly index: number;
  readonly kind: string;
  readonly request: Schema.Json;
  readonly answer: Readonly<Record<string, Schema.Json>>;
  /** The validator said that the answer is on its disk. */
  isAcknowledged: boolean;
};

export type Witness = {
  readonly hotkey: Hotkey;
  readonly seen: () => readonly Witnessed[];
  /** Resolves in the same turn of the event loop in which the next message arrives that fits. */
  readonly next: (
    type: 'asked' | 'acknowledged',
    fits: (task: Witnessed) => boolean,
    limitMs: number,
  ) => Promise<Witnessed>;
  readonly close: () => Promise<void>;
};

type Notify = (type: 'asked' | 'acknowledged', task: Witnessed) => void;

/** In the shape of its kind, quick, and right by chance alone. */
const guess = (kind: string, request: Schema.Json): Witnessed['answer'] => {
  if (kind === 'sentiment_analysis') return { sentiment_score: 1, confidence: 1 };
  const { allowed_classes: classes }: { readonly allowed_classes?: readonly string[] } = Object(request);
  return { class_id: classes?.[0] ?? '', confidence: 1 };
};

/** Answers one validator and remembers what it acknowledges. */
const serve = (peer: PeerConnection, seen: Map<string, Witnessed>, notify: Notify): void => {
  const kinds = ['text_classification', 'sentiment_analysis'];
  const models = [{ name: 'witness', sha256: '0'.repeat(64) }];
  peer.send({ type: 'ready', v: PROTOCOL_VERSION, kinds, models, maxInFlight: 512 });
  peer.listen((message: Message) => {
    if (message.type === 'tasks') {
      for (const [index, { id, kind, request }] of message.tasks.entries()) {
        const answer = guess(kind, request);
        const validator = peer.remote.hotkey;
        const task = {
          validator,
          roundId: message.round,
          index,
          kind,
          request,
          answer,
          isAcknowledged: false,
        };
        seen.set(id, task);
        peer.send({ type: 'answer', v: PROTOCOL_VERSION, id, answer, elapsedMs: 0 });
        notify('asked', task);
      }
    }
    if (message.type !== 'ack') return;
    for (const id of message.ids) {
      const task = seen.get(id);
      if (task === undefined) throw new Error(`acknowledged ${id}, which was never asked`);
      task.isAcknowledged = true;
      notify('acknowledged', task);
    }
  });
};

/** Sends the endpoint once and waits until a finalized block shows it. */
const announce = Effect.fn('witness.announce')(function* (
  live: ChainConnection,
  identity: Identity,
  endpoint: AxonEndpoint,
) {
  const prepare = Effect.flatMap(live.finalizedHead(), (head) =>
    live.prepareServe({ identity, endpoint, head, periodBlocks: 64 }),
  );
  const prepared = yield* prepare;
  if (prepared === null) return;
  yield* live.submitPrepared({ prepared });
  while ((yield* prepare) !== null) yield* Effect.sleep(100);
});

const open = Effect.fn('witness.open')(function* (options: {
  readonly identity: Identity;
  readonly chainUrl: string;
  readonly netuid: number;
  readonly ip: string;
  readonly serve: (peer: PeerConnection) => void;
}) {
  const { identity, netuid, ip } = options;
  const chain = yield* Chain;
  const live = yield* chain.connect({
    endpoint: options.chainUrl,
    netuid,
    connectMs: 10_000,
    callMs: 10_000,
  });
  const scope = yield* Effect.scope;
  const { port } = yield* listen({
    genesisHash: live.genesisHash,
    netuid,
    identity,
    role: 'miner',
    limits: defaultLinkLimits,
    host: ip,
    port: 0,
    authorise: () => succeed(undefined),
    maxPending: 16,
    maxPendingPerAddress: 16,
    maxConnections: 16,
    maxPerAddressPerMinute: 120,
    onArrival: (arrival) => {
      const accepted = Effect.map(Scope.provide(arrival.accept, scope), options.serve);
      Effect.runFork(Effect.ignore(accepted));
    },
  });
  yield* announce(live, identity, { ip, port, version: 1 });
});

/** A miner inside the test: it knows exactly which of its answers a validator has acknowledged. */
export const openWitness = async (options: {
  readonly uri: string;
  readonly chainUrl: string;
  readonly netuid: number;
  readonly ip: string;
}): Promise<Witness> => {
  await keysReady();
  const identity = identityFromUri(options.uri);
  if (!identity.ok) throw new Error(identity.error.message);
  const seen = new Map<string, Witnessed>();
  const listeners = new Set<Notify>();
  const notify: Notify = (type, task) => {
    for (const listener of listeners) listener(type, task);
  };
  const scope = Scope.makeUnsafe();
  const opening = open({
    ...options,
    identity: identity.value,
    serve: (peer) => serve(peer, seen, notify),
  });
  await Effect.runPromise(Scope.provide(opening, scope).pipe(Effect.provide(Chain.layer)));
  return {
    hotkey: identity.value.hotkey,
    seen: () => [...seen.values()],
    next: (type, fits, limitMs) => {
      const coming = new Promise<Witnessed>((resolve) => {
        const listener: Notify = (happened, task) => {
          if (happened !== type || !fits(task)) return;
          listeners.delete(listener);
          resolve(task);
        };
        listeners.add(listener);
      });
      return within(coming, limitMs, () => `a task that is ${type} by the validator`);
    },
    close: () => Effect.runPromise(Scope.close(scope, Exit.void)),
  };
};
