/** Neurons as `NeuronInfoRuntimeApi` shows them. Source: pallets/subtensor/src/rpc_info/neuron_info.rs. */
import type { ReadContext } from '../pallet.ts';
import { storage } from './storage.ts';
import { NO_AXON, NO_PROMETHEUS, type NeuronInfo } from './structs.ts';

/** Pruning scores are no longer computed; the interface keeps the largest value. */
const NO_PRUNING_SCORE = 65_535;

/** One neuron of mechanism 0; undefined when the uid is not given out. */
export const readNeuron = (ctx: ReadContext, netuid: number, uid: number): NeuronInfo | undefined => {
  if (uid >= ctx.get(storage.SubnetworkN, netuid)) {
    return undefined;
  }
  const hotkey = ctx.get(storage.Keys, netuid, uid);
  const coldkey = ctx.get(storage.Owner, hotkey);
  return {
    hotkey,
    coldkey,
    uid,
    netuid,
    active: ctx.get(storage.Active, netuid)[uid] === true,
    axonInfo: ctx.get(storage.Axons, netuid, hotkey) ?? NO_AXON,
    prometheusInfo: ctx.get(storage.Prometheus, netuid, hotkey) ?? NO_PROMETHEUS,
    stake: [[coldkey, ctx.get(storage.TotalHotkeyAlpha, hotkey, netuid)]],
    rank: 0,
    emission: ctx.get(storage.Emission, netuid)[uid] ?? 0n,
    incentive: ctx.get(storage.Incentive, netuid)[uid] ?? 0,
    consensus: ctx.get(storage.Consensus, netuid)[uid] ?? 0,
    trust: 0,
    validatorTrust: ctx.get(storage.ValidatorTrust, netuid)[uid] ?? 0,
    dividends: ctx.get(storage.Dividends, netuid)[uid] ?? 0,
    lastUpdate: ctx.get(storage.LastUpdate, netuid)[uid] ?? 0n,
    validatorPermit: ctx.get(storage.ValidatorPermit, netuid)[uid] === true,
    weights: ctx.get(storage.Weights, netuid, uid),
    bonds: ctx.get(storage.Bonds, netuid, uid),
    pruningScore: NO_PRUNING_SCORE,
  };
};

export const readNeurons = (ctx: ReadContext, netuid: number): NeuronInfo[] =>
  Array.from({ length: ctx.get(storage.SubnetworkN, netuid) }, (_, uid) =>
    readNeuron(ctx, netuid, uid),
  ).flatMap((neuron) => (neuron === undefined ? [] : [neuron]));
