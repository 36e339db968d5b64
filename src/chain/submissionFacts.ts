import { hexToU8a, isHex, stringToU8a, u8aToHex } from '@polkadot/util';
import { blake2AsU8a } from '@polkadot/util-crypto/blake2';
import * as Effect from 'effect/Effect';
import * as Schema from 'effect/Schema';

import { BlockNumber, type EpochIndex, Hotkey } from '../domain/ids.ts';
import type { SubnetSnapshot } from '../domain/metagraph.ts';
import type { Beacon, SubmissionFacts, WaitingCommit } from '../domain/submissionFacts.ts';
import { readSubnet, type SubnetSource } from './metagraph.ts';
import { countOf, decodeWith, readStorage, type StorageItem, Unsigned } from './reads.ts';
import type { Runtime } from './runtime.ts';

const PALLET = 'SubtensorModule';
/** Ten commits per hotkey and epoch are accepted, 256 hotkeys: a longer queue is none. */
const MAX_QUEUE = 2_560;
/** Epochs read at a time; a queue can hold megabytes. */
const EPOCH_CONCURRENCY = 4;
/** Periods from 1 to 100 epochs are allowed. */
const MAX_PERIOD_EPOCHS = 100;

const Queue = Schema.Array(Schema.Tuple([Hotkey, BlockNumber, Schema.String, Unsigned])).check(
  Schema.isMaxLength(MAX_QUEUE),
);
const decodeQueue = decodeWith(Schema.Tuple([Queue]), 'read TimelockedWeightCommits');
const decodeNow = decodeWith(Schema.Tuple([Unsigned]), 'read Timestamp.Now');
const decodeBeacon = decodeWith(
  Schema.Tuple([
    Schema.Struct({
      publicKey: Schema.String.check(Schema.isPattern(/^0x[0-9a-fA-F]{192}$/)),
      genesisTime: Unsigned,
      period: Schema.Int.check(Schema.isGreaterThan(0)),
    }),
    Unsigned,
  ]),
  'read Drand.BeaconConfig',
);

/**
 * Bytes of a `Vec<u8>` in plain JSON, which shows printable ones as text. A real commit never is: its length prefixes
 * contain zeros.
 */
const bytesOf = (text: string): Uint8Array => (isHex(text) ? hexToU8a(text) : stringToU8a(text));

/** The beacon of the chain; null where the runtime has none, or its configuration is none. */
const readBeacon = Effect.fnUntraced(function* (source: SubnetSource) {
  const { runtime, head } = source;
  if (!runtime.hasStorage('Drand', 'BeaconConfig')) return null;
  const items: readonly StorageItem[] = [
    { pallet: 'Drand', item: 'BeaconConfig', args: [] },
    { pallet: 'Drand', item: 'LastStoredRound', args: [] },
  ];
  const stored = yield* readStorage({ ...source, runtime, blockHash: head.blockHash, items });
  // Plain weights do not need it, so a chain that never configured its beacon is no failure here.
  const decoded = yield* Effect.result(decodeBeacon(stored));
  if (decoded._tag === 'Failure') return null;
  const [config, lastStoredRound] = decoded.success;
  return {
    publicKey: config.publicKey.toLowerCase(),
    genesisTimeS: countOf(config.genesisTime),
    periodS: config.period,
    lastStoredRound: countOf(lastStoredRound),
  } satisfies Beacon;
});

const readBlockTimeMs = Effect.fnUntraced(function* (source: SubnetSource) {
  const items: readonly StorageItem[] = [{ pallet: 'Timestamp', item: 'Now', args: [] }];
  const stored = yield* readStorage({ ...source, blockHash: source.head.blockHash, items });
  const [now] = yield* decodeNow(stored);
  return countOf(now);
});

/** Commits of one hotkey in the queue of one epoch, in the order in which the chain applies them. */
const readQueue = Effect.fnUntraced(function* (source: SubnetSource, hotkey: Hotkey, epoch: EpochIndex) {
  // Mechanism 0, whose index is the netuid.
  const items: readonly StorageItem[] = [
    { pallet: PALLET, item: 'TimelockedWeightCommits', args: [source.netuid, epoch] },
  ];
  const stored = yield* readStorage({ ...source, blockHash: source.head.blockHash, items });
  const [queue] = yield* decodeQueue(stored);
  return queue.flatMap(([committer, committedAtBlock, commit, round]): WaitingCommit[] =>
    committer === hotkey
      ? [
          {
            epoch,
            committedAtBlock,
            revealRound: countOf(round),
            commitHash: u8aToHex(blake2AsU8a(bytesOf(commit), 256)),
          },
        ]
      : [],
  );
});

/**
 * Epochs whose commits can be on chain: from the one that is revealed now to the present one, and the one after it,
 * which a commit belongs to when its epoch was deferred by a block. Earlier ones have expired.
 */
export const waitingEpochs = (
  subnet: Pick<SubnetSnapshot, 'epochIndex' | 'hyperparameters'>,
): readonly EpochIndex[] => {
  const period = Math.min(subnet.hyperparameters.revealPeriodEpochs, MAX_PERIOD_EPOCHS);
  const first = Math.max(0, subnet.epochIndex - period);
  return Array.from({ length: subnet.epochIndex + 2 - first }, (_, index) => first + index);
};

/** Commits of one hotkey that are neither revealed nor expired, oldest first; none where the runtime keeps none. */
export const readWaitingCommits = Effect.fn('chain.readWaitingCommits')(function* (
  source: SubnetSource,
  options: {
    readonly hotkey: Hotkey;
    readonly subnet: Pick<SubnetSnapshot, 'epochIndex' | 'hyperparameters'>;
  },
) {
  if (!source.runtime.hasStorage(PALLET, 'TimelockedWeightCommits')) return [];
  const queues = yield* Effect.forEach(
    waitingEpochs(options.subnet),
    (epoch) => readQueue(source, options.hotkey, epoch),
    { concurrency: EPOCH_CONCURRENCY },
  );
  return queues.flat();
});

/** Everything that decides whether the chain accepts weights of `hotkey`, all of it in the state of one block. */
export const readSubmissionFacts = Effect.fn('chain.readSubmissionFacts')(function* (
  source: SubnetSource,
  hotkey: Hotkey,
) {
  const [subnet, beacon, blockTimeMs] = yield* Effect.all(
    [readSubnet(source), readBeacon(source), readBlockTimeMs(source)],
    { concurrency: 3 },
  );
  const waitingCommits = yield* readWaitingCommits(source, { hotkey, subnet });
  return { subnet, hotkey, waitingCommits, beacon, blockTimeMs } satisfies SubmissionFacts;
});

const decodeInterval = decodeWith(Unsigned, 'read the block time');

/** Time from block to block that the chain aims at, ms: 12000, or 250 in fast runtimes. */
export const blockIntervalMs = Effect.fnUntraced(function* (runtime: Pick<Runtime, 'constant'>) {
  const slot = yield* Effect.result(runtime.constant('Aura', 'SlotDuration'));
  if (slot._tag === 'Success') return countOf(yield* decodeInterval(slot.success));
  // Chains without Aura: half a block time is the least between two timestamps.
  return 2 * countOf(yield* decodeInterval(yield* runtime.constant('Timestamp', 'MinimumPeriod')));
});
