/** Pallet Balances: free balances in rao, the existential deposit, transfers. */
import { accountData, accountId, multiAddress } from './chainTypes.ts';
import {
  blake2,
  type Context,
  call,
  constant,
  DispatchFailure,
  declareErrors,
  definePallet,
  ensureSigned,
  event,
  type ReadContext,
  storageMap,
  storageValue,
} from './pallet.ts';
import { bool, compact, u64, type ValueOf } from './scale.ts';
import { accountOf, systemEvents, systemStorage } from './system.ts';

/** rao; an account with less is removed (subtensor runtime/src/lib.rs). */
export const EXISTENTIAL_DEPOSIT = 500n;

const storage = {
  TotalIssuance: storageValue(u64, 0n),
  InactiveIssuance: storageValue(u64, 0n),
  Account: storageMap([blake2(accountId)], accountData, {
    free: 0n,
    reserved: 0n,
    frozen: 0n,
    flags: 1n << 127n,
  }),
};
const who = { who: accountId, amount: u64 };
const events = {
  Endowed: event(0, { account: accountId, freeBalance: u64 }),
  DustLost: event(1, { account: accountId, amount: u64 }),
  Transfer: event(2, { from: accountId, to: accountId, amount: u64 }),
  BalanceSet: event(3, { who: accountId, free: u64 }),
  Deposit: event(7, who),
  Withdraw: event(8, who),
  Minted: event(10, who),
  Burned: event(11, who),
};
const errors = declareErrors({
  VestingBalance: 0,
  LiquidityRestrictions: 1,
  InsufficientBalance: 2,
  ExistentialDeposit: 3,
  Expendability: 4,
  ExistingVestingSchedule: 5,
  DeadAccount: 6,
  TooManyReserves: 7,
  TooManyHolds: 8,
  TooManyFreezes: 9,
  IssuanceDeactivated: 10,
  DeltaZero: 11,
});

/** Free rao of an account. */
export const freeBalance = (ctx: ReadContext, account: Uint8Array): bigint =>
  accountOf(ctx, account).data.free;
/** All rao in existence. */
export const totalIssuance = (ctx: ReadContext): bigint => ctx.get(storage.TotalIssuance);

const token = (kind: 'FundsUnavailable' | 'BelowMinimum' | 'NotExpendable'): DispatchFailure =>
  new DispatchFailure({ tag: 'Token', token: kind });

const issue = (ctx: Context, change: bigint): void =>
  ctx.put(storage.TotalIssuance, totalIssuance(ctx) + change);

const increase = (ctx: Context, account: Uint8Array, amount: bigint): void => {
  const info = accountOf(ctx, account);
  const free = info.data.free + amount;
  if (free < EXISTENTIAL_DEPOSIT) throw token('BelowMinimum');
  const isNew = info.providers === 0;
  ctx.put(systemStorage.Account, account, {
    ...info,
    providers: Math.max(info.providers, 1),
    data: { ...info.data, free },
  });
  if (!isNew) return;
  ctx.emit(systemEvents.NewAccount, { account });
  ctx.emit(events.Endowed, { account, freeBalance: free });
};

/** Takes from the free balance; what would remain below the existential deposit is lost with the account. */
const decrease = (ctx: Context, account: Uint8Array, amount: bigint, isKeptAlive: boolean): void => {
  const info = accountOf(ctx, account);
  const free = info.data.free - amount;
  if (free < 0n) throw token('FundsUnavailable');
  if (free >= EXISTENTIAL_DEPOSIT || amount === 0n) {
    ctx.put(systemStorage.Account, account, { ...info, data: { ...info.data, free } });
    return;
  }
  if (isKeptAlive) throw token('NotExpendable');
  ctx.remove(systemStorage.Account, account);
  ctx.emit(systemEvents.KilledAccount, { account });
  if (free === 0n) return;
  ctx.emit(events.DustLost, { account, amount: free });
  issue(ctx, -free);
};

/** Creates rao on an account, as emission does. Throws Token::BelowMinimum below the existential deposit. */
export const deposit = (ctx: Context, account: Uint8Array, amount: bigint): void => {
  if (amount === 0n) return;
  increase(ctx, account, amount);
  issue(ctx, amount);
  ctx.emit(events.Deposit, { who: account, amount });
};

/** Destroys rao of an account, as a recycled burn does. Throws Token::FundsUnavailable or NotExpendable. */
export const withdraw = (ctx: Context, account: Uint8Array, amount: bigint, isKeptAlive = true): void => {
  if (amount === 0n) return;
  decrease(ctx, account, amount, isKeptAlive);
  issue(ctx, -amount);
  ctx.emit(events.Withdraw, { who: account, amount });
};

type Transfer = { readonly from: Uint8Array; readonly to: Uint8Array; readonly amount: bigint };
/** Moves rao between accounts. Throws a `Token` failure. */
export const transfer = (ctx: Context, { from, to, amount }: Transfer, isKeptAlive: boolean): void => {
  decrease(ctx, from, amount, isKeptAlive);
  increase(ctx, to, amount);
  ctx.emit(events.Transfer, { from, to, amount });
};

/** The account of a call's address; CannotLookup for the kinds that subtensor does not use. */
export const lookup = (address: ValueOf<typeof multiAddress>): Uint8Array => {
  if (address.tag !== 'Id') throw new DispatchFailure({ tag: 'CannotLookup' });
  return address.value[0];
};

const transferArgs = { dest: multiAddress, value: compact(u64) };
const transferCall = (index: number, isKeptAlive: boolean) =>
  call({
    index,
    args: transferArgs,
    pays: true,
    dispatch: (ctx, { dest, value }, origin) =>
      transfer(ctx, { from: ensureSigned(origin), to: lookup(dest), amount: value }, isKeptAlive),
  });

export const balances = definePallet({
  name: 'Balances',
  index: 5,
  storage,
  events,
  errors,
  constants: { ExistentialDeposit: constant(u64, EXISTENTIAL_DEPOSIT) },
  calls: {
    transfer_allow_death: transferCall(0, false),
    transfer_keep_alive: transferCall(3, true),
    transfer_all: call({
      index: 4,
      args: { dest: multiAddress, keepAlive: bool },
      pays: true,
      dispatch: (ctx, { dest, keepAlive }, origin) => {
        const from = ensureSigned(origin);
        const amount = freeBalance(ctx, from) - (keepAlive ? EXISTENTIAL_DEPOSIT : 0n);
        transfer(ctx, { from, to: lookup(dest), amount }, keepAlive);
      },
    }),
  },
});
