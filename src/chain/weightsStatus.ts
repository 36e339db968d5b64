import * as Effect from 'effect/Effect';
import * as Schema from 'effect/Schema';

import { BlockNumber, EpochIndex, type Hotkey, type Netuid, Uid } from '../domain/ids.ts';
import type { Head } from '../domain/metagraph.ts';
import { nextEpochBlock } from './metagraph.ts';
import { decodeWith, readStorage } from './reads.ts';
import type { Rpc } from './rpc.ts';
import type { Runtime } from './runtime.ts';

/** Where a validator's weights stand at one block, from the chain's own storage. */
export type WeightsStatus = {
  readonly block: BlockNumber;
  /** null: the hotkey is not registered. */
  readonly uid: Uid | null;
  /** Block of the last weights (or of the registration); 0 when there is none. */
  readonly lastUpdate: BlockNumber;
  readonly epochIndex: EpochIndex;
  readonly lastEpochBlock: BlockNumber;
  readonly nextEpochBlock: BlockNumber;
};

const Stored = Schema.Tuple([
  Schema.NullOr(Uid),
  Schema.Array(BlockNumber),
  EpochIndex,
  BlockNumber,
  BlockNumber,
  Schema.Int,
]);
const decodeStored = decodeWith(Stored, 'read weights status');

/** Six small storage values in one call: cheap enough for every block. */
export const readWeightsStatus = Effect.fn('chain.readWeightsStatus')(function* (options: {
  readonly rpc: Rpc;
  readonly runtime: Runtime;
  readonly netuid: Netuid;
  readonly hotkey: Hotkey;
  readonly head: Head;
}) {
  const { rpc, runtime, netuid, hotkey } = options;
  const { block, blockHash } = options.head;
  const pallet = 'SubtensorModule';
  const stored = yield* readStorage({
    rpc,
    runtime,
    blockHash,
    items: [
      { pallet, item: 'Uids', args: [netuid, hotkey] },
      // Keyed by storage index; mechanism 0 has the netuid itself.
      { pallet, item: 'LastUpdate', args: [netuid] },
      { pallet, item: 'SubnetEpochIndex', args: [netuid] },
      { pallet, item: 'LastEpochBlock', args: [netuid] },
      { pallet, item: 'PendingEpochAt', args: [netuid] },
      { pallet, item: 'Tempo', args: [netuid] },
    ],
  });
  const [uid, lastUpdates, epochIndex, lastEpochBlock, pendingEpochAt, tempo] = yield* decodeStored(stored);
  return {
    block,
    uid,
    lastUpdate: uid === null ? 0 : (lastUpdates[uid] ?? 0),
    epochIndex,
    lastEpochBlock,
    nextEpochBlock: nextEpochBlock({ block, tempo, lastEpochBlock, pendingEpochAt }),
  } satisfies WeightsStatus;
});
