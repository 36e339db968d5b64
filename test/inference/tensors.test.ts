import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { inputData, packRows, rowProbabilities, sigmoid, softmax } from '#src/inference/tensors.ts';

const logitRows = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), {
  minLength: 2,
  maxLength: 40,
});
const PAD = 7;

describe('inference / tensors', () => {
  it('pads rows on the right to the longest and no further', () => {
    const packed = packRows([Int32Array.of(1, 2, 3), Int32Array.of(4), Int32Array.of(5, 6)], PAD);
    expect(packed).toEqual({
      rows: 3,
      width: 3,
      ids: Int32Array.of(1, 2, 3, 4, PAD, PAD, 5, 6, PAD),
      lengths: Int32Array.of(3, 1, 2),
    });
  });

  it('gives ids, mask and segments in the element type that the graph declares', () => {
    const packed = packRows([Int32Array.of(1, 2), Int32Array.of(3)], PAD);
    expect(inputData('input_ids', 'int64', packed)).toEqual(BigInt64Array.of(1n, 2n, 3n, 7n));
    expect(inputData('attention_mask', 'int64', packed)).toEqual(BigInt64Array.of(1n, 1n, 1n, 0n));
    expect(inputData('token_type_ids', 'int64', packed)).toEqual(BigInt64Array.of(0n, 0n, 0n, 0n));
    expect(inputData('attention_mask', 'int32', packed)).toEqual(Int32Array.of(1, 1, 1, 0));
  });

  it('makes any finite logits a distribution', () => {
    fc.assert(
      fc.property(logitRows, (logits) => {
        const probabilities = softmax(Float32Array.from(logits));
        expect(probabilities.every((value) => value >= 0 && value <= 1)).toBe(true);
        expect(probabilities.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 9);
      }),
    );
  });

  it('keeps the order of the logits', () => {
    expect(softmax(Float32Array.of(0, Math.log(3)))[1]).toBeCloseTo(0.75, 6);
    expect(softmax(Float32Array.of(3e38, -3e38))).toEqual([1, 0]);
    expect(sigmoid(Float32Array.of(0, 1_000, -1_000))).toEqual([0.5, 1, 0]);
  });

  it('reads the wanted row and refuses what is not a full row of finite numbers', () => {
    const logits = Float32Array.of(1, 1, 0, Math.log(3), Number.NaN, 0, 1);
    const read = (row: number) => rowProbabilities({ logits, row, labels: 2, activation: 'softmax' });
    expect(read(0)).toEqual({ ok: true, value: [0.5, 0.5] });
    expect(read(1)).toMatchObject({ ok: true, value: [expect.closeTo(0.25, 6), expect.closeTo(0.75, 6)] });
    expect(read(2)).toEqual({ ok: false, error: 'the model gave a logit that is not a finite number' });
    expect(read(3)).toEqual({ ok: false, error: 'the model gave 1 of 2 logits for row 3' });
    expect(read(4)).toMatchObject({ ok: false });
    const infinite = Float32Array.of(Number.POSITIVE_INFINITY, 0);
    expect(rowProbabilities({ logits: infinite, row: 0, labels: 2, activation: 'sigmoid' }).ok).toBe(false);
  });
});
