import type { I64F64 } from './fixed.ts';

const U64_MAX = 18_446_744_073_709_551_615n;

/** TaoWeight storage value (fraction of 2^64 − 1) cut to 32 fraction bits, as U96F32 keeps it. */
const taoWeightBits = (taoWeight: bigint): bigint => (taoWeight << 32n) / U64_MAX;

/**
 * Stake weight of a hotkey on a subnet: own alpha plus root TAO times the TAO weight.
 *
 * @param alphaRao alpha on the subnet, after inheritance between parents and children
 * @param taoRao root TAO, after the same inheritance
 * @param taoWeight `TaoWeight` storage value
 * @returns I64F64 bits of a rao amount
 * Source: `get_stake_weights_for_hotkey_on_subnet`, pallets/subtensor/src/staking/stake_utils.rs.
 */
export const stakeWeight = (options: {
  readonly alphaRao: bigint;
  readonly taoRao: bigint;
  readonly taoWeight: bigint;
}): I64F64 => (options.alphaRao << 64n) + options.taoRao * (taoWeightBits(options.taoWeight) << 32n);

/** Whole rao of a stake weight; what is compared with `StakeThreshold`. */
export const stakeWeightRao = (bits: I64F64): bigint => bits >> 64n;
