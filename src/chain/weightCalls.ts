import { hexToU8a, u8aToHex } from '@polkadot/util';
import { blake2AsU8a } from '@polkadot/util-crypto/blake2';
import * as Effect from 'effect/Effect';
import * as Schema from 'effect/Schema';

import { Uid } from '../domain/ids.ts';
import { planReveal } from '../domain/revealRound.ts';
import type { Beacon, RevealPlan, SubmissionFacts } from '../domain/submissionFacts.ts';
import { commitRevealVersion } from '../domain/weightForecastChecks.ts';
import type { WeightVector } from '../domain/weightVector.ts';
import { ChainMalformed, ChainUnsupported } from './errors.ts';
import type { Call } from './extrinsics.ts';
import type { SubnetSource } from './metagraph.ts';
import { decodeWith, readStorage } from './reads.ts';
import type { Runtime } from './runtime.ts';
import { blockIntervalMs } from './submissionFacts.ts';
import { encryptForRound } from './timelock.ts';
import { timelockPayload } from './weightPayload.ts';

const PALLET = 'SubtensorModule';
/** Mechanism 0: a subnet's own weights. */
const MECHANISM = 0;

/** What decides the call. */
type Abilities = Pick<Runtime, 'hasCall' | 'hasStorage' | 'constant'>;

export type WeightsToPlan = {
  readonly facts: SubmissionFacts;
  /** 32 bytes of the hotkey that signs. */
  readonly publicKey: Uint8Array;
  readonly vector: WeightVector;
  readonly versionKey: number;
};
/** What to sign, and when the chain opens it; `reveal` is null for plain weights. */
export type WeightsPlan = { readonly call: Call; readonly reveal: RevealPlan | null };

/** The call for one mechanism where the runtime has it (since September 2025), else the one for the subnet. */
const callOf = (
  runtime: Abilities,
  names: { readonly mechanism: string; readonly subnet: string },
  netuid: number,
  rest: readonly unknown[],
): Call =>
  runtime.hasCall(PALLET, names.mechanism)
    ? { pallet: PALLET, name: names.mechanism, args: [netuid, MECHANISM, ...rest] }
    : { pallet: PALLET, name: names.subnet, args: [netuid, ...rest] };

const plainCall = (runtime: Abilities, { facts, vector, versionKey }: WeightsToPlan): Call =>
  callOf(runtime, { mechanism: 'set_mechanism_weights', subnet: 'set_weights' }, facts.subnet.netuid, [
    vector.uids,
    vector.values,
    versionKey,
  ]);

/** Why timelocked weights are impossible here; null when they are not. */
const obstacle = (runtime: Abilities, { subnet, beacon }: SubmissionFacts): string | null => {
  const { commitRevealVersion: asked, tempo } = subnet.hyperparameters;
  if (asked !== commitRevealVersion) {
    return `subnet ${subnet.netuid} takes weights by commit-reveal version ${asked}, this program writes version ${commitRevealVersion}: update it`;
  }
  if (beacon === null) {
    return `subnet ${subnet.netuid} has commit-reveal on, but the runtime has no randomness beacon (pallet Drand): ask its owner to switch commit-reveal off, or use another endpoint`;
  }
  if (tempo === 0) return `subnet ${subnet.netuid} has tempo 0: its commits would never be revealed`;
  const hasCall =
    runtime.hasCall(PALLET, 'commit_timelocked_mechanism_weights') ||
    runtime.hasCall(PALLET, 'commit_timelocked_weights');
  return hasCall
    ? null
    : 'the runtime has commit-reveal on, but no commit_timelocked_weights: update this program or the chain';
};

const targetOf = Effect.fnUntraced(function* (runtime: Abilities, facts: SubmissionFacts, beacon: Beacon) {
  const { subnet } = facts;
  const { tempo, revealPeriodEpochs } = subnet.hyperparameters;
  // Before stateful epochs (spec 420) the period was one block longer.
  const isStateful = runtime.hasStorage(PALLET, 'LastEpochBlock');
  return planReveal({
    block: subnet.block,
    nowMs: facts.blockTimeMs,
    blockIntervalMs: yield* blockIntervalMs(runtime),
    epochIndex: subnet.epochIndex,
    nextEpochBlock: subnet.nextEpochBlock,
    epochBlocks: isStateful ? tempo : tempo + 1,
    revealPeriodEpochs,
    beacon,
  });
});

const planCommit = Effect.fnUntraced(function* (
  runtime: Abilities,
  { facts, publicKey, vector, versionKey }: WeightsToPlan,
) {
  const impossible = obstacle(runtime, facts);
  const { beacon } = facts;
  if (impossible !== null || beacon === null) {
    return yield* new ChainUnsupported({ message: impossible ?? 'the runtime has no randomness beacon' });
  }
  const target = yield* targetOf(runtime, facts, beacon);
  const sealed = encryptForRound({
    publicKey: hexToU8a(beacon.publicKey),
    round: target.revealRound,
    message: timelockPayload({ publicKey, vector, versionKey }),
  });
  if (!sealed.ok)
    return yield* new ChainMalformed({ operation: 'lock weights', detail: sealed.error.message });
  const names = { mechanism: 'commit_timelocked_mechanism_weights', subnet: 'commit_timelocked_weights' };
  const call = callOf(runtime, names, facts.subnet.netuid, [
    u8aToHex(sealed.value),
    target.revealRound,
    commitRevealVersion,
  ]);
  const reveal = { ...target, commitHash: u8aToHex(blake2AsU8a(sealed.value, 256)) } satisfies RevealPlan;
  return { call, reveal } satisfies WeightsPlan;
});

/**
 * The call that brings these weights on chain: `set_mechanism_weights` where commit-reveal is off, otherwise
 * `commit_timelocked_mechanism_weights`, locked to the round in which the chain reveals by itself. Runtimes without
 * mechanisms get `set_weights` and `commit_timelocked_weights`.
 *
 * Fails as unsupported where the subnet's commit-reveal is of another version or the chain has no beacon.
 */
export const planWeights = Effect.fn('chain.planWeights')(function* (
  runtime: Abilities,
  options: WeightsToPlan,
) {
  if (options.facts.subnet.hyperparameters.commitRevealWeightsEnabled)
    return yield* planCommit(runtime, options);
  return { call: plainCall(runtime, options), reveal: null } satisfies WeightsPlan;
});

const U16 = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 }));
/** Far above any subnet (256 uids). */
const MAX_ROW = 4_096;
const decodeRow = decodeWith(
  Schema.Tuple([Schema.Array(Schema.Tuple([Uid, U16])).check(Schema.isMaxLength(MAX_ROW))]),
  'read Weights',
);

/** The weights of `uid` that are in force (`Weights[netuid][uid]`, largest scaled to 65535); empty where none are. */
export const readWeights = Effect.fn('chain.readWeights')(function* (source: SubnetSource, uid: Uid) {
  const items = [{ pallet: PALLET, item: 'Weights', args: [source.netuid, uid] }];
  const stored = yield* readStorage({ ...source, blockHash: source.head.blockHash, items });
  const [row] = yield* decodeRow(stored);
  return {
    uids: row.map(([target]) => target),
    values: row.map(([, value]) => value),
  } satisfies WeightVector;
});
