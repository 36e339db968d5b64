/** Rows of token ids in, probabilities out. Pure. */
import type { Outcome } from '../domain/outcome.ts';
import { fail, succeed } from '../domain/outcome.ts';

/** Token ids of one run: `rows` × `width`, row-major, padded on the right; `lengths` are the unpadded ones. */
export type PackedRows = {
  readonly rows: number;
  readonly width: number;
  readonly ids: Int32Array;
  readonly lengths: Int32Array;
};

/** Inputs of a text classifier as exporters name them. */
export const INPUT_NAMES = ['input_ids', 'attention_mask', 'token_type_ids'] as const;
export type InputName = (typeof INPUT_NAMES)[number];
export type IndexType = 'int64' | 'int32';

/** Single-label models give a distribution; multi-label models give independent probabilities. */
export type Activation = 'softmax' | 'sigmoid';

/** Pads to the longest row and no further: every padded token costs as much as a real one. */
export const packRows = (encodings: readonly Int32Array[], padId: number): PackedRows => {
  const width = encodings.reduce((longest, encoding) => Math.max(longest, encoding.length), 0);
  const ids = new Int32Array(encodings.length * width).fill(padId);
  const lengths = new Int32Array(encodings.length);
  encodings.forEach((encoding, row) => {
    ids.set(encoding, row * width);
    lengths[row] = encoding.length;
  });
  return { rows: encodings.length, width, ids, lengths };
};

/** Values of one model input. Segment ids are all 0: every text here is a single segment. */
const inputValues = (name: InputName, packed: PackedRows): Int32Array => {
  if (name === 'input_ids') return packed.ids;
  const values = new Int32Array(packed.rows * packed.width);
  if (name === 'attention_mask') {
    packed.lengths.forEach((length, row) => {
      values.fill(1, row * packed.width, row * packed.width + length);
    });
  }
  return values;
};

/** The same in the element type that the graph declares; the runtime refuses any other. */
export const inputData = (
  name: InputName,
  elementType: IndexType,
  packed: PackedRows,
): BigInt64Array | Int32Array => {
  const values = inputValues(name, packed);
  return elementType === 'int32' ? values : BigInt64Array.from(values, BigInt);
};

/** exp(x - max) / sum: the largest exponent is 0, so no finite logit overflows. */
export const softmax = (logits: Float32Array): readonly number[] => {
  const largest = logits.reduce((max, logit) => Math.max(max, logit), Number.NEGATIVE_INFINITY);
  const exponentials = Array.from(logits, (logit) => Math.exp(logit - largest));
  const sum = exponentials.reduce((total, value) => total + value, 0);
  return exponentials.map((value) => value / sum);
};

/** 1 / (1 + exp(-x)), written so that exp never overflows. */
export const sigmoid = (logits: Float32Array): readonly number[] =>
  Array.from(logits, (logit) => {
    const small = Math.exp(-Math.abs(logit));
    return logit >= 0 ? 1 / (1 + small) : small / (1 + small);
  });

/**
 * Probabilities of one row of a run's output, one per label.
 *
 * `logits` holds `rows` × `labels` values. A wrong size or a NaN or infinite logit is a failure, never a number.
 */
export const rowProbabilities = (options: {
  readonly logits: Float32Array;
  readonly row: number;
  readonly labels: number;
  readonly activation: Activation;
}): Outcome<readonly number[], string> => {
  const values = options.logits.subarray(options.row * options.labels, (options.row + 1) * options.labels);
  if (values.length !== options.labels) {
    return fail(`the model gave ${values.length} of ${options.labels} logits for row ${options.row}`);
  }
  if (!values.every(Number.isFinite)) return fail('the model gave a logit that is not a finite number');
  return succeed(options.activation === 'softmax' ? softmax(values) : sigmoid(values));
};
