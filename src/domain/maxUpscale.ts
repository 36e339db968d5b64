const U16_MAX = 65_535n;
const ONE = 1n << 32n;
/** Above this maximum value × 65535 would overflow I32F32, so the chain divides first. */
const DIVIDE_FIRST_ABOVE = 32_768n << 32n;

/** Rounded half away from zero (inputs are non-negative), clamped to u16. */
const roundToU16 = (bits: bigint): number => {
  const rounded = (bits + ONE / 2n) >> 32n;
  return Number(rounded > U16_MAX ? U16_MAX : rounded);
};

/**
 * Scales non-negative I32F32 bits so that the largest becomes 65535; all zeros stay zeros.
 *
 * Source: `vec_max_upscale_to_u16`, pallets/subtensor/src/epoch/math.
 */
export const maxUpscaleFixed = (bits: readonly bigint[]): number[] => {
  let max = 0n;
  for (const value of bits) {
    if (value > max) {
      max = value;
    }
  }
  if (max === 0n) {
    return bits.map(() => 0);
  }
  if (max > DIVIDE_FIRST_ABOVE) {
    const factor = ((U16_MAX << 32n) << 32n) / max;
    return bits.map((value) => roundToU16((value * factor) >> 32n));
  }
  return bits.map((value) => roundToU16(((value * U16_MAX) << 32n) / max));
};

/** The chain's rescaling of the u16 weights in `set_weights`, before they are stored. */
export const maxUpscale = (weights: readonly number[]): number[] =>
  maxUpscaleFixed(weights.map((weight) => BigInt(weight) << 32n));
