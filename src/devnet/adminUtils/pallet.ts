/**
 * Pallet AdminUtils: the hyperparameters, by root and by owners. Left out are the calls for parts of the runtime that
 * the embedded chain does not have (Aura, Grandpa, EVM, TAO flow, coldkey swaps) and trimming of uids.
 *
 * Source: pallets/admin-utils/src/lib.rs.
 */
import { accountId } from '../chainTypes.ts';
import { type Context, call, definePallet, ModuleError } from '../pallet.ts';
import { u16 } from '../scale.ts';
import { errors as subtensorErrors } from '../subtensor/errors.ts';
import { events } from '../subtensor/events.ts';
import {
  ensureAdminWindowOpen,
  ensureOwnerOrRoot,
  ensureWithinLimit,
  recordChange,
} from '../subtensor/ownership.ts';
import { storage } from '../subtensor/storage.ts';
import { subnetExists } from '../subtensor/subnets.ts';
import { ensureAlphaValues, ownerSettings, toggleEvents } from './ownerSettings.ts';
import { emissionEvents, rootSettings } from './rootSettings.ts';
import { errors } from './settings.ts';

/** A week of blocks between two changes of a subnet's owner hotkey. */
const OWNER_HOTKEY_BLOCKS = 50_400n;

const setOwnerHotkey = (ctx: Context, netuid: number, hotkey: Uint8Array): void => {
  if (!subnetExists(ctx, netuid)) throw new ModuleError(subtensorErrors.SubnetNotExists);
  const key = { tag: 'SetSNOwnerHotkey', value: [netuid] } as const;
  const last = ctx.get(storage.LastRateLimitedBlock, key);
  if (last !== 0n && BigInt(ctx.block) - last < OWNER_HOTKEY_BLOCKS)
    throw new ModuleError(subtensorErrors.TxRateLimitExceeded);
  ctx.put(storage.LastRateLimitedBlock, key, BigInt(ctx.block));
  ctx.put(storage.SubnetOwnerHotkey, netuid, hotkey);
  ctx.emit(events.SubnetOwnerHotkeySet, [netuid, hotkey]);
};

/** Calls with more than one value. */
const otherCalls = {
  sudo_set_alpha_values: call({
    index: 51,
    args: { netuid: u16, alphaLow: u16, alphaHigh: u16 },
    pays: true,
    dispatch: (ctx, { netuid, alphaLow, alphaHigh }, origin) => {
      const account = ensureOwnerOrRoot(ctx, origin, netuid);
      const limited = { hyperparameter: 'AlphaValues' } as const;
      if (account !== undefined) ensureWithinLimit(ctx, { netuid, account, limited });
      ensureAdminWindowOpen(ctx, netuid);
      ensureAlphaValues(ctx.get(storage.LiquidAlphaOn, netuid), alphaLow, alphaHigh);
      ctx.put(storage.AlphaValues, netuid, [alphaLow, alphaHigh]);
      if (account !== undefined) recordChange(ctx, { netuid, account, limited });
    },
  }),
  sudo_set_sn_owner_hotkey: call({
    index: 67,
    args: { netuid: u16, hotkey: accountId },
    pays: true,
    dispatch: (ctx, { netuid, hotkey }, origin) => {
      ensureOwnerOrRoot(ctx, origin, netuid);
      setOwnerHotkey(ctx, netuid, hotkey);
    },
  }),
};

export const adminUtils = definePallet({
  name: 'AdminUtils',
  index: 19,
  events: { ...toggleEvents, ...emissionEvents },
  errors,
  calls: { ...ownerSettings, ...rootSettings, ...otherCalls },
});
