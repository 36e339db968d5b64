import * as Effect from 'effect/Effect';
import * as Schema from 'effect/Schema';

import { decodeWith, readStorage } from './reads.ts';
import type { Rpc } from './rpc.ts';
import type { Runtimes } from './runtimes.ts';

const decodeAccount = decodeWith(
  Schema.Tuple([Schema.Struct({ nonce: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)) })]),
  'read System.Account',
);

/**
 * How many extrinsics of an account are in the chain up to and with this block: the nonce that its next one bears. Of a
 * finalized block it tells for good which nonces are used; what a pool holds does not count.
 */
export const readNonce = Effect.fn('chain.readNonce')(function* (options: {
  readonly rpc: Rpc;
  readonly runtimes: Runtimes;
  readonly account: string;
  readonly blockHash: string;
}) {
  const { rpc, runtimes, account, blockHash } = options;
  const runtime = yield* runtimes.at(blockHash);
  const items = [{ pallet: 'System', item: 'Account', args: [account] }];
  const [{ nonce }] = yield* decodeAccount(yield* readStorage({ rpc, runtime, blockHash, items }));
  return nonce;
});
