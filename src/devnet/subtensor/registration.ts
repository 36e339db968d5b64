/** Registering neurons. Source: pallets/subtensor/src/subnets/registration.rs. */
import { EXISTENTIAL_DEPOSIT, freeBalance, withdraw } from '../balances.ts';
import { accountId } from '../chainTypes.ts';
import { type Context, call, ensureSigned, ModuleError, type Origin, type ReadContext } from '../pallet.ts';
import { bytes, u16, u64 } from '../scale.ts';
import { raiseBurnPrice } from './burnPrice.ts';
import { errors } from './errors.ts';
import { events } from './events.ts';
import { buyAlpha, recycleAlpha } from './market.ts';
import { appendNeuron, hasCapacity, neuronToPrune, replaceNeuron } from './neurons.ts';
import { ROOT, storage } from './storage.ts';
import { isSameAccount, subnetExists, uidOf } from './subnets.ts';

type Registration = { readonly netuid: number; readonly hotkey: Uint8Array; readonly coldkey: Uint8Array };

/** Whether a hotkey has an owner, who is somebody else. */
export const isOwnedByAnother = (
  ctx: ReadContext,
  { hotkey, coldkey }: Pick<Registration, 'hotkey' | 'coldkey'>,
): boolean => ctx.has(storage.Owner, hotkey) && !isSameAccount(ctx.get(storage.Owner, hotkey), coldkey);

/** The checks in the chain's order. */
const ensureRegistrable = (ctx: ReadContext, registration: Registration): void => {
  const { netuid, hotkey, coldkey } = registration;
  if (netuid === ROOT) {
    throw new ModuleError(errors.RegistrationNotPermittedOnRootSubnet);
  }
  if (!subnetExists(ctx, netuid)) {
    throw new ModuleError(errors.SubnetNotExists);
  }
  if (!ctx.get(storage.NetworkRegistrationAllowed, netuid)) {
    throw new ModuleError(errors.SubNetRegistrationDisabled);
  }
  if (uidOf(ctx, netuid, hotkey) !== undefined) {
    throw new ModuleError(errors.HotKeyAlreadyRegisteredInSubNet);
  }
  if (freeBalance(ctx, coldkey) < ctx.get(storage.Burn, netuid) + EXISTENTIAL_DEPOSIT) {
    throw new ModuleError(errors.NotEnoughBalanceToStake);
  }
  if (isOwnedByAnother(ctx, registration)) {
    throw new ModuleError(errors.NonAssociatedColdKey);
  }
  if (!hasCapacity(ctx, netuid)) {
    throw new ModuleError(errors.NoNeuronIdAvailable);
  }
};

/** Makes a coldkey the owner of a hotkey that nobody owns yet. */
export const associateHotkey = (ctx: Context, hotkey: Uint8Array, coldkey: Uint8Array): void => {
  if (ctx.has(storage.Owner, hotkey)) {
    return;
  }
  ctx.put(storage.Owner, hotkey, coldkey);
  for (const item of [storage.OwnedHotkeys, storage.StakingHotkeys]) {
    ctx.put(item, coldkey, [...ctx.get(item, coldkey), hotkey]);
  }
};

/** The price buys alpha, which is burned: it counts as issued no longer. */
const pay = (ctx: Context, { netuid, coldkey }: Registration): void => {
  const price = ctx.get(storage.Burn, netuid);
  withdraw(ctx, coldkey, price);
  recycleAlpha(ctx, netuid, buyAlpha(ctx, netuid, price));
};

/** A free uid, or that of the neuron to prune. */
export const placeNeuron = (ctx: Context, netuid: number, hotkey: Uint8Array): number => {
  if (ctx.get(storage.SubnetworkN, netuid) < ctx.get(storage.MaxAllowedUids, netuid)) {
    return appendNeuron(ctx, netuid, hotkey);
  }
  const uid = neuronToPrune(ctx, netuid);
  if (uid === undefined) {
    throw new ModuleError(errors.NoNeuronIdAvailable);
  }
  replaceNeuron(ctx, netuid, uid, hotkey);
  return uid;
};

const register = (ctx: Context, args: Omit<Registration, 'coldkey'>, origin: Origin): void => {
  const { netuid, hotkey } = args;
  const registration = { netuid, hotkey, coldkey: ensureSigned(origin) };
  ensureRegistrable(ctx, registration);
  pay(ctx, registration);
  associateHotkey(ctx, hotkey, registration.coldkey);
  const uid = placeNeuron(ctx, netuid, hotkey);
  ctx.put(storage.RegistrationsThisBlock, netuid, ctx.get(storage.RegistrationsThisBlock, netuid) + 1);
  raiseBurnPrice(ctx, netuid);
  ctx.emit(events.NeuronRegistered, [netuid, uid, hotkey]);
};

export const registrationCalls = {
  /** Once proof of work; burns like `burned_register` and ignores everything but netuid and hotkey. */
  register: call({
    index: 6,
    args: {
      netuid: u16,
      blockNumber: u64,
      nonce: u64,
      work: bytes,
      hotkey: accountId,
      coldkey: accountId,
    },
    pays: true,
    dispatch: register,
  }),
  burned_register: call({
    index: 7,
    args: { netuid: u16, hotkey: accountId },
    pays: true,
    dispatch: register,
  }),
  register_limit: call({
    index: 134,
    args: { netuid: u16, hotkey: accountId, limitPrice: u64 },
    pays: true,
    dispatch: (ctx, { netuid, hotkey, limitPrice }, origin) => {
      if (ctx.get(storage.Burn, netuid) > limitPrice) {
        throw new ModuleError(errors.RegistrationPriceLimitExceeded);
      }
      register(ctx, { netuid, hotkey }, origin);
    },
  }),
};
