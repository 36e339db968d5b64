import * as Effect from 'effect/Effect';
import * as Schema from 'effect/Schema';

import { moduloEpoch } from '../domain/epoch.ts';
import { BlockNumber, EpochIndex } from '../domain/ids.ts';
import { list, U16 } from './metagraphFields.ts';
import type { SubnetSource } from './metagraphSource.ts';
import { decodeWith, readStorage, type StorageItem, Unsigned } from './reads.ts';
import type { Runtime } from './runtime.ts';

const PALLET = 'SubtensorModule';
/** Block number that never comes, for a subnet whose tempo is 0. */
const NEVER = 4_294_967_295;

/** What no metagraph call tells. */
export type StoredRules = {
  /** null where the runtime has no stateful epochs. */
  readonly schedule: {
    readonly epochIndex: EpochIndex;
    readonly lastEpochBlock: BlockNumber;
    readonly pendingEpochAt: BlockNumber;
  } | null;
  /** Rao. */
  readonly stakeThreshold: Unsigned;
  readonly validatorTrust: readonly number[];
  readonly commitRevealVersion: number;
  readonly minNonImmuneUids: number;
  readonly adminFreezeWindowBlocks: number;
};

const decodeRules = decodeWith(Schema.Tuple([Unsigned, list(U16), U16, U16, U16]), 'subnet storage');
const decodeSchedule = decodeWith(Schema.Tuple([EpochIndex, BlockNumber, BlockNumber]), 'epoch storage');

/** Version of timelocked commits before the runtime had an item for it (2025-08). */
const commitVersionOf = (runtime: Runtime): number =>
  ['commit_timelocked_weights', 'commit_timelocked_mechanism_weights'].some((call) =>
    runtime.hasCall(PALLET, call),
  )
    ? 4
    : 3;

/**
 * What an item stands for in a runtime that lacks it: no threshold, no freeze window, immune uids pruned only where
 * there is no other (the rules of their time), and no validator trust to show.
 */
const ruleItems = ({ netuid, runtime }: SubnetSource): readonly StorageItem[] => [
  { pallet: PALLET, item: 'StakeThreshold', args: [], otherwise: 0 },
  { pallet: PALLET, item: 'ValidatorTrust', args: [netuid], otherwise: [] },
  {
    pallet: PALLET,
    item: 'CommitRevealWeightsVersion',
    args: [],
    otherwise: commitVersionOf(runtime),
  },
  { pallet: PALLET, item: 'MinNonImmuneUids', args: [netuid], otherwise: 0 },
  { pallet: PALLET, item: 'AdminFreezeWindow', args: [], otherwise: 0 },
];

const scheduleItems = ({ netuid }: SubnetSource): readonly StorageItem[] => [
  { pallet: PALLET, item: 'SubnetEpochIndex', args: [netuid] },
  { pallet: PALLET, item: 'LastEpochBlock', args: [netuid] },
  { pallet: PALLET, item: 'PendingEpochAt', args: [netuid] },
];

/**
 * Rules and schedule from storage in one call. Whether epochs are stateful is told by the item `LastEpochBlock`: with
 * it the schedule is read, and lacking one of the other two is a failure, not a guess.
 */
export const readStoredRules = Effect.fnUntraced(function* (source: SubnetSource) {
  const { head, runtime } = source;
  const isStateful = runtime.hasStorage(PALLET, 'LastEpochBlock');
  const rules = ruleItems(source);
  const items = [...rules, ...(isStateful ? scheduleItems(source) : [])];
  const stored = yield* readStorage({ ...source, blockHash: head.blockHash, items });
  const decoded = yield* decodeRules(stored.slice(0, rules.length));
  const [stakeThreshold, validatorTrust, commitRevealVersion, minNonImmuneUids, freezeBlocks] = decoded;
  const fields = {
    stakeThreshold,
    validatorTrust,
    commitRevealVersion,
    minNonImmuneUids,
    adminFreezeWindowBlocks: freezeBlocks,
  };
  if (!isStateful) return { ...fields, schedule: null } satisfies StoredRules;
  const [epochIndex, lastEpochBlock, pendingEpochAt] = yield* decodeSchedule(stored.slice(rules.length));
  return { ...fields, schedule: { epochIndex, lastEpochBlock, pendingEpochAt } } satisfies StoredRules;
});

/**
 * First block in which the next epoch runs (subtensor coinbase/run_coinbase.rs, stateful since spec 420): tempo blocks
 * after the last one, earlier when an epoch is pending, and never before the block after `block`.
 */
export const nextEpochBlock = (schedule: {
  readonly block: BlockNumber;
  readonly tempo: number;
  readonly lastEpochBlock: BlockNumber;
  readonly pendingEpochAt: BlockNumber;
}): BlockNumber => {
  const { block, tempo, lastEpochBlock, pendingEpochAt } = schedule;
  if (tempo === 0) return NEVER;
  const regular = lastEpochBlock + tempo;
  return Math.max(block + 1, pendingEpochAt > 0 ? Math.min(regular, pendingEpochAt) : regular);
};

/** Where a block stands in the subnet's epochs, by the rule of its runtime. */
export const epochAt = (
  { netuid, head }: SubnetSource,
  tempo: number,
  schedule: StoredRules['schedule'],
): {
  readonly epochIndex: EpochIndex;
  readonly lastEpochBlock: BlockNumber;
  readonly nextEpochBlock: BlockNumber;
} => {
  const { block } = head;
  if (schedule === null) {
    const position = moduloEpoch({ block, netuid, tempo });
    return { ...position, nextEpochBlock: position.nextEpochBlock ?? NEVER };
  }
  const { epochIndex, lastEpochBlock } = schedule;
  return { epochIndex, lastEpochBlock, nextEpochBlock: nextEpochBlock({ block, tempo, ...schedule }) };
};
