import * as Context from 'effect/Context';
import * as Effect from 'effect/Effect';
import * as Layer from 'effect/Layer';

import type { ChainConnection } from '../chain/client.ts';
import type { ChainFailure } from '../domain/failures.ts';
import type { Head, SubnetSnapshot } from '../domain/metagraph.ts';

/**
 * What the actors of this process know of the chain right now. Written by the chain session and its reads alone;
 * read by the one-shot actors, which fail with `Unreachable` while there is no connection.
 */
export type ChainView = {
  connection: ChainConnection | null;
  /** Of the chain that was connected last; it stays when the connection is lost, because it never changes. */
  genesisHash: string | null;
  /** Last head of any connection: where the next one catches up from. Work at a head asks its own connection. */
  head: Head | null;
  subnet: SubnetSnapshot | null;
};

export class CurrentChain extends Context.Service<CurrentChain, ChainView>()('actors/CurrentChain') {
  static readonly layer = Layer.sync(CurrentChain, () => ({
    connection: null,
    genesisHash: null,
    head: null,
    subnet: null,
  }));
}

const notConnected: ChainFailure = {
  _tag: 'Unreachable',
  message: 'there is no connection to the chain right now',
  retry: { when: 'reconnected' },
};

const notRead: ChainFailure = {
  _tag: 'Unreachable',
  message: 'the metagraph has not been read yet',
  retry: { when: 'nextBlock' },
};

/** The live connection, or why there is none. */
export const connection = Effect.flatMap(CurrentChain, (chain) =>
  chain.connection === null ? Effect.fail(notConnected) : Effect.succeed(chain.connection),
);

/** The chain this process belongs to, known from its first connection on: links to peers outlive the one to the chain. */
export const knownGenesis = Effect.flatMap(CurrentChain, (chain) =>
  chain.genesisHash === null ? Effect.fail(notConnected) : Effect.succeed(chain.genesisHash),
);

/** The newest metagraph, however old: good enough to score with, not to decide whether weights stand. */
export const lastSubnet = Effect.flatMap(CurrentChain, (chain) =>
  chain.subnet === null ? Effect.fail(notRead) : Effect.succeed(chain.subnet),
);
