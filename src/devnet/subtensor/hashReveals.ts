/** Revealing hashed weights. Source: `do_reveal_weights`, `do_batch_reveal_weights`, pallets/subtensor/src/subnets/weights.rs. */
import { type Context, call, ensureSigned, ModuleError, type Origin } from '../pallet.ts';
import { u8, u16, u64, type ValueOf, vec } from '../scale.ts';
import { isInRevealEpoch } from './commitEpochs.ts';
import { commitHashOf, type Reveal } from './commitHashes.ts';
import { ensureCommitReveal, splitExpired } from './commits.ts';
import { errors } from './errors.ts';
import { events } from './events.ts';
import { refuseBatchReveal, refuseReveal } from './poolChecks.ts';
import { storage, storageIndex } from './storage.ts';
import type { weightCommit } from './structs.ts';
import { isSameAccount } from './subnets.ts';
import { setWeights } from './weights.ts';

type WeightCommit = ValueOf<typeof weightCommit>;
type Queue = { readonly expired: readonly WeightCommit[]; readonly pending: readonly WeightCommit[] };

const positionOf = (commits: readonly WeightCommit[], hash: Uint8Array): number =>
  commits.findIndex(([candidate]) => isSameAccount(candidate, hash));

const queueOf = (ctx: Context, netuid: number, index: number, hotkey: Uint8Array): Queue => {
  const queue = ctx.get(storage.WeightCommits, index, hotkey);
  if (queue === undefined) {
    throw new ModuleError(errors.NoWeightsCommitFound);
  }
  return splitExpired(ctx, netuid, queue);
};

const storeQueue = (
  ctx: Context,
  index: number,
  hotkey: Uint8Array,
  queue: readonly WeightCommit[],
): void => {
  if (queue.length === 0) {
    ctx.remove(storage.WeightCommits, index, hotkey);
  } else {
    ctx.put(storage.WeightCommits, index, hotkey, [...queue]);
  }
};

/** Position of a commit that may be revealed now. */
const ensureRevealable = (ctx: Context, netuid: number, queue: Queue, hash: Uint8Array): number => {
  const position = positionOf(queue.pending, hash);
  const commit = queue.pending[position];
  if (commit === undefined) {
    const wasExpired = positionOf(queue.expired, hash) !== -1;
    throw new ModuleError(wasExpired ? errors.ExpiredWeightCommit : errors.InvalidRevealCommitHashNotMatch);
  }
  if (!isInRevealEpoch(ctx, netuid, commit[1])) {
    throw new ModuleError(errors.RevealTooEarly);
  }
  return position;
};

const reveal = (ctx: Context, request: Reveal, origin: Origin): void => {
  const hotkey = ensureSigned(origin);
  const { netuid, mechanism } = request;
  ensureCommitReveal(ctx, netuid);
  const index = storageIndex(netuid, mechanism);
  const queue = queueOf(ctx, netuid, index, hotkey);
  const hash = commitHashOf(hotkey, request);
  if (queue.pending.length === 0 && positionOf(queue.expired, hash) === -1) {
    throw new ModuleError(errors.NoWeightsCommitFound);
  }
  const position = ensureRevealable(ctx, netuid, queue, hash);
  // Earlier commits are given up with it.
  storeQueue(ctx, index, hotkey, queue.pending.slice(position + 1));
  setWeights(ctx, hotkey, request);
  ctx.emit(events.WeightsRevealed, [hotkey, index, hash]);
};

export type BatchReveal = {
  readonly netuid: number;
  readonly uidsList: readonly (readonly number[])[];
  readonly valuesList: readonly (readonly number[])[];
  readonly saltsList: readonly (readonly number[])[];
  readonly versionKeys: readonly bigint[];
};

/** The reveals of a batch, all of mechanism 0. Throws when the lists differ in length. */
export const revealsOf = (batch: BatchReveal): readonly Reveal[] => {
  const { uidsList, valuesList, saltsList, versionKeys } = batch;
  const lengths = new Set([uidsList, valuesList, saltsList, versionKeys].map((list) => list.length));
  if (lengths.size !== 1) {
    throw new ModuleError(errors.InputLengthsUnequal);
  }
  return uidsList.map((uids, i) => ({
    netuid: batch.netuid,
    mechanism: 0,
    uids,
    values: valuesList[i] ?? [],
    salt: saltsList[i] ?? [],
    versionKey: versionKeys[i] ?? 0n,
  }));
};

/** All or nothing; every reveal takes only its own commit off the queue. */
const revealBatch = (ctx: Context, batch: BatchReveal, origin: Origin): void => {
  const reveals = revealsOf(batch);
  const hotkey = ensureSigned(origin);
  const { netuid } = batch;
  ensureCommitReveal(ctx, netuid);
  const index = storageIndex(netuid, 0);
  const { expired, pending } = queueOf(ctx, netuid, index, hotkey);
  const hashes = reveals.map((request) => commitHashOf(hotkey, request));
  for (const hash of hashes) {
    ensureRevealable(ctx, netuid, { expired, pending }, hash);
  }
  let left = pending;
  reveals.forEach((request, i) => {
    const position = ensureRevealable(ctx, netuid, { expired, pending: left }, hashes[i] ?? new Uint8Array());
    left = left.toSpliced(position, 1);
    setWeights(ctx, hotkey, request);
  });
  storeQueue(ctx, index, hotkey, left);
  ctx.emit(events.WeightsBatchRevealed, [hotkey, netuid, hashes]);
};

const shown = { uids: vec(u16), values: vec(u16), salt: vec(u16), versionKey: u64 };
const lists = vec(vec(u16));

export const hashRevealCalls = {
  reveal_weights: call({
    index: 97,
    args: { netuid: u16, ...shown },
    pays: false,
    checkInPool: (ctx, args, signer) => refuseReveal(ctx, { ...args, mechanism: 0 }, signer),
    dispatch: (ctx, args, origin) => reveal(ctx, { ...args, mechanism: 0 }, origin),
  }),
  reveal_mechanism_weights: call({
    index: 116,
    args: { netuid: u16, mecid: u8, ...shown },
    pays: false,
    checkInPool: (ctx, { mecid, ...args }, signer) =>
      refuseReveal(ctx, { ...args, mechanism: mecid }, signer),
    dispatch: (ctx, { mecid, ...args }, origin) => reveal(ctx, { ...args, mechanism: mecid }, origin),
  }),
  batch_reveal_weights: call({
    index: 98,
    args: { netuid: u16, uidsList: lists, valuesList: lists, saltsList: lists, versionKeys: vec(u64) },
    pays: false,
    checkInPool: (ctx, batch, signer) =>
      refuseBatchReveal(ctx, { netuid: batch.netuid, reveals: () => revealsOf(batch) }, signer),
    dispatch: revealBatch,
  }),
};
