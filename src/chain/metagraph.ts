import * as Effect from 'effect/Effect';

import type { Axon, Neuron, SubnetSnapshot } from '../domain/metagraph.ts';
import { formatAddress } from './addresses.ts';
import { ChainMalformed } from './errors.ts';
import { type Selected, U16_MAX } from './metagraphFields.ts';
import { readSelected, type SubnetSource } from './metagraphSource.ts';
import { countOf } from './reads.ts';
import type { Rpc } from './rpc.ts';
import { epochAt, readStoredRules, type StoredRules } from './subnetRules.ts';

export type { SubnetSource } from './metagraphSource.ts';

/** Rao per TAO and per alpha. */
const RAO = 1e9;
/** An absent owner reads as the zero account. */
const ZERO_ACCOUNT = '5C4hrfjw9DjXZTzV3MwzrrAr9P1MJhSrvWGWqi1eSuyUpnhM';
/** Snapshots kept for each connection; some hundred kB each. */
const MAX_KEPT = 4;

const axonOf = (info: Selected['axons'][number]): Axon | null => {
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

const malformed = (detail: string): ChainMalformed =>
  new ChainMalformed({ operation: 'read subnet', detail });

/** Each hotkey once: state outside is keyed by it, and two rows of one would be one row too few. */
const neuronsOf = (selected: Selected, trust: readonly number[]): readonly Neuron[] | ChainMalformed => {
  const neurons: Neuron[] = [];
  const hotkeys = new Set<string>();
  for (let uid = 0; uid < selected.numUids; uid += 1) {
    const neuron = neuronOf(selected, trust, uid);
    if (neuron === null) return malformed(`the metagraph's lists end before uid ${uid}`);
    if (hotkeys.has(neuron.hotkey)) return malformed(`hotkey ${neuron.hotkey} has two uids`);
    hotkeys.add(neuron.hotkey);
    neurons.push(neuron);
  }
  return neurons;
};

const readAnew = Effect.fnUntraced(function* (source: SubnetSource) {
  const { runtime, netuid, head } = source;
  const [selected, stored] = yield* Effect.all([readSelected(source), readStoredRules(source)], {
    concurrency: 2,
  });
  if (selected.netuid !== netuid) return yield* malformed(`the answer is of subnet ${selected.netuid}`);
  if (selected.block !== head.block) {
    return yield* malformed(`asked for block ${head.block}, the answer is of block ${selected.block}`);
  }
  const neurons = neuronsOf(selected, stored.validatorTrust);
  if (neurons instanceof ChainMalformed) return yield* neurons;
  return {
    netuid,
    block: head.block,
    blockHash: head.blockHash,
    specVersion: runtime.version.specVersion,
    ...epochAt(source, selected.tempo, stored.schedule),
    ownerHotkey: selected.ownerHotkey === ZERO_ACCOUNT ? null : selected.ownerHotkey,
    hyperparameters: hyperparametersOf(selected, stored),
    neurons,
  } satisfies SubnetSnapshot;
});

/** Snapshots by connection and block: what a block says never changes, so the same is not read twice. */
const kept = new WeakMap<Rpc, Map<string, SubnetSnapshot>>();

const keep = (rpc: Rpc, key: string, snapshot: SubnetSnapshot): void => {
  const own = kept.get(rpc) ?? new Map<string, SubnetSnapshot>();
  kept.set(rpc, own.set(key, snapshot));
  const oldest = own.keys().next().value;
  if (own.size > MAX_KEPT && oldest !== undefined) own.delete(oldest);
};

/**
 * The subnet (mechanism 0) at exactly one block: the best metagraph call of the runtime for lists and rules, one
 * storage read for what it lacks. Both name the same block hash. A block that was read lately on the same connection
 * costs nothing. Runtimes without stateful epochs (before spec 420) are read by the rules of their time; those without
 * a stake per subnet fail as unsupported, and whatever does not decode as malformed.
 */
export const readSubnet = Effect.fn('chain.readSubnet')(function* (source: SubnetSource) {
  const { rpc, netuid, head } = source;
  const key = `${netuid}/${head.blockHash}`;
  const known = kept.get(rpc)?.get(key);
  if (known !== undefined && known.block === head.block) return known;
  const snapshot = yield* readAnew(source);
  keep(rpc, key, snapshot);
  return snapshot;
});
