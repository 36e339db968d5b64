/** Plain weights. Source: `internal_set_weights`, pallets/subtensor/src/subnets/weights.rs. */
import { maxUpscale } from '../../domain/maxUpscale.ts';
import { type Context, call, ensureSigned, ModuleError, type Origin, type ReadContext } from '../pallet.ts';
import { u8, u16, u64, vec } from '../scale.ts';
import { errors } from './errors.ts';
import { events } from './events.ts';
import { refusePlainWeights } from './poolChecks.ts';
import { hasStakeForWeights } from './stake.ts';
import { ROOT, storage, storageIndex } from './storage.ts';
import {
  ensureMechanismExists,
  isOwnerHotkey,
  passesWeightsRateLimit,
  setLastUpdate,
  uidOf,
} from './subnets.ts';

export type WeightsSubmission = {
  readonly netuid: number;
  readonly mechanism: number;
  readonly uids: readonly number[];
  readonly values: readonly number[];
  readonly versionKey: bigint;
};

/** One weight, on oneself: allowed without a permit. */
const isSelfWeight = (uid: number, { uids, values }: WeightsSubmission): boolean =>
  uids.length === 1 && values.length === 1 && uids[0] === uid;

const ensureShape = (ctx: ReadContext, submission: WeightsSubmission): void => {
  const { netuid, uids, values } = submission;
  if (netuid === ROOT) {
    throw new ModuleError(errors.CanNotSetRootNetworkWeights);
  }
  if (uids.length !== values.length) {
    throw new ModuleError(errors.WeightVecNotEqualSize);
  }
  ensureMechanismExists(ctx, netuid, submission.mechanism);
  if (uids.length > ctx.get(storage.SubnetworkN, netuid)) {
    throw new ModuleError(errors.UidsLengthExceedUidsInSubNet);
  }
};

/** Registered, staked, current version, in time, permitted; gives the uid of the hotkey. */
const ensureMayWeigh = (ctx: ReadContext, submission: WeightsSubmission, hotkey: Uint8Array): number => {
  const { netuid } = submission;
  const uid = uidOf(ctx, netuid, hotkey);
  if (uid === undefined) {
    throw new ModuleError(errors.HotKeyNotRegisteredInSubNet);
  }
  if (!hasStakeForWeights(ctx, netuid, hotkey)) {
    throw new ModuleError(errors.NotEnoughStakeToSetWeights);
  }
  // A key of 0 asks for nothing; any other is a minimum.
  if (submission.versionKey < ctx.get(storage.WeightsVersionKey, netuid)) {
    throw new ModuleError(errors.IncorrectWeightVersionKey);
  }
  const isPlain = !ctx.get(storage.CommitRevealWeightsEnabled, netuid);
  if (isPlain && !passesWeightsRateLimit(ctx, submission, uid)) {
    throw new ModuleError(errors.SettingWeightsTooFast);
  }
  const isPermitted =
    isSelfWeight(uid, submission) ||
    isOwnerHotkey(ctx, netuid, hotkey) ||
    ctx.get(storage.ValidatorPermit, netuid)[uid] === true;
  if (!isPermitted) {
    throw new ModuleError(errors.NeuronNoValidatorPermit);
  }
  return uid;
};

const ensureContent = (ctx: ReadContext, submission: WeightsSubmission, uid: number): void => {
  const { netuid, uids, values } = submission;
  const neurons = ctx.get(storage.SubnetworkN, netuid);
  if (new Set(uids).size !== uids.length) {
    throw new ModuleError(errors.DuplicateUids);
  }
  if (uids.some((target) => target >= neurons)) {
    throw new ModuleError(errors.UidVecContainInvalidOne);
  }
  const needed = Math.min(ctx.get(storage.MinAllowedWeights, netuid), neurons);
  if (values.length < needed && !isSelfWeight(uid, submission)) {
    throw new ModuleError(errors.WeightVecLengthIsLow);
  }
};

/**
 * Checks and stores weights of a hotkey, largest scaled to 65535; the checks run in the chain's order. Also the last
 * step of a reveal, which is why LastUpdate stays while commit-reveal is on. `MaxWeightExceeded` cannot occur: the
 * limit is the constant 65535.
 */
export const setWeights = (ctx: Context, hotkey: Uint8Array, submission: WeightsSubmission): void => {
  ensureShape(ctx, submission);
  const uid = ensureMayWeigh(ctx, submission, hotkey);
  ensureContent(ctx, submission, uid);
  const scaled = maxUpscale(submission.values);
  const row = submission.uids.map((target, i) => [target, scaled[i] ?? 0] as const);
  const index = storageIndex(submission.netuid, submission.mechanism);
  ctx.put(storage.Weights, index, uid, row);
  if (!ctx.get(storage.CommitRevealWeightsEnabled, submission.netuid)) {
    setLastUpdate(ctx, index, uid);
  }
  ctx.emit(events.WeightsSet, [index, uid]);
};

/** Weights that are not committed first: only while commit-reveal is off. */
export const setPlainWeights = (ctx: Context, submission: WeightsSubmission, origin: Origin): void => {
  if (ctx.get(storage.CommitRevealWeightsEnabled, submission.netuid)) {
    throw new ModuleError(errors.CommitRevealEnabled);
  }
  setWeights(ctx, ensureSigned(origin), submission);
};

const content = { dests: vec(u16), weights: vec(u16), versionKey: u64 };

export const weightsCalls = {
  set_weights: call({
    index: 0,
    args: { netuid: u16, ...content },
    pays: false,
    checkInPool: (ctx, { netuid }, signer) => refusePlainWeights(ctx, { netuid, mechanism: 0 }, signer),
    dispatch: (ctx, { netuid, dests, weights, versionKey }, origin) =>
      setPlainWeights(ctx, { netuid, mechanism: 0, uids: dests, values: weights, versionKey }, origin),
  }),
  set_mechanism_weights: call({
    index: 119,
    args: { netuid: u16, mecid: u8, ...content },
    pays: false,
    checkInPool: (ctx, { netuid, mecid }, signer) =>
      refusePlainWeights(ctx, { netuid, mechanism: mecid }, signer),
    dispatch: (ctx, { netuid, mecid, dests, weights, versionKey }, origin) =>
      setPlainWeights(ctx, { netuid, mechanism: mecid, uids: dests, values: weights, versionKey }, origin),
  }),
};
