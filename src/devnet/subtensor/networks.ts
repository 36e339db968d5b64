/**
 * Creating subnets and starting them. At the limit of subnets a registration is refused; the chain would dissolve the
 * one with the lowest price, which has no meaning at stable prices.
 *
 * Source: pallets/subtensor/src/subnets/subnet.rs, pallets/subtensor/src/coinbase/root.rs.
 */
import { EXISTENTIAL_DEPOSIT, freeBalance, withdraw } from '../balances.ts';
import { accountId } from '../chainTypes.ts';
import { type Context, call, ensureSigned, ModuleError, type Origin, type ReadContext } from '../pallet.ts';
import { option, u16, type ValueOf } from '../scale.ts';
import { errors } from './errors.ts';
import { events } from './events.ts';
import { appendNeuron } from './neurons.ts';
import { ensureOwner } from './ownership.ts';
import { refuseInPool } from './poolChecks.ts';
import { associateHotkey, isOwnedByAnother } from './registration.ts';
import { storage } from './storage.ts';
import { subnetIdentity } from './structs.ts';
import { initNewNetwork, STABLE, writeOwner, writePool } from './subnetCreation.ts';
import { subnetExists, subnetsInOrder } from './subnets.ts';

const INITIAL_TEMPO_BLOCKS = 360;
/** Fast-runtime builds start with short tempos. */
const FAST_TEMPO_BLOCKS = 10;
const LAST_REGISTERED = { tag: 'NetworkLastRegistered' } as const;
/** Bytes of the fields of an identity, in their order (`is_valid_subnet_identity`). */
const MAX_IDENTITY_BYTES = [256, 1024, 1024, 1024, 256, 1024, 1024, 1024];

type Identity = ValueOf<typeof subnetIdentity>;

/**
 * rao to lock for the next subnet: twice the last lock, falling by a line to nothing over NetworkLockReductionInterval
 * blocks per lock, and at least NetworkMinLockCost. The first costs the last lock as it stands.
 */
export const networkLockCost = (ctx: ReadContext): bigint => {
  const last = ctx.get(storage.NetworkLastLockCost);
  const lastBlock = ctx.get(storage.LastRateLimitedBlock, LAST_REGISTERED);
  const factor = lastBlock === 0n ? 1n : 2n;
  const interval = ctx.get(storage.NetworkLockReductionInterval);
  const perBlock = interval === 0n ? 0n : last / interval;
  const cost = last * factor - perBlock * (BigInt(ctx.block) - lastBlock);
  const floor = ctx.get(storage.NetworkMinLockCost);
  return cost < floor ? floor : cost;
};

const ensureNetworkRate = (ctx: ReadContext): void => {
  const last = ctx.get(storage.LastRateLimitedBlock, LAST_REGISTERED);
  if (last !== 0n && BigInt(ctx.block) - last < ctx.get(storage.NetworkRateLimit)) {
    throw new ModuleError(errors.NetworkTxRateLimitExceeded);
  }
};

const isValidIdentity = (identity: Identity): boolean =>
  Object.values(identity).every((field, i) => field.length <= (MAX_IDENTITY_BYTES[i] ?? 0));

type Registration = {
  readonly hotkey: Uint8Array;
  readonly coldkey: Uint8Array;
  readonly identity: Identity | undefined;
};

const ensureRegistrable = (ctx: ReadContext, registration: Registration): void => {
  if (isOwnedByAnother(ctx, registration)) {
    throw new ModuleError(errors.NonAssociatedColdKey);
  }
  ensureNetworkRate(ctx);
  if (registration.identity !== undefined && !isValidIdentity(registration.identity)) {
    throw new ModuleError(errors.InvalidIdentity);
  }
  if (subnetsInOrder(ctx).length >= ctx.get(storage.SubnetLimit)) {
    throw new ModuleError(errors.SubnetLimitReached);
  }
  if (freeBalance(ctx, registration.coldkey) < networkLockCost(ctx) + EXISTENTIAL_DEPOSIT) {
    throw new ModuleError(errors.CannotAffordLockCost);
  }
};

