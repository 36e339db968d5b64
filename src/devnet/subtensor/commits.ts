/** Committing weights: hashes to be revealed by the hotkey, and ciphertexts that the chain opens by itself. Source: pallets/subtensor/src/subnets/weights.rs. */
import { h256 } from '../chainTypes.ts';
import { blake2b256 } from '../hashing.ts';
import { type Context, call, ensureSigned, ModuleError, type Origin } from '../pallet.ts';
import { boundedBytes, u8, u16, u64, type ValueOf } from '../scale.ts';
import { currentCommitEpoch, isCommitExpired } from './commitEpochs.ts';
import { errors } from './errors.ts';
import { events } from './events.ts';
import { type MechanismKey, refuseHashCommit, refuseTimelockedCommit } from './poolChecks.ts';
import { storage, storageIndex } from './storage.ts';
import { MAX_TIMELOCKED_COMMIT_BYTES, type weightCommit } from './structs.ts';
import {
  ensureMechanismExists,
  isSameAccount,
  passesWeightsRateLimit,
  setLastUpdate,
  uidOf,
} from './subnets.ts';

/** Pending hashes of a hotkey, and ciphertexts of a hotkey in one epoch; per mechanism. */
export const MAX_UNREVEALED_COMMITS = 10;
/** `commit_crv3_mechanism_weights` has no version argument and means this one. */
const IMPLIED_VERSION = 4;

type WeightCommit = ValueOf<typeof weightCommit>;

export const ensureCommitReveal = (ctx: Context, netuid: number): void => {
  if (!ctx.get(storage.CommitRevealWeightsEnabled, netuid)) {
    throw new ModuleError(errors.CommitRevealDisabled);
  }
};

/** Registered and in time; gives the uid. */
const ensureMayCommit = (ctx: Context, key: MechanismKey, hotkey: Uint8Array): number => {
  const uid = uidOf(ctx, key.netuid, hotkey);
  if (uid === undefined) {
    throw new ModuleError(errors.HotKeyNotRegisteredInSubNet);
  }
  if (!passesWeightsRateLimit(ctx, key, uid)) {
    throw new ModuleError(errors.CommittingWeightsTooFast);
  }
  return uid;
};

/** Takes expired commits off the front of a queue. */
export const splitExpired = (
  ctx: Context,
  netuid: number,
  queue: readonly WeightCommit[],
): { readonly expired: readonly WeightCommit[]; readonly pending: readonly WeightCommit[] } => {
  const first = queue.findIndex(([, epoch]) => !isCommitExpired(ctx, netuid, epoch));
  const count = first === -1 ? queue.length : first;
  return { expired: queue.slice(0, count), pending: queue.slice(count) };
};

/** Queues the hash of weights. Neither permit nor weights are looked at until they are revealed. */
export const commitHash = (ctx: Context, key: MechanismKey, hash: Uint8Array, origin: Origin): void => {
  const { netuid, mechanism } = key;
  ensureMechanismExists(ctx, netuid, mechanism);
  const hotkey = ensureSigned(origin);
  ensureCommitReveal(ctx, netuid);
  const uid = ensureMayCommit(ctx, key, hotkey);
  const index = storageIndex(netuid, mechanism);
  const { pending } = splitExpired(ctx, netuid, ctx.get(storage.WeightCommits, index, hotkey) ?? []);
  if (pending.length >= MAX_UNREVEALED_COMMITS) {
    throw new ModuleError(errors.TooManyUnrevealedCommits);
  }
  const commit: WeightCommit = [hash, currentCommitEpoch(ctx, netuid), BigInt(ctx.block), 0n];
  ctx.put(storage.WeightCommits, index, hotkey, [...pending, commit]);
  ctx.emit(events.WeightsCommitted, [hotkey, index, hash]);
  setLastUpdate(ctx, index, uid);
};

type TimelockedCommit = MechanismKey & {
  readonly commit: Uint8Array;
  readonly revealRound: bigint;
  readonly version: number;
};

/** Queues a ciphertext under the epoch of this block; whether it opens shows when it is revealed. */
const commitTimelocked = (ctx: Context, request: TimelockedCommit, origin: Origin): void => {
  const { netuid, mechanism, commit, revealRound } = request;
  ensureMechanismExists(ctx, netuid, mechanism);
  const hotkey = ensureSigned(origin);
  ensureCommitReveal(ctx, netuid);
  if (request.version !== ctx.get(storage.CommitRevealWeightsVersion)) {
    throw new ModuleError(errors.IncorrectCommitRevealVersion);
  }
  const uid = ensureMayCommit(ctx, request, hotkey);
  const index = storageIndex(netuid, mechanism);
  const epoch = currentCommitEpoch(ctx, netuid);
  const queue = ctx.get(storage.TimelockedWeightCommits, index, epoch);
  const own = queue.filter(([account]) => isSameAccount(account, hotkey));
  if (own.length >= MAX_UNREVEALED_COMMITS) {
    throw new ModuleError(errors.TooManyUnrevealedCommits);
  }
  const entry = [hotkey, BigInt(ctx.block), commit, revealRound] as const;
  ctx.put(storage.TimelockedWeightCommits, index, epoch, [...queue, entry]);
  ctx.emit(events.TimelockedWeightsCommitted, [hotkey, index, blake2b256(commit), revealRound]);
  setLastUpdate(ctx, index, uid);
};

const ciphertext = { commit: boundedBytes(MAX_TIMELOCKED_COMMIT_BYTES), revealRound: u64 };

export const commitCalls = {
  commit_weights: call({
    index: 96,
    args: { netuid: u16, commitHash: h256 },
    pays: false,
    checkInPool: (ctx, { netuid }, signer) => refuseHashCommit(ctx, { netuid, mechanism: 0 }, signer),
    dispatch: (ctx, args, origin) =>
      commitHash(ctx, { netuid: args.netuid, mechanism: 0 }, args.commitHash, origin),
  }),
  commit_mechanism_weights: call({
    index: 115,
    args: { netuid: u16, mecid: u8, commitHash: h256 },
    pays: false,
    checkInPool: (ctx, { netuid, mecid }, signer) =>
      refuseHashCommit(ctx, { netuid, mechanism: mecid }, signer),
    dispatch: (ctx, args, origin) =>
      commitHash(ctx, { netuid: args.netuid, mechanism: args.mecid }, args.commitHash, origin),
  }),
  commit_timelocked_weights: call({
    index: 113,
    args: { netuid: u16, ...ciphertext, commitRevealVersion: u16 },
    pays: false,
    checkInPool: refuseTimelockedCommit,
    dispatch: (ctx, { commitRevealVersion, ...args }, origin) =>
      commitTimelocked(ctx, { ...args, mechanism: 0, version: commitRevealVersion }, origin),
  }),
  commit_timelocked_mechanism_weights: call({
    index: 118,
    args: { netuid: u16, mecid: u8, ...ciphertext, commitRevealVersion: u16 },
    pays: false,
    checkInPool: refuseTimelockedCommit,
    dispatch: (ctx, { commitRevealVersion, mecid, ...args }, origin) =>
      commitTimelocked(ctx, { ...args, mechanism: mecid, version: commitRevealVersion }, origin),
  }),
  commit_crv3_mechanism_weights: call({
    index: 117,
    args: { netuid: u16, mecid: u8, ...ciphertext },
    pays: false,
    checkInPool: refuseTimelockedCommit,
    dispatch: (ctx, { mecid, ...args }, origin) =>
      commitTimelocked(ctx, { ...args, mechanism: mecid, version: IMPLIED_VERSION }, origin),
  }),
};
