/**
 * How the calls of AdminUtils are made: who may call, when, what is checked, what is written.
 *
 * Call indices and arguments as recorded from finney at spec 343; those from 84 on and the rules from
 * pallets/admin-utils/src/lib.rs of mid-2026.
 */
import {
  type Context,
  call,
  declareErrors,
  type EventDeclaration,
  ensureRoot,
  ModuleError,
  type Origin,
  type ReadContext,
  type StorageItem,
} from '../pallet.ts';
import { type ScaleType, u16 } from '../scale.ts';
import {
  ensureAdminWindowOpen,
  ensureOwnerOrRoot,
  ensureWithinLimit,
  type Limited,
  recordChange,
} from '../subtensor/ownership.ts';
import { ROOT } from '../subtensor/storage.ts';
import { subnetExists } from '../subtensor/subnets.ts';

export const errors = declareErrors({
  SubnetDoesNotExist: 0,
  MaxValidatorsLargerThanMaxUIds: 1,
  MaxAllowedUIdsLessThanCurrentUIds: 2,
  BondsMovingAverageMaxReached: 3,
  NegativeSigmoidSteepness: 4,
  ValueNotInBounds: 5,
  MinAllowedUidsGreaterThanCurrentUids: 6,
  MinAllowedUidsGreaterThanMaxAllowedUids: 7,
  MaxAllowedUidsLessThanMinAllowedUids: 8,
  MaxAllowedUidsGreaterThanDefaultMaxAllowedUids: 9,
  InvalidValue: 10,
  NotPermittedOnRootSubnet: 11,
  POWRegistrationDisabled: 12,
  Deprecated: 13,
});

/** One value of one subnet. */
export type SubnetSetting<T> = {
  readonly index: number;
  /** Name of the argument, in camelCase, and its type. */
  readonly arg: string;
  readonly type: ScaleType<T>;
  /** Throws what speaks against the value; `isRoot` callers are bound less. */
  readonly ensure?: (ctx: ReadContext, netuid: number, value: T, isRoot: boolean) => void;
  readonly apply: (ctx: Context, netuid: number, value: T) => void;
};

export const ensureSubnet = (ctx: ReadContext, netuid: number): void => {
  if (!subnetExists(ctx, netuid)) throw new ModuleError(errors.SubnetDoesNotExist);
};
export const ensureNotRoot = (netuid: number): void => {
  if (netuid === ROOT) throw new ModuleError(errors.NotPermittedOnRootSubnet);
};

type Authorize = (ctx: Context, netuid: number, origin: Origin) => { readonly isRoot: boolean };

const subnetCall = <T>(setting: SubnetSetting<T>, authorize: Authorize) =>
  call({
    index: setting.index,
    args: { netuid: u16, [setting.arg]: setting.type },
    pays: true,
    dispatch: (ctx, args, origin) => {
      const { netuid } = args;
      const value = args[setting.arg] as T;
      const { isRoot } = authorize(ctx, netuid, origin);
      ensureSubnet(ctx, netuid);
      setting.ensure?.(ctx, netuid, value, isRoot);
      setting.apply(ctx, netuid, value);
    },
  });

/** For the owner, at most once in the limit's blocks, and for root; both outside of the freeze window. */
export const ownerSetting = <T>(limited: Limited | undefined, setting: SubnetSetting<T>) =>
  subnetCall(setting, (ctx, netuid, origin) => {
    const account = ensureOwnerOrRoot(ctx, origin, netuid);
    if (account !== undefined && limited !== undefined) {
      ensureWithinLimit(ctx, { netuid, account, limited });
      recordChange(ctx, { netuid, account, limited });
    }
    ensureAdminWindowOpen(ctx, netuid);
    return { isRoot: account === undefined };
  });

/** For root alone; some only outside of the freeze window. */
export const rootSetting = <T>(window: 'any time' | 'outside of the freeze', setting: SubnetSetting<T>) =>
  subnetCall(setting, (ctx, netuid, origin) => {
    ensureRoot(origin);
    if (window === 'outside of the freeze') ensureAdminWindowOpen(ctx, netuid);
    return { isRoot: true };
  });

/** One value of all subnets, for root alone. */
export const globalSetting = <T>(setting: {
  readonly index: number;
  readonly arg: string;
  readonly type: ScaleType<T>;
  readonly apply: (ctx: Context, value: T) => void;
}) =>
  call({
    index: setting.index,
    args: { [setting.arg]: setting.type },
    pays: true,
    dispatch: (ctx, args, origin) => {
      ensureRoot(origin);
      setting.apply(ctx, args[setting.arg] as T);
    },
  });

/** Writes a subnet's value and says so in the event (netuid, value). */
export const store =
  <T>(
    item: StorageItem<[number], T, T>,
    event?: EventDeclaration<readonly [ScaleType<number>, ScaleType<T>]>,
  ) =>
  (ctx: Context, netuid: number, value: T): void => {
    ctx.put(item, netuid, value);
    if (event !== undefined) ctx.emit(event, [netuid, value]);
  };
/** The same for a value of all subnets. */
export const storeGlobal =
  <T>(item: StorageItem<[], T, T>, event?: EventDeclaration<readonly [ScaleType<T>]>) =>
  (ctx: Context, value: T): void => {
    ctx.put(item, value);
    if (event !== undefined) ctx.emit(event, [value]);
  };