/** The lowest netuid from 1 that no subnet has. */
const nextNetuid = (ctx: ReadContext): number => {
  let netuid = 1;
  while (subnetExists(ctx, netuid)) {
    netuid += 1;
  }
  return netuid;
};

const create = (ctx: Context, { hotkey, coldkey, identity }: Registration): void => {
  const lockRao = networkLockCost(ctx);
  const netuid = nextNetuid(ctx);
  const isFast = ctx.get(storage.DevnetAllowShortTempo);
  const block = BigInt(ctx.block);
  withdraw(ctx, coldkey, lockRao);
  initNewNetwork(ctx, netuid, isFast ? FAST_TEMPO_BLOCKS : INITIAL_TEMPO_BLOCKS);
  ctx.put(storage.TotalNetworks, ctx.get(storage.TotalNetworks) + 1);
  ctx.put(storage.NetworkLastLockCost, lockRao);
  ctx.put(storage.LastRateLimitedBlock, LAST_REGISTERED, block);
  associateHotkey(ctx, hotkey, coldkey);
  appendNeuron(ctx, netuid, hotkey);
  ctx.put(storage.NetworkRegisteredAt, netuid, block);
  ctx.put(storage.RegisteredSubnetCounter, netuid, ctx.get(storage.RegisteredSubnetCounter, netuid) + 1n);
  // All of the lock becomes the pool, with as much alpha: the price is 1
  writePool(ctx, { netuid, taoRao: lockRao, alphaRao: lockRao });
  ctx.put(storage.SubnetLocked, netuid, lockRao);
  writeOwner(ctx, { netuid, coldkey, hotkey });
  if (identity !== undefined) {
    ctx.put(storage.SubnetIdentitiesV3, netuid, identity);
    ctx.emit(events.SubnetIdentitySet, [netuid]);
  }
  ctx.emit(events.NetworkAdded, [netuid, STABLE]);
};

const registerNetwork = (
  ctx: Context,
  args: { readonly hotkey: Uint8Array; readonly identity: Identity | undefined },
  origin: Origin,
): void => {
  const registration = { ...args, coldkey: ensureSigned(origin) };
  ensureRegistrable(ctx, registration);
  create(ctx, registration);
};

/** Lets a subnet emit alpha and be staked to, from the next block on. */
const start = (ctx: Context, netuid: number, origin: Origin): void => {
  if (!subnetExists(ctx, netuid)) {
    throw new ModuleError(errors.SubnetNotExists);
  }
  ensureOwner(ctx, origin, netuid);
  if (ctx.has(storage.FirstEmissionBlockNumber, netuid)) {
    throw new ModuleError(errors.FirstEmissionBlockNumberAlreadySet);
  }
  const allowedFrom = ctx.get(storage.NetworkRegisteredAt, netuid) + ctx.get(storage.StartCallDelay);
  if (BigInt(ctx.block) < allowedFrom) {
    throw new ModuleError(errors.NeedWaitingMoreBlocksToStarCall);
  }
  const first = BigInt(ctx.block) + 1n;
  ctx.put(storage.FirstEmissionBlockNumber, netuid, first);
  ctx.put(storage.SubtokenEnabled, netuid, true);
  ctx.emit(events.FirstEmissionBlockNumberSet, [netuid, first]);
};

const checkInPool = (ctx: ReadContext) => refuseInPool(() => ensureNetworkRate(ctx));

export const networkCalls = {
  register_network: call({
    index: 59,
    args: { hotkey: accountId },
    pays: true,
    checkInPool,
    dispatch: (ctx, { hotkey }, origin) => registerNetwork(ctx, { hotkey, identity: undefined }, origin),
  }),
  register_network_with_identity: call({
    index: 79,
    args: { hotkey: accountId, identity: option(subnetIdentity) },
    pays: true,
    checkInPool,
    dispatch: registerNetwork,
  }),
  start_call: call({
    index: 92,
    args: { netuid: u16 },
    pays: true,
    dispatch: (ctx, { netuid }, origin) => start(ctx, netuid, origin),
  }),
};
