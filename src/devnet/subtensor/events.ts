import { accountId, dispatchError, h256 } from '../chainTypes.ts';
import { event } from '../pallet.ts';
import { compact, u16, u64, vec } from '../scale.ts';
import { settingEvents } from './settingEvents.ts';
import { stakeEvents } from './stakeEvents.ts';

/** Events that clients follow, at their positions in pallets/subtensor/src/macros/events.rs. `index` fields are storage indices. */
export const events = {
  ...settingEvents,
  ...stakeEvents,
  /** (netuid, SubnetMechanism) */
  NetworkAdded: event(0, [u16, u16]),
  /** (storage index, uid) */
  WeightsSet: event(5, [u16, u16]),
  /** (netuid, uid, hotkey) */
  NeuronRegistered: event(6, [u16, u16, accountId]),
  /** (netuid, hotkey) */
  AxonServed: event(28, [u16, accountId]),
  PrometheusServed: event(29, [u16, accountId]),
  /** (hotkey, storage index, hash) */
  WeightsCommitted: event(85, [accountId, u16, h256]),
  WeightsRevealed: event(86, [accountId, u16, h256]),
  WeightsBatchRevealed: event(87, [accountId, u16, vec(h256)]),
  /** (subnets of the batch, hotkey) */
  BatchWeightsCompleted: event(88, [vec(compact(u16)), accountId]),
  BatchCompletedWithErrors: event(89),
  /** (netuid, error) */
  BatchWeightItemFailed: event(90, [u16, dispatchError]),
  /** (hotkey, storage index, hash of the ciphertext, drand round) */
  TimelockedWeightsCommitted: event(107, [accountId, u16, h256, u64]),
  /** (storage index, hotkey) */
  TimelockedWeightsRevealed: event(108, [u16, accountId]),
  /** `netuid` is a storage index; emissions are alpha rao by uid. */
  IncentiveAlphaEmittedToMiners: event(110, { netuid: u16, emissions: vec(u64) }),
  EpochTriggered: event(132, { netuid: u16, by: accountId, firesAt: u64 }),
  EpochDeferred: event(133, { netuid: u16, fromBlock: u64, toBlock: u64 }),
  EpochSkipped: event(134, { netuid: u16, block: u64 }),
};
