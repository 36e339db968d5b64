/** Neurons as `NeuronInfoRuntimeApi` shows them. Source: pallets/subtensor/src/rpc_info/neuron_info.rs. */
import type { ReadContext } from '../pallet.ts';
import { storage } from './storage.ts';
import { type NeuronInfo, NO_AXON, NO_PROMETHEUS } from './structs.ts';
import { hotkeysOf } from './subnets.ts';

/** Pruning scores are no longer computed; the interface keeps the largest value. */
const NO_PRUNING_SCORE = 65_535;

/** The vectors of a subnet, decoded once for all neurons of a reply. */
const readColumns = (ctx: ReadContext, netuid: number) => ({
  active: ctx.get(storage.Active, netuid),
  emission: ctx.get(storage.Emission, netuid),
  incentive: ctx.get(storage.Incentive, netuid),
  consensus: ctx.get(storage.Consensus, netuid),
  validatorTrust: ctx.get(storage.ValidatorTrust, netuid),
  dividends: ctx.get(storage.Dividends, netuid),
  lastUpdate: ctx.get(storage.LastUpdate, netuid),
  validatorPermit: ctx.get(storage.ValidatorPermit, netuid),
});
type Columns = ReturnType<typeof readColumns>;
type Place = { readonly netuid: number; readonly uid: number; readonly hotkey: Uint8Array };

const scoresOf = (columns: Columns, uid: number) => ({
  active: columns.active[uid] === true,
  rank: 0,
  emission: columns.emission[uid] ?? 0n,
  incentive: columns.incentive[uid] ?? 0,
  consensus: columns.consensus[uid] ?? 0,
  trust: 0,
  validatorTrust: columns.validatorTrust[uid] ?? 0,
  dividends: columns.dividends[uid] ?? 0,
  lastUpdate: columns.lastUpdate[uid] ?? 0n,
  validatorPermit: columns.validatorPermit[uid] === true,
  pruningScore: NO_PRUNING_SCORE,
});

/** A neuron of mechanism 0 without weights and bonds. */
const readLite = (ctx: ReadContext, { netuid, uid, hotkey }: Place, columns: Columns) => {
  const coldkey = ctx.get(storage.Owner, hotkey);
  return {
    hotkey,
    coldkey,
    uid,
    netuid,
    axonInfo: ctx.get(storage.Axons, netuid, hotkey) ?? NO_AXON,
    prometheusInfo: ctx.get(storage.Prometheus, netuid, hotkey) ?? NO_PROMETHEUS,
    stake: [[coldkey, ctx.get(storage.TotalHotkeyAlpha, hotkey, netuid)] as const],
    ...scoresOf(columns, uid),
  };
};

const readFull = (ctx: ReadContext, place: Place, columns: Columns): NeuronInfo => ({
  ...readLite(ctx, place, columns),
  weights: ctx.get(storage.Weights, place.netuid, place.uid),
  bonds: ctx.get(storage.Bonds, place.netuid, place.uid),
});

export const readNeurons = (ctx: ReadContext, netuid: number): NeuronInfo[] => {
  const columns = readColumns(ctx, netuid);
  return hotkeysOf(ctx, netuid).map((hotkey, uid) => readFull(ctx, { netuid, uid, hotkey }, columns));
};

export const readNeuronsLite = (ctx: ReadContext, netuid: number) => {
  const columns = readColumns(ctx, netuid);
  return hotkeysOf(ctx, netuid).map((hotkey, uid) => readLite(ctx, { netuid, uid, hotkey }, columns));
};

/** undefined when the uid is not given out. */
export const readNeuron = (ctx: ReadContext, netuid: number, uid: number): NeuronInfo | undefined => {
  if (uid >= ctx.get(storage.SubnetworkN, netuid)) {
    return undefined;
  }
  const hotkey = ctx.get(storage.Keys, netuid, uid);
  return readFull(ctx, { netuid, uid, hotkey }, readColumns(ctx, netuid));
};
