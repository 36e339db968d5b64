/** The chain reveals timelocked weights by itself. Source: pallets/subtensor/src/coinbase/reveal_commits.rs. */
import { drandStorage } from '../drand/storage.ts';
import { openTimelock } from '../drand/timelockOpen.ts';
import { type Context, ModuleError } from '../pallet.ts';
import type { ValueOf } from '../scale.ts';
import { planEpochs } from './epochSchedule.ts';
import { events } from './events.ts';
import { storage, storageIndex } from './storage.ts';
import type { timelockedCommit } from './structs.ts';
import { mechanismCount, subnetsInOrder } from './subnets.ts';
import { readTimelockPayload } from './timelockPayload.ts';
import { setWeights } from './weights.ts';

type Entry = ValueOf<typeof timelockedCommit>;
type Mechanism = { readonly netuid: number; readonly mechanism: number };

/** Sets the weights of an opened commit as their committer would; weights that the chain refuses are dropped. */
const apply = (ctx: Context, key: Mechanism, hotkey: Uint8Array, plain: Uint8Array): void => {
  const weights = readTimelockPayload(plain, hotkey);
  if (weights === undefined) {
    return;
  }
  try {
    ctx.transaction(() => {
      setWeights(ctx, hotkey, { ...key, ...weights });
      ctx.emit(events.TimelockedWeightsRevealed, [storageIndex(key.netuid, key.mechanism), hotkey]);
    });
  } catch (error) {
    if (!(error instanceof ModuleError)) {
      throw error;
    }
  }
};

/** False while the round's pulse is missing; true when the entry is done with, applied or dropped. */
const revealEntry = (ctx: Context, key: Mechanism, [hotkey, , commit, round]: Entry): boolean => {
  const pulse = ctx.get(drandStorage.Pulses, round);
  if (pulse === undefined) {
    return false;
  }
  const plain = openTimelock(commit, pulse.signature);
  if (plain !== undefined) {
    apply(ctx, key, hotkey, plain);
  }
  return true;
};

const revealQueue = (ctx: Context, key: Mechanism, epoch: bigint): void => {
  const index = storageIndex(key.netuid, key.mechanism);
  const queue = ctx.take(storage.TimelockedWeightCommits, index, epoch);
  const waiting = queue.filter((entry) => !revealEntry(ctx, key, entry));
  if (waiting.length > 0) {
    ctx.put(storage.TimelockedWeightCommits, index, epoch, waiting);
  }
};

const dropExpired = (ctx: Context, index: number, revealEpoch: bigint): void => {
  for (const { keys } of ctx.iterate(storage.TimelockedWeightCommits, index)) {
    if (keys[1] < revealEpoch) {
      ctx.remove(storage.TimelockedWeightCommits, ...keys);
    }
  }
};

/** `epoch` counts one that fires in this block already. */
const revealSubnet = (ctx: Context, netuid: number, epoch: bigint): void => {
  const period = ctx.get(storage.RevealPeriodEpochs, netuid);
  const revealEpoch = epoch > period ? epoch - period : 0n;
  for (let mechanism = 0; mechanism < mechanismCount(ctx, netuid); mechanism += 1) {
    dropExpired(ctx, storageIndex(netuid, mechanism), revealEpoch);
    if (epoch < period) {
      return;
    }
    revealQueue(ctx, { netuid, mechanism }, revealEpoch);
  }
};

/**
 * Opens the commits whose epoch has come, before emission and epochs of the block, so that an epoch that fires in this
 * block runs on them. Commits wait for a missing pulse as long as their reveal epoch lasts. Nothing tells of commits
 * that are dropped: expired, not to be opened, of another hotkey, or refused as weights.
 */
export const revealTimelockedCommits = (ctx: Context): void => {
  const plan = planEpochs(ctx, { isCounted: false });
  for (const netuid of subnetsInOrder(ctx)) {
    const step = plan.get(netuid);
    if (step !== 'defer') {
      revealSubnet(ctx, netuid, ctx.get(storage.SubnetEpochIndex, netuid) + (step === undefined ? 0n : 1n));
    }
  }
};
