/** Several mechanisms in one subnet. Source: pallets/subtensor/src/subnets/mechanism.rs. */
import { type Context, ensure, type ReadContext } from '../pallet.ts';
import { errors } from './errors.ts';
import { storage, storageIndex } from './storage.ts';
import { mechanismCount, subnetExists } from './subnets.ts';

/** Bounds what an epoch has to work through: uids times mechanisms. */
export const MAX_UIDS_OVER_MECHANISMS = 256;
const MAX_MECHANISMS = 16;
const U16_MAX = 65_535;

export const ensureUidsOverMechanisms = (maxUids: number, count: number): void =>
  ensure(maxUids * count <= MAX_UIDS_OVER_MECHANISMS, errors.TooManyUIDsPerMechanism);

/** At least one, at most MaxMechanismCount, and no more than the uids allow. */
export const ensureMechanismCount = (ctx: ReadContext, netuid: number, count: number): void => {
  ensure(subnetExists(ctx, netuid), errors.MechanismDoesNotExist);
  ensure(count > 0 && count <= ctx.get(storage.MaxMechanismCount), errors.InvalidValue);
  ensureUidsOverMechanisms(ctx.get(storage.MaxAllowedUids, netuid), count);
};

/** Forgets everything that the mechanisms above `count` have for themselves; the emission is split evenly again. */
export const setMechanismCount = (ctx: Context, netuid: number, count: number): void => {
  const previous = mechanismCount(ctx, netuid);
  if (previous === count) {
    return;
  }
  for (let mechanism = count; mechanism < previous; mechanism += 1) {
    const index = storageIndex(netuid, mechanism);
    ctx.clear(storage.Weights, index);
    ctx.clear(storage.Bonds, index);
    ctx.clear(storage.WeightCommits, index);
    ctx.clear(storage.TimelockedWeightCommits, index);
    ctx.remove(storage.Incentive, index);
    ctx.remove(storage.LastUpdate, index);
  }
  ctx.put(storage.MechanismCountCurrent, netuid, count);
  ctx.remove(storage.MechanismEmissionSplit, netuid);
};

/** As many shares as mechanisms, 65535 in all; nothing for an even split. */
export const ensureEmissionSplit = (
  ctx: ReadContext,
  netuid: number,
  split: readonly number[] | undefined,
): void => {
  ensure(subnetExists(ctx, netuid), errors.MechanismDoesNotExist);
  if (split !== undefined) {
    ensure(split.length === mechanismCount(ctx, netuid), errors.InvalidValue);
    ensure(split.reduce((sum, share) => sum + share, 0) === U16_MAX, errors.InvalidValue);
  }
};

export const ensureMaxMechanismCount = (count: number): void =>
  ensure(count > 0 && count <= MAX_MECHANISMS, errors.InvalidValue);
