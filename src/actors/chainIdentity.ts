import * as Effect from 'effect/Effect';
import * as Schema from 'effect/Schema';

import type { ChainFailure } from '../domain/failures.ts';
import type { Store } from '../store/store.ts';

/** Says whether an endpoint serves the chain this daemon belongs to. Nothing is ever signed for another one. */
export type CheckChain = (genesisHash: string) => Effect.Effect<void, ChainFailure>;

const foreign = (expected: string, found: string): ChainFailure => ({
  _tag: 'Malformed',
  message:
    `the endpoint serves the chain with genesis ${found}, this daemon belongs to ${expected}: ` +
    'check the endpoint list, or give another --data-dir for another chain',
  retry: { when: 'reconnected' },
});

/** Refuses every chain but the network's own, where that is known (null: not), and asks `next` about the rest. */
export const chainOfNetwork =
  (known: string | null, next: CheckChain): CheckChain =>
  (genesisHash) =>
    known === null || known === genesisHash.toLowerCase()
      ? next(genesisHash)
      : Effect.fail<ChainFailure>({
          _tag: 'Malformed',
          message:
            `the endpoint serves the chain with genesis ${genesisHash}, that of the network is ${known}: ` +
            'check the endpoint list, or give the --network that it belongs to',
          retry: { when: 'reconnected' },
        });

/** Holds on to the first chain it sees, for as long as the process lives. */
export const firstChainSeen = (): CheckChain => {
  let known: string | null = null;
  return (genesisHash) => {
    known ??= genesisHash;
    return known === genesisHash ? Effect.void : Effect.fail(foreign(known, genesisHash));
  };
};

const name = 'chain.genesis';
const version = 1;
const Genesis = Schema.Struct({ genesisHash: Schema.String });

/**
 * Holds on to the first chain a data folder was used with. Epoch numbers of two chains mean different things: a local
 * chain that was started anew must not meet the evidence of the one before. The store is asked once: one that cannot be
 * reached afterwards must not look like an endpoint that fails, which is tried again ever more rarely.
 */
export const chainOfStore = (store: Store): CheckChain => {
  let expected: string | null = null;
  const unreadable = (error: { readonly message: string }): ChainFailure => ({
    _tag: 'Malformed',
    message: `the store cannot say which chain it belongs to: ${error.message}`,
    retry: { when: 'reconnected' },
  });
  const ask = Effect.fn('chain.identity')(function* (genesisHash: string) {
    const stored = yield* Effect.mapError(store.loadSnapshot(name), unreadable);
    const decoded = stored === null ? null : Schema.decodeUnknownResult(Genesis)(stored.value);
    if (decoded === null) {
      yield* Effect.mapError(store.saveSnapshot({ name, version, value: { genesisHash } }), unreadable);
      return genesisHash;
    }
    return decoded._tag === 'Success' ? decoded.success.genesisHash : 'unknown';
  });
  return Effect.fnUntraced(function* (genesisHash: string) {
    expected ??= yield* ask(genesisHash);
    if (expected !== genesisHash) yield* Effect.fail(foreign(expected, genesisHash));
  });
};
