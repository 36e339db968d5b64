import * as Effect from 'effect/Effect';
import * as Schema from 'effect/Schema';

import { BlockNumber, EpochIndex, Hotkey, type Netuid } from '../domain/ids.ts';
import type { Axon, Head, Neuron, SubnetSnapshot } from '../domain/metagraph.ts';
import { formatAddress } from './addresses.ts';
import { ChainMalformed, ChainUnsupported } from './errors.ts';
import { callRuntimeApi, countOf, decodeWith, readStorage, type StorageItem, Unsigned } from './reads.ts';
import type { Rpc } from './rpc.ts';
import type { Runtime } from './runtime.ts';

/** Rao per TAO and per alpha. */
const RAO = 1e9;
const U16_MAX = 65_535;
/** Block number that never comes, for a subnet whose tempo is 0. */
const NEVER = 4_294_967_295;
/** `SelectiveMetagraphIndex` of the fields read below (subtensor rpc_info/metagraph.rs); 0 is always wanted. */
const FIELDS = [
  0, 5, 7, 8, 24, 26, 27, 28, 29, 30, 31, 36, 45, 46, 47, 52, 53, 55, 56, 57, 59, 60, 61, 62, 63, 66, 69,
] as const;
/** An absent owner reads as the zero account. */
const ZERO_ACCOUNT = '5C4hrfjw9DjXZTzV3MwzrrAr9P1MJhSrvWGWqi1eSuyUpnhM';
/** Far above any subnet (256 uids); a list beyond it is an attack on memory, not a metagraph. */
const MAX_NEURONS = 4_096;

const list = <S extends Schema.ConstraintDecoder<unknown>>(item: S) =>
  Schema.Array(item).check(Schema.isMaxLength(MAX_NEURONS));
const U16 = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: U16_MAX }));

const AxonInfo = Schema.Struct({ ip: Unsigned, port: U16, ipType: Schema.Int });
const Selected = Schema.Struct({
  ownerHotkey: Schema.NullOr(Hotkey),
  block: BlockNumber,
  tempo: U16,
  minAllowedWeights: U16,
  weightsVersion: Unsigned,
  weightsRateLimit: Unsigned,
  activityCutoff: Unsigned,
  maxValidators: U16,
  numUids: U16,
  maxUids: U16,
  immunityPeriod: U16,
  servingRateLimit: Unsigned,
  commitRevealWeightsEnabled: Schema.Boolean,
  commitRevealPeriod: Unsigned,
  hotkeys: list(Hotkey),
  coldkeys: list(Schema.String),
  axons: list(AxonInfo),
  active: list(Schema.Boolean),
  validatorPermit: list(Schema.Boolean),
  lastUpdate: list(BlockNumber),
  emission: list(Unsigned),
  dividends: list(U16),
  incentives: list(U16),
  consensus: list(U16),
  blockAtRegistration: list(BlockNumber),
  totalStake: list(Unsigned),
});
type Selected = typeof Selected.Type;
const decodeSelected = decodeWith(Selected, 'get_selective_mechagraph');
const decodeStored = decodeWith(
  Schema.Tuple([EpochIndex, BlockNumber, BlockNumber, Unsigned, list(U16), U16, U16, U16]),
  'subnet storage',
);

/** SCALE of (netuid u16, mechanism u8 = 0, Vec<u16> fields); the vector is short enough for a one-byte length. */
const selectionOf = (netuid: Netuid): Uint8Array => {
  const bytes = Buffer.alloc(4 + 2 * FIELDS.length);
  bytes.writeUInt16LE(netuid, 0);
  bytes.writeUInt8(FIELDS.length << 2, 3);
  for (const [index, field] of FIELDS.entries()) bytes.writeUInt16LE(field, 4 + 2 * index);
  return bytes;
};

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

const axonOf = (info: typeof AxonInfo.Type): Axon | null => {
  const ip = BigInt(info.ip);
  const text = formatAddress(ip, info.ipType);
  return ip === 0n || info.port === 0 || text === null ? null : { ip: text, port: info.port };
};

/** Row `uid`, or null when one of the lists is shorter than the number of uids. */
const neuronOf = (selected: Selected, trust: readonly number[], uid: number): Neuron | null => {
  const hotkey = selected.hotkeys[uid];
  const coldkey = selected.coldkeys[uid];
  const axon = selected.axons[uid];
  const lastUpdate = selected.lastUpdate[uid];
  const blockAtRegistration = selected.blockAtRegistration[uid];
  const stake = selected.totalStake[uid];
  if (hotkey === undefined || coldkey === undefined || axon === undefined) return null;
  if (lastUpdate === undefined || blockAtRegistration === undefined || stake === undefined) return null;
  // Epoch outputs may lag behind a registration by one epoch: a missing entry means that nothing was earned yet.
  const share = (values: readonly number[]): number => (values[uid] ?? 0) / U16_MAX;
  return {
    uid,
    hotkey,
    coldkey,
    axon: axonOf(axon),
    active: selected.active[uid] ?? false,
    validatorPermit: selected.validatorPermit[uid] ?? false,
    lastUpdate,
    blockAtRegistration,
    stake: Number(stake) / RAO,
    incentive: share(selected.incentives),
    dividends: share(selected.dividends),
    consensus: share(selected.consensus),
    validatorTrust: share(trust),
    emissionRao: Number(selected.emission[uid] ?? 0),
  };
};

