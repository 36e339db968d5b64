/** Yuma consensus over the stored state of a subnet. Source: pallets/subtensor/src/epoch/run_epoch.rs, subnets/mechanism.rs. */
import { activityCutoffBlocks } from '../../domain/epoch.ts';
import { type YumaInput, type YumaOutput, type YumaParameters, yumaEpoch } from '../../domain/yuma.ts';
import type { SparseMatrix } from '../../domain/yumaMatrix.ts';
import type { Context, ReadContext } from '../pallet.ts';
import { events } from './events.ts';
import { stakeWeights } from './stake.ts';
import { storage, storageIndex } from './storage.ts';
import { hotkeysOf, mechanismCount, ownerUid, uidOf } from './subnets.ts';

const parametersOf = (ctx: ReadContext, netuid: number): YumaParameters => {
  const [alphaLow, alphaHigh] = ctx.get(storage.AlphaValues, netuid);
  return {
    kappa: ctx.get(storage.Kappa, netuid),
    bondsPenalty: ctx.get(storage.BondsPenalty, netuid),
    bondsMovingAverage: Number(ctx.get(storage.BondsMovingAverage, netuid)),
    maxAllowedValidators: ctx.get(storage.MaxAllowedValidators, netuid),
    yuma3On: ctx.get(storage.Yuma3On, netuid),
    liquidAlphaOn: ctx.get(storage.LiquidAlphaOn, netuid),
    alphaLow,
    alphaHigh,
    alphaSigmoidSteepness: ctx.get(storage.AlphaSigmoidSteepness, netuid),
  };
};

/** Rows by uid from a double map; uids without a stored row have none. */
const rowsOf = (
  ctx: ReadContext,
  item: typeof storage.Weights | typeof storage.Bonds,
  index: number,
): SparseMatrix => {
  const rows = new Map(ctx.iterate(item, index).map(({ keys: [, uid], value }) => [uid, value]));
  const count = Math.max(-1, ...rows.keys()) + 1;
  return Array.from({ length: count }, (_, uid) => rows.get(uid) ?? []);
};

/** Earliest block per uid of the commits that can still be revealed, null while commit-reveal is off. */
const commitBlocksOf = (
  ctx: ReadContext,
  netuid: number,
  index: number,
): readonly (number | null)[] | null => {
  if (!ctx.get(storage.CommitRevealWeightsEnabled, netuid)) {
    return null;
  }
  const blocks = new Array<number | null>(ctx.get(storage.SubnetworkN, netuid)).fill(null);
  const record = (hotkey: Uint8Array, block: bigint): void => {
    const uid = uidOf(ctx, netuid, hotkey);
    if (uid !== undefined) {
      blocks[uid] = Math.min(blocks[uid] ?? Number.POSITIVE_INFINITY, Number(block));
    }
  };
  const epoch = ctx.get(storage.SubnetEpochIndex, netuid);
  const isExpired = (commitEpoch: bigint): boolean =>
    epoch > commitEpoch + ctx.get(storage.RevealPeriodEpochs, netuid);
  for (const { keys, value } of ctx.iterate(storage.WeightCommits, index)) {
    const pending = value.find(([, commitEpoch]) => !isExpired(commitEpoch));
    if (pending !== undefined) {
      record(keys[1], pending[2]);
    }
  }
  for (const { keys, value } of ctx.iterate(storage.TimelockedWeightCommits, index)) {
    for (const [hotkey, block] of isExpired(keys[1]) ? [] : value) {
      record(hotkey, block);
    }
  }
  return blocks;
};

/** What the chain hands to Yuma for one mechanism in the block being built. */
export const yumaInputOf = (
  ctx: ReadContext,
  key: { readonly netuid: number; readonly mechanism: number },
  emissionRao: bigint,
): YumaInput => {
  const { netuid } = key;
  const index = storageIndex(netuid, key.mechanism);
  const tempo = ctx.get(storage.Tempo, netuid);
  const uids = Array.from({ length: ctx.get(storage.SubnetworkN, netuid) }, (_, uid) => uid);
  const permits = ctx.get(storage.ValidatorPermit, netuid);
  const updates = ctx.get(storage.LastUpdate, index);
  return {
    parameters: parametersOf(ctx, netuid),
    block: ctx.block,
    tempoBlocks: tempo,
    activityCutoffBlocks: activityCutoffBlocks(ctx.get(storage.ActivityCutoffFactorMilli, netuid), tempo),
    lastStepBlock: Number(ctx.get(storage.LastMechansimStepBlock, netuid)),
    emissionRao,
    stakes: stakeWeights(ctx, netuid),
    stakeThresholdRao: ctx.get(storage.StakeThreshold),
    ownerUid: ownerUid(ctx, netuid) ?? null,
    validatorPermits: uids.map((uid) => permits[uid] === true),
    lastUpdate: uids.map((uid) => Number(updates[uid] ?? 0n)),
    blockAtRegistration: uids.map((uid) => Number(ctx.get(storage.BlockAtRegistration, netuid, uid))),
    weights: rowsOf(ctx, storage.Weights, index),
    bonds: rowsOf(ctx, storage.Bonds, index),
    commitBlocks: commitBlocksOf(ctx, netuid, index),
  };
};

