import * as Effect from 'effect/Effect';
import * as Exit from 'effect/Exit';
import type * as Schema from 'effect/Schema';
import * as Scope from 'effect/Scope';

import { Chain, type ChainConnection } from '#src/chain/client.ts';
import type { AxonEndpoint } from '#src/chain/serveAxon.ts';
import { succeed } from '#src/domain/outcome.ts';
import { type Identity, identityFromUri, keysReady } from '#src/keys/identity.ts';
import type { PeerConnection } from '#src/transport/connection.ts';
import { defaultLinkLimits } from '#src/transport/limits.ts';
import { type Message, PROTOCOL_VERSION } from '#src/transport/protocol.ts';
import { listen } from '#src/transport/server.ts';
import { netuid } from './cast.ts';
import type { Witnessed } from './facts.ts';

/**
 * A miner inside the driver, which nothing kills: it remembers what it was asked, what it answered and what was
 * acknowledged. It keeps an answer until that, or until its deadline, and sends it again over each new link.
 */
export type Witness = {
  readonly hotkey: string;
  readonly seen: () => readonly Witnessed[];
  /** Ids that were acknowledged though nobody asked for them. */
  readonly strays: () => readonly string[];
  readonly close: () => Promise<void>;
};

type Kept = Witnessed & { isAcknowledged: boolean; readonly untilMs: number };

/** In the shape of its kind, right by chance alone, and unlike any other answer. */
const guess = (kind: string, request: Schema.Json): Witnessed['answer'] => {
  const confidence = Math.random();
  if (kind === 'sentiment_analysis') return { sentiment_score: Math.random(), confidence };
  const { allowed_classes: classes = [] }: { readonly allowed_classes?: readonly string[] } = Object(request);
  return { class_id: classes[Math.floor(Math.random() * classes.length)] ?? '', confidence };
};

/** Answers come within this time, one by one, so that faults meet rounds of which a part is judged. */
const slownessMs = 300;
const models = [{ name: 'witness', sha256: '0'.repeat(64) }];
const kinds = ['text_classification', 'sentiment_analysis'];

const createMemory = () => {
  const seen = new Map<string, Kept>();
  const strays: string[] = [];

  const sendAnswer = (peer: PeerConnection, id: string): void => {
    const kept = seen.get(id);
    if (kept === undefined || kept.isAcknowledged) return;
    peer.send({ type: 'answer', v: PROTOCOL_VERSION, id, answer: kept.answer, elapsedMs: 0 });
  };

  const onTasks = (peer: PeerConnection, message: Extract<Message, { readonly type: 'tasks' }>): void => {
    for (const { id, kind, request } of message.tasks) {
      if (!seen.has(id)) {
        const untilMs = performance.now() + message.deadlineMs;
        const [validator, roundId, answer] = [peer.remote.hotkey, message.round, guess(kind, request)];
        seen.set(id, { id, validator, roundId, kind, request, answer, isAcknowledged: false, untilMs });
      }
      setTimeout(() => sendAnswer(peer, id), Math.random() * slownessMs);
    }
  };

  const serve = (peer: PeerConnection): void => {
    peer.send({ type: 'ready', v: PROTOCOL_VERSION, kinds, models, maxInFlight: 512 });
    const nowMs = performance.now();
    for (const [id, { validator, untilMs }] of seen) {
      if (validator === peer.remote.hotkey && untilMs > nowMs) sendAnswer(peer, id);
    }
    peer.listen((message: Message) => {
      if (message.type === 'tasks') onTasks(peer, message);
      if (message.type !== 'ack') return;
      for (const id of message.ids) {
        const kept = seen.get(id);
        if (kept === undefined) strays.push(id);
        else kept.isAcknowledged = true;
      }
    });
  };
  return { seen, strays, serve };
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

type WitnessOptions = {
  readonly uri: string;
  readonly chainUrl: string;
  readonly host: string;
  readonly port: number;
  /** Where the validators are sent to; a line that leads here. */
  readonly published: AxonEndpoint;
};

const open = Effect.fn('witness.open')(function* (
  options: WitnessOptions & {
    readonly identity: Identity;
    readonly serve: (peer: PeerConnection) => void;
  },
) {
  const { identity } = options;
  const chain = yield* Chain;
  const connection = { endpoint: options.chainUrl, netuid, connectMs: 10_000, callMs: 10_000 };
  const genesisHash = yield* Effect.scoped(
    Effect.flatMap(chain.connect(connection), (live) =>
      Effect.as(announce(live, identity, options.published), live.genesisHash),
    ),
  );
  const scope = yield* Effect.scope;
  yield* listen({
    genesisHash,
    netuid,
    identity,
    role: 'miner',
    limits: defaultLinkLimits,
    host: options.host,
    port: options.port,
    authorise: () => succeed(undefined),
    maxPending: 16,
    maxPendingPerAddress: 16,
    maxConnections: 16,
    maxPerAddressPerMinute: 600,
    onArrival: (arrival) => {
      const accepted = Effect.map(Scope.provide(arrival.accept, scope), options.serve);
      Effect.runFork(Effect.ignore(accepted));
    },
  });
});

export const openWitness = async (options: WitnessOptions): Promise<Witness> => {
  await keysReady();
  const identity = identityFromUri(options.uri);
  if (!identity.ok) throw new Error(identity.error.message);
  const { seen, strays, serve } = createMemory();
  const scope = Scope.makeUnsafe();
  const opening = open({ ...options, identity: identity.value, serve });
  await Effect.runPromise(Scope.provide(opening, scope).pipe(Effect.provide(Chain.layer)));
  return {
    hotkey: identity.value.hotkey,
    seen: () => [...seen.values()],
    strays: () => strays,
    close: () => Effect.runPromise(Scope.close(scope, Exit.void)),
  };
};
