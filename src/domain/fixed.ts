/**
 * The chain's fixed-point arithmetic, bit for bit (crate `substrate_fixed`; pallets/subtensor/src/epoch/math).
 *
 * An {@link I32F32} is held as its bits (value × 2^32) in a JavaScript number. Everything Yuma computes lies below
 * 2^21, so the bits are exact integers below 2^53; a result outside that range throws instead of losing digits. The
 * fast paths use doubles only where every intermediate is an integer below 2^53, and fall back to bigint elsewhere.
 */

/** Bits of a signed fixed-point number with 32 fraction bits: value × 2^32, a safe integer. */
export type I32F32 = number;
/** Bits of a signed fixed-point number with 64 fraction bits: value × 2^64. */
export type I64F64 = bigint;

export const ONE: I32F32 = 4_294_967_296;
const U16_MAX = 65_535;

/** Operands of at most 4 (bits ≤ 2^34) keep both partial products of `multiply` below 2^53. */
const MULTIPLY_LIMIT = 2 ** 34;
/** Divisors of at most 32 (bits ≤ 2^37) keep `remainder × 2^16` below 2^53. */
const DIVISOR_LIMIT = 2 ** 37;

const toSafe = (bits: bigint): number => {
  const value = Number(bits);
  if (!Number.isSafeInteger(value)) {
    throw new RangeError(`fixed-point value ${bits} leaves the exact range of 53 bits`);
  }
  return value;
};

/** floor(a × b / 2^32); rounds towards minus infinity for negative products, as the chain's shift does. */
export const multiply = (a: I32F32, b: I32F32): I32F32 => {
  if (a >= 0 && b >= 0 && a <= MULTIPLY_LIMIT && b <= MULTIPLY_LIMIT) {
    const high = Math.floor(a / 65_536);
    const low = a - high * 65_536;
    return Math.floor((high * b + Math.floor((low * b) / 65_536)) / 65_536);
  }
  return toSafe((BigInt(a) * BigInt(b)) >> 32n);
};

/** a / b truncated to 32 fraction bits; 0 when b is 0 (`safe_div`). */
export const divide = (a: I32F32, b: I32F32): I32F32 => {
  if (b === 0) {
    return 0;
  }
  if (a < 0 || b < 0 || b > DIVISOR_LIMIT) {
    return toSafe((BigInt(a) << 32n) / BigInt(b));
  }
  const remainder = a % b;
  const whole = (a - remainder) / b;
  const first = remainder * 65_536;
  const firstRest = first % b;
  const second = firstRest * 65_536;
  const digits = ((first - firstRest) / b) * 65_536 + (second - (second % b)) / b;
  return whole < 2_097_151 ? whole * ONE + digits : toSafe(BigInt(whole) * 4_294_967_296n + BigInt(digits));
};

/** a / b of non-negative integers (a below 2^21) as I32F32: the bits dividing them as I32F32 gives, in 53 bits. */
export const ratio = (a: number, b: number): I32F32 => {
  if (b === 0) {
    return 0;
  }
  const scaled = a * ONE;
  return (scaled - (scaled % b)) / b;
};

/** floor(x × 65535) clamped to 0..65535: how every share is stored (`fixed_proportion_to_u16`). */
export const proportionToU16 = (x: I32F32): number => {
  if (x <= 0) {
    return 0;
  }
  return x >= ONE ? U16_MAX : Math.floor((x * U16_MAX) / ONE);
};

/** value / 65535 as I32F32 (`u16_proportion_to_fixed`). */
export const u16Proportion = (value: number): I32F32 => ratio(value, U16_MAX);

export const total = (values: readonly I32F32[]): I32F32 => {
  let sum = 0;
  for (const value of values) {
    sum += value;
  }
  return sum;
};

/** Each value divided by the sum; unchanged when the sum is 0. The result may sum to slightly less than 1. */
export const normalize = (values: readonly I32F32[]): I32F32[] => normalizeBy(values, total(values));

export const normalizeBy = (values: readonly I32F32[], sum: I32F32): I32F32[] =>
  sum === 0 ? [...values] : values.map((value) => divide(value, sum));

/** I64F64 values divided by their sum, then cut to 32 fraction bits; all 0 when the sum is 0. */
export const normalizeStakes = (stakes: readonly I64F64[]): I32F32[] => {
  const sum = stakes.reduce((acc, stake) => acc + stake, 0n);
  return stakes.map((stake) => (sum === 0n ? 0 : Number(((stake << 64n) / sum) >> 32n)));
};

/** floor(share × rao) through I96F32, as emissions are split. */
export const shareOf = (share: I32F32, rao: bigint): bigint => (BigInt(share) * rao) >> 32n;

/** substrate_fixed's E has 23 fraction bits: floor(e × 2^23), here shifted to 32. */
const E_BITS = 22_802_600n << 9n;
const ONE_BITS = 1n << 32n;
/** e^±20 still fits I32F32 (`exp_safe`). */
const EXPONENT_LIMIT = 20n << 32n;

/**
 * e^x in I32F32 by substrate_fixed's power series: terms 2..31, each multiplied, truncated, divided, truncated; the
 * reciprocal is taken for negative x. x is clamped to [-20, 20] (`exp_safe`). Bits in and out, since e^20 exceeds 53.
 */
export const exponential = (input: bigint): bigint => {
  const clamped = input > EXPONENT_LIMIT ? EXPONENT_LIMIT : input < -EXPONENT_LIMIT ? -EXPONENT_LIMIT : input;
  if (clamped === 0n) {
    return ONE_BITS;
  }
  if (clamped === ONE_BITS) {
    return E_BITS;
  }
  const operand = clamped < 0n ? -clamped : clamped;
  let result = operand + ONE_BITS;
  let term = operand;
  for (let i = 2n; i < 32n && term !== 0n; i += 1n) {
    term = ((term * operand) >> 32n) / i;
    result += term;
  }
  return clamped < 0n ? (ONE_BITS << 32n) / result : result;
};