const U16_MAX = 65_535n;
/** Emission per mechanism: the stored split, or even; what rounding leaves goes to mechanism 0. */
export const splitByMechanism = (ctx: ReadContext, netuid: number, emissionRao: bigint): bigint[] => {
  const count = mechanismCount(ctx, netuid);
  const split = ctx.get(storage.MechanismEmissionSplit, netuid);
  const parts = Array.from({ length: count }, (_, mechanism) =>
    split === undefined
      ? emissionRao / BigInt(count)
      : (emissionRao * BigInt(split[mechanism] ?? 0)) / U16_MAX,
  );
  const rest = emissionRao - parts.reduce((sum, part) => sum + part, 0n);
  parts[0] = (parts[0] ?? 0n) + rest;
  return parts;
};

type Weighted = { readonly output: YumaOutput; readonly emissionRao: bigint };
export type SubnetTerms = Omit<YumaOutput, 'bonds' | 'incentive'>;

/**
 * Σ weight × value, floored at each mechanism; a mechanism weighs its part of the whole emission (U64F64), mechanism 0
 * everything when nothing was emitted.
 */
const blend = (terms: readonly Weighted[], pick: (output: YumaOutput) => readonly bigint[]): bigint[] => {
  const whole = terms.reduce((sum, term) => sum + term.emissionRao, 0n);
  const first = terms[0];
  if (first === undefined || whole === 0n || terms.length === 1) {
    return first === undefined ? [] : [...pick(first.output)];
  }
  const weights = terms.map(({ emissionRao }) => (emissionRao << 64n) / whole);
  return pick(first.output).map((_, uid) =>
    terms.reduce(
      (sum, { output }, mechanism) => sum + (((pick(output)[uid] ?? 0n) * (weights[mechanism] ?? 0n)) >> 64n),
      0n,
    ),
  );
};

const blendU16 = (terms: readonly Weighted[], pick: (output: YumaOutput) => readonly number[]): number[] =>
  blend(terms, (output) => pick(output).map(BigInt)).map(Number);

const addUp = (terms: readonly Weighted[], pick: (output: YumaOutput) => readonly bigint[]): bigint[] =>
  (terms[0] === undefined ? [] : pick(terms[0].output)).map((_, uid) =>
    terms.reduce((sum, { output }) => sum + (pick(output)[uid] ?? 0n), 0n),
  );

const anyOf = (terms: readonly Weighted[], pick: (output: YumaOutput) => readonly boolean[]): boolean[] =>
  (terms[0] === undefined ? [] : pick(terms[0].output)).map((_, uid) =>
    terms.some(({ output }) => pick(output)[uid] === true),
  );

const aggregate = (terms: readonly Weighted[]): SubnetTerms => ({
  active: anyOf(terms, (output) => output.active),
  validatorPermits: anyOf(terms, (output) => output.validatorPermits),
  stakeWeight: blendU16(terms, (output) => output.stakeWeight),
  consensus: blendU16(terms, (output) => output.consensus),
  dividends: blendU16(terms, (output) => output.dividends),
  validatorTrust: blendU16(terms, (output) => output.validatorTrust),
  serverEmissionRao: addUp(terms, (output) => output.serverEmissionRao),
  validatorEmissionRao: addUp(terms, (output) => output.validatorEmissionRao),
  emissionRao: blend(terms, (output) => output.emissionRao),
});

const persistMechanism = (ctx: Context, index: number, output: YumaOutput): void => {
  ctx.put(storage.Incentive, index, [...output.incentive]);
  output.bonds.forEach((row, uid) => {
    ctx.put(storage.Bonds, index, uid, [...row]);
  });
  const emissions = [...output.serverEmissionRao];
  ctx.emit(events.IncentiveAlphaEmittedToMiners, { netuid: index, emissions });
};

const persistSubnet = (ctx: Context, netuid: number, terms: SubnetTerms): void => {
  ctx.put(storage.Active, netuid, [...terms.active]);
  ctx.put(storage.ValidatorPermit, netuid, [...terms.validatorPermits]);
  ctx.put(storage.StakeWeight, netuid, [...terms.stakeWeight]);
  ctx.put(storage.Consensus, netuid, [...terms.consensus]);
  ctx.put(storage.Dividends, netuid, [...terms.dividends]);
  ctx.put(storage.ValidatorTrust, netuid, [...terms.validatorTrust]);
  ctx.put(storage.Emission, netuid, [...terms.emissionRao]);
};

/** Runs Yuma for every mechanism of a subnet, stores all outputs and gives them aggregated. */
export const runYuma = (ctx: Context, netuid: number, emissionRao: bigint): SubnetTerms => {
  const terms = splitByMechanism(ctx, netuid, emissionRao).map((part, mechanism) => ({
    emissionRao: part,
    output: yumaEpoch(yumaInputOf(ctx, { netuid, mechanism }, part)),
  }));
  terms.forEach(({ output }, mechanism) => {
    persistMechanism(ctx, storageIndex(netuid, mechanism), output);
  });
  const aggregated = aggregate(terms);
  persistSubnet(ctx, netuid, aggregated);
  return aggregated;
};

/** Yuma needs every hotkey once. Source: `is_epoch_input_state_consistent`. */
export const hasUniqueHotkeys = (ctx: ReadContext, netuid: number): boolean => {
  const hotkeys = hotkeysOf(ctx, netuid);
  return new Set(hotkeys.map((hotkey) => Buffer.from(hotkey).toString('hex'))).size === hotkeys.length;
};