type StoredRules = {
  readonly stakeThreshold: Unsigned;
  readonly commitRevealVersion: number;
  readonly minNonImmuneUids: number;
  readonly adminFreezeWindowBlocks: number;
};

const hyperparametersOf = (selected: Selected, stored: StoredRules): SubnetSnapshot['hyperparameters'] => ({
  tempo: selected.tempo,
  weightsVersionKey: countOf(selected.weightsVersion),
  weightsSetRateLimitBlocks: countOf(selected.weightsRateLimit),
  minAllowedWeights: selected.minAllowedWeights,
  commitRevealWeightsEnabled: selected.commitRevealWeightsEnabled,
  commitRevealVersion: stored.commitRevealVersion,
  revealPeriodEpochs: countOf(selected.commitRevealPeriod),
  activityCutoffBlocks: countOf(selected.activityCutoff),
  immunityPeriodBlocks: selected.immunityPeriod,
  maxAllowedUids: selected.maxUids,
  minNonImmuneUids: stored.minNonImmuneUids,
  adminFreezeWindowBlocks: stored.adminFreezeWindowBlocks,
  maxAllowedValidators: selected.maxValidators,
  servingRateLimitBlocks: countOf(selected.servingRateLimit),
  stakeThreshold: Number(stored.stakeThreshold) / RAO,
});

const readFields = Effect.fnUntraced(function* (source: SubnetSource) {
  const { rpc, runtime, netuid, head } = source;
  const answer = yield* callRuntimeApi({
    rpc,
    runtime,
    blockHash: head.blockHash,
    api: 'SubnetInfoRuntimeApi',
    method: 'get_selective_mechagraph',
    argument: selectionOf(netuid),
  });
  if (answer === null) {
    return yield* new ChainUnsupported({
      message: `subnet ${netuid} does not exist on this chain: check NETUID and SUBTENSOR_NETWORK`,
    });
  }
  return yield* decodeSelected(answer);
});

const storedItems = (netuid: Netuid): readonly StorageItem[] => {
  const pallet = 'SubtensorModule';
  return [
    { pallet, item: 'SubnetEpochIndex', args: [netuid] },
    { pallet, item: 'LastEpochBlock', args: [netuid] },
    { pallet, item: 'PendingEpochAt', args: [netuid] },
    { pallet, item: 'StakeThreshold', args: [] },
    { pallet, item: 'ValidatorTrust', args: [netuid] },
    { pallet, item: 'CommitRevealWeightsVersion', args: [] },
    { pallet, item: 'MinNonImmuneUids', args: [netuid] },
    { pallet, item: 'AdminFreezeWindow', args: [] },
  ];
};

/** Where and when a subnet is read. */
export type SubnetSource = {
  readonly rpc: Rpc;
  readonly runtime: Runtime;
  readonly netuid: Netuid;
  readonly head: Head;
};

/**
 * The subnet (mechanism 0) at exactly one block: one metagraph call for the lists and rules, one storage read for what
 * the metagraph lacks. Both name the same block hash. Runtimes without mechagraphs or stateful epochs (before spec
 * 420) fail as unsupported.
 */
export const readSubnet = Effect.fn('chain.readSubnet')(function* (source: SubnetSource) {
  const { rpc, runtime, netuid, head } = source;
  const blockHash = head.blockHash;
  const [selected, stored] = yield* Effect.all(
    [readFields(source), readStorage({ rpc, runtime, blockHash, items: storedItems(netuid) })],
    { concurrency: 2 },
  );
  const [epochIndex, lastEpochBlock, pendingEpochAt, stakeThreshold, validatorTrust, ...rules] =
    yield* decodeStored(stored);
  const [commitRevealVersion, minNonImmuneUids, adminFreezeWindowBlocks] = rules;
  const malformed = (detail: string): ChainMalformed =>
    new ChainMalformed({ operation: 'read subnet', detail });
  if (selected.block !== head.block) {
    return yield* malformed(`asked for block ${head.block}, the answer is of block ${selected.block}`);
  }
  const neurons: Neuron[] = [];
  for (let uid = 0; uid < selected.numUids; uid += 1) {
    const neuron = neuronOf(selected, validatorTrust, uid);
    if (neuron === null) return yield* malformed(`the metagraph's lists end before uid ${uid}`);
    neurons.push(neuron);
  }
  const { block } = head;
  return {
    netuid,
    block,
    blockHash,
    specVersion: runtime.version.specVersion,
    epochIndex,
    lastEpochBlock,
    nextEpochBlock: nextEpochBlock({ block, tempo: selected.tempo, lastEpochBlock, pendingEpochAt }),
    ownerHotkey: selected.ownerHotkey === ZERO_ACCOUNT ? null : selected.ownerHotkey,
    hyperparameters: hyperparametersOf(selected, {
      stakeThreshold,
      commitRevealVersion,
      minNonImmuneUids,
      adminFreezeWindowBlocks,
    }),
    neurons,
  } satisfies SubnetSnapshot;
});
