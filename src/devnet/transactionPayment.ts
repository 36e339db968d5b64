/** Pallet TransactionPayment: what a call costs, and taking it from the signer. */

import { deposit, freeBalance, withdraw } from './balances.ts';
import { accountId } from './chainTypes.ts';
import { BASE_EXTRINSIC_REF_TIME_PS } from './limits.ts';
import { type Context, constant, definePallet, event, type ReadContext, storageValue } from './pallet.ts';
import { newtype, u8, u64, u128 } from './scale.ts';

/** FixedU128 of 1: subtensor never adjusts fees to the load. */
const ONE = 1_000_000_000_000_000_000n;
/** Weight fee: 1 rao for 2000 ps (Perbill 500_000), length fee: 1 rao per byte. */
const PS_PER_RAO = 2_000n;
const RAO_PER_BYTE = 1n;
/** Weight of calls that declare none: 100 µs. */
const DEFAULT_REF_TIME_PS = 100_000_000n;

const storage = {
  NextFeeMultiplier: storageValue(newtype('sp_arithmetic::fixed_point::FixedU128', u128), ONE),
};
const events = {
  TransactionFeePaid: event(0, { who: accountId, actualFee: u64, tip: u64 }),
};

export const transactionPayment = definePallet({
  name: 'TransactionPayment',
  index: 6,
  storage,
  events,
  constants: { OperationalFeeMultiplier: constant(u8, 5) },
});

type Priced = { readonly pays: boolean; readonly refTimePs?: bigint };
export const refTimeOf = (call: Priced): bigint => call.refTimePs ?? DEFAULT_REF_TIME_PS;

/** rao; undefined for a call that does not pay. */
export type InclusionFee = { readonly baseFee: bigint; readonly lenFee: bigint; readonly weightFee: bigint };
export const inclusionFee = (call: Priced, lengthBytes: number): InclusionFee | undefined =>
  call.pays
    ? {
        baseFee: BASE_EXTRINSIC_REF_TIME_PS / PS_PER_RAO,
        lenFee: BigInt(lengthBytes) * RAO_PER_BYTE,
        weightFee: refTimeOf(call) / PS_PER_RAO,
      }
    : undefined;
export const totalFee = (call: Priced, lengthBytes: number): bigint => {
  const fee = inclusionFee(call, lengthBytes);
  return fee === undefined ? 0n : fee.baseFee + fee.lenFee + fee.weightFee;
};

export const canPay = (ctx: ReadContext, account: Uint8Array, amount: bigint): boolean =>
  amount === 0n || freeBalance(ctx, account) >= amount;

export type Charge = {
  readonly account: Uint8Array;
  readonly author: Uint8Array;
  /** rao, without the tip */
  readonly fee: bigint;
  readonly tip: bigint;
};
/** Moves fee and tip to the block's author; `canPay` has been asked before. */
export const charge = (ctx: Context, { account, author, fee, tip }: Charge): void => {
  withdraw(ctx, account, fee + tip, false);
  deposit(ctx, author, fee + tip);
};
export const reportFee = (ctx: Context, { account, fee, tip }: Charge): void => {
  if (fee + tip > 0n) ctx.emit(events.TransactionFeePaid, { who: account, actualFee: fee + tip, tip });
};
