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
import { PROTOCOL_VERSION } from '#src/transport/protocol.ts';
import { listen } from '#src/transport/server.ts';

/** The place of a miner that lives inside a test: its address is on chain, and validators open links to it. */
export type WitnessSeat = { readonly hotkey: Hotkey; readonly close: () => Promise<void> };

type SeatOptions = {
  readonly uri: string;
  readonly chainUrl: string;
  readonly netuid: number;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Where validators are sent to; null for the place itself. */
  readonly published: AxonEndpoint | null;
  /** Told of each link, after the witness has said that it is ready. */
  readonly serve: (peer: PeerConnection) => void;
};

const kinds = ['text_classification', 'sentiment_analysis'];
const models = [{ name: 'witness', sha256: '0'.repeat(64) }];

/** In the shape of its kind: `score` and `confidence` in [0, 1], and the class at `place`, a share of them in [0, 1). */
export const answerOf = (
  { kind, request }: { readonly kind: string; readonly request: Schema.Json },
  {
    score,
    confidence,
    place,
  }: { readonly score: number; readonly confidence: number; readonly place: number },
): Readonly<Record<string, Schema.Json>> => {
  if (kind === 'sentiment_analysis') return { sentiment_score: score, confidence };
  const { allowed_classes: classes = [] }: { readonly allowed_classes?: readonly string[] } = Object(request);
  return { class_id: classes[Math.floor(place * classes.length)] ?? '', confidence };
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

/** The connection to the chain is closed once the address stands: whoever tests ends chains. */
const open = Effect.fn('witness.open')(function* (
  { chainUrl, netuid, host, port, published, serve }: SeatOptions,
  identity: Identity,
) {
  const chain = yield* Chain;
  const scope = yield* Effect.scope;
  const opening = Effect.gen(function* () {
    const live = yield* chain.connect({
      endpoint: chainUrl,
      netuid,
      connectMs: 10_000,
      callMs: 10_000,
    });
    const listener = listen({
      genesisHash: live.genesisHash,
      netuid,
      identity,
      role: 'miner',
      limits: defaultLinkLimits,
      host,
      port,
      authorise: () => succeed(undefined),
      maxPending: 16,
      maxPendingPerAddress: 16,
      maxConnections: 16,
      maxPerAddressPerMinute: 600,
      onArrival: (arrival) => {
        const accepted = Effect.map(Scope.provide(arrival.accept, scope), (peer) => {
          peer.send({ type: 'ready', v: PROTOCOL_VERSION, kinds, models, maxInFlight: 512 });
          serve(peer);
        });
        Effect.runFork(Effect.ignore(accepted));
      },
    });
    const bound = yield* Scope.provide(listener, scope);
    yield* announce(live, identity, published ?? { ip: host, port: bound.port, version: 1 });
  });
  yield* Effect.scoped(opening);
});

export const takeWitnessSeat = async (options: SeatOptions): Promise<WitnessSeat> => {
  await keysReady();
  const identity = identityFromUri(options.uri);
  if (!identity.ok) throw new Error(identity.error.message);
  const scope = Scope.makeUnsafe();
  const opening = open(options, identity.value);
  await Effect.runPromise(Scope.provide(opening, scope).pipe(Effect.provide(Chain.layer)));
  return {
    hotkey: identity.value.hotkey,
    close: () => Effect.runPromise(Scope.close(scope, Exit.void)),
  };
};
