import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { divide, exponential, multiply, ONE, proportionToU16, ratio, shareOf } from '#src/domain/fixed.ts';
import { maxUpscale, maxUpscaleFixed } from '#src/domain/maxUpscale.ts';
import { stakeWeight, stakeWeightRao } from '#src/domain/stakeWeight.ts';
import { weightedMedian, weightedMedianColumns } from '#src/domain/weightedMedian.ts';

const bits = (value: number): number => Math.round(value * ONE);
const share = fc.oneof(fc.integer({ min: 0, max: ONE }), fc.bigInt(0n, 1n << 34n).map(Number));

describe('domain / fixed', () => {
  it('multiplies like the 128-bit shift', () => {
    fc.assert(
      fc.property(share, share, (a, b) => {
        expect(multiply(a, b)).toBe(Number((BigInt(a) * BigInt(b)) >> 32n));
      }),
    );
  });

  it('rounds negative products down', () => {
    expect(multiply(3, -1)).toBe(-1);
    expect(multiply(ONE, -5)).toBe(-5);
  });

  it('divides like the 128-bit quotient', () => {
    const divisor = fc.bigInt(1n, 1n << 40n).map(Number);
    fc.assert(
      fc.property(share, divisor, (a, b) => {
        const exact = (BigInt(a) << 32n) / BigInt(b);
        if (exact < 1n << 53n) {
          expect(divide(a, b)).toBe(Number(exact));
        } else {
          expect(() => divide(a, b)).toThrow(RangeError);
        }
      }),
    );
  });

  it('takes ratios of integers like dividing fixed-point integers', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 65_535 }), fc.integer({ min: 1, max: 2 ** 24 }), (a, b) => {
        expect(ratio(a, b)).toBe(Number((BigInt(a) << 64n) / (BigInt(b) << 32n)));
      }),
    );
  });

  it('gives 0 for a division by 0', () => {
    expect(divide(ONE, 0)).toBe(0);
    expect(ratio(7, 0)).toBe(0);
  });

  it('stores shares as floors of 65535', () => {
    expect([0, ONE, ONE - 1, ONE / 2, -5, 2 * ONE].map(proportionToU16)).toEqual([
      0, 65_535, 65_534, 32_767, 0, 65_535,
    ]);
  });

  it('splits rao by flooring', () => {
    expect(shareOf(ONE, 1_000_000_007n)).toBe(1_000_000_007n);
    expect(shareOf(ratio(1, 3), 10n)).toBe(3n);
  });

  it('computes e^x within the error of a truncated series', () => {
    for (const x of [-20, -10, -5, -0.5, 0, 0.25, 1, 2, 5, 20]) {
      const value = Number(exponential(BigInt(bits(x)))) / ONE;
      const tolerance = Math.max(1e-7, Math.exp(x) * 1e-2);
      expect(Math.abs(value - Math.exp(x))).toBeLessThan(tolerance);
    }
  });

  it('uses the short constant for e^1, as the crate does', () => {
    expect(exponential(1n << 32n)).toBe(22_802_600n << 9n);
  });

  it('clamps exponents to 20', () => {
    expect(exponential(50n << 32n)).toBe(exponential(20n << 32n));
  });
});

describe('domain / maxUpscale', () => {
  it('scales u16 weights to a maximum of 65535', () => {
    expect(maxUpscale([0, 1, 65_534])).toEqual([0, 1, 65_535]);
    expect(maxUpscale([1])).toEqual([65_535]);
    expect(maxUpscale([0, 0])).toEqual([0, 0]);
    expect(maxUpscale([])).toEqual([]);
    expect(maxUpscale([10, 20])).toEqual([32_768, 65_535]);
  });

  it('reproduces the vectors of the pallet tests', () => {
    const fixed = (values: readonly number[]): bigint[] => values.map((value) => BigInt(bits(value)));
    expect(maxUpscaleFixed(fixed([0, 0.5, 1, 1.5, 2, 32_768]))).toEqual([0, 1, 2, 3, 4, 65_535]);
    expect(maxUpscaleFixed(fixed([1e-6, 6e-6, 7e-6, 1e-4, 1e-3, 0.01, 0.1, 0.2, 0.3, 0.4]))).toEqual([
      0, 1, 1, 16, 164, 1638, 16_384, 32_768, 49_151, 65_535,
    ]);
  });

  it('keeps weights that are already scaled', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 65_535 }), { maxLength: 32 }), (weights) => {
        expect(maxUpscale([...weights, 65_535])).toEqual([...weights, 65_535]);
      }),
    );
  });
});

describe('domain / weightedMedian', () => {
  const columns = [
    [0, 0.1, 0],
    [0, 0.2, 0.4],
    [0, 0.3, 0.1],
    [0, 0.4, 0.5],
  ].map((row) => row.map((value, j) => [j, bits(value)] as const));
  const medians = (kappa: number): number[] =>
    weightedMedianColumns({
      stake: [0, 0.75, 0.25, 0].map(bits),
      rows: columns,
      columns: 3,
      majority: bits(kappa),
    });

  it('finds the largest weight backed by kappa of the stake', () => {
    expect(medians(0.24)).toEqual([0, 0.3, 0.4].map(bits));
    expect(medians(0.26)).toEqual([0, 0.2, 0.4].map(bits));
    expect(medians(0.76)).toEqual([0, 0.2, 0.1].map(bits));
  });

  it('resolves ties upwards', () => {
    const median = (stake: number[], score: number[], kappa: number): number =>
      weightedMedian(
        stake.map(bits),
        score.map(bits),
        stake.reduce((sum, value) => sum + bits(value), 0) - bits(kappa),
      );
    expect(median([0.49, 0.51], [0.5, 1], 0.51)).toBe(bits(1));
    expect(median([0.51, 0.49], [0.5, 1], 0.51)).toBe(bits(0.5));
    expect(median([0.49, 0.01, 0.5], [0.5, 0.7, 1], 0.51)).toBe(bits(0.7));
  });

  it('is 0 without stake and the score of a lone validator', () => {
    expect(weightedMedian([], [], 0)).toBe(0);
    expect(weightedMedian([ONE], [bits(0.3)], 0)).toBe(bits(0.3));
  });
});

describe('domain / stakeWeight', () => {
  it('adds root TAO at the TAO weight', () => {
    const bitsOfStake = stakeWeight({
      alphaRao: 1_000_000_000_000n,
      taoRao: 10_000_000_000_000n,
      taoWeight: 971_718_665_099_567_868n,
    });
    expect(Number(stakeWeightRao(bitsOfStake)) / 1e9).toBeCloseTo(1526.7697, 3);
  });

  it('is the alpha alone without root stake', () => {
    expect(stakeWeightRao(stakeWeight({ alphaRao: 5n, taoRao: 0n, taoWeight: 1n << 60n }))).toBe(5n);
  });
});
