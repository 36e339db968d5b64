/**
 * Inputs and outputs of an ONNX file, read without loading it.
 *
 * An ONNX file is one protobuf `ModelProto` (onnx/onnx.proto, onnx.ai). Only the graph's value infos are decoded;
 * weights are stepped over, so that a file of hundreds of megabytes costs a few reads and no memory.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

import type { Outcome } from '../domain/outcome.ts';
import { fail, succeed } from '../domain/outcome.ts';

/** A graph input or output. `dims` holds a number where the export fixed it, null where it is dynamic. */
export type TensorInfo = {
  readonly name: string;
  /** `TensorProto.DataType`: 1 float32, 6 int32, 7 int64, 10 float16. */
  readonly elementType: number;
  readonly dims: readonly (number | null)[];
};
export type OnnxHeader = { readonly inputs: readonly TensorInfo[]; readonly outputs: readonly TensorInfo[] };

/** Field numbers of onnx.proto. */
const MODEL = { graph: 7 } as const;
const GRAPH = { input: 11, output: 12 } as const;

/** A value info is a name and a shape; real ones have less than 200 bytes. */
const VALUE_INFO_LIMIT_BYTES = 16_384;
/** A graph this client serves has two or three inputs; old exports list every weight as one. */
const VALUE_INFO_LIMIT = 4_096;
const WINDOW_BYTES = 65_536;

/** Random access over bytes that may be a file: positions are absolute. */
type Source = { readonly end: number; readonly at: (position: number) => number };

class NotOnnx extends Error {}

const fileSource = (descriptor: number, end: number): Source => {
  const window = new Uint8Array(WINDOW_BYTES);
  let start = 0;
  let filled = 0;
  const at = (position: number): number => {
    if (position < start || position >= start + filled) {
      start = position;
      filled = readSync(descriptor, window, 0, WINDOW_BYTES, position);
    }
    const byte = window[position - start];
    if (byte === undefined || position >= start + filled)
      throw new NotOnnx('it ends in the middle of a field');
    return byte;
  };
  return { end, at };
};

/** Base-128 integer; lengths and enums here stay far below 2^53. */
const readVarint = (source: Source, from: number): { readonly value: number; readonly next: number } => {
  let value = 0;
  for (let index = 0; index < 10; index += 1) {
    const byte = source.at(from + index);
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return { value, next: from + index + 1 };
  }
  throw new NotOnnx('it has a number of more than ten bytes');
};

type Field = {
  readonly number: number;
  readonly varint: number;
  /** Position of the content and its end; equal for fields without content. */
  readonly from: number;
  readonly to: number;
};

const FIXED_BYTES: Readonly<Record<number, number>> = { 1: 8, 5: 4 };

/** Fields of the message in [from, to), without their content. */
function* fieldsOf(source: Source, from: number, to: number): Generator<Field> {
  let position = from;
  while (position < to) {
    const key = readVarint(source, position);
    const number = Math.floor(key.value / 8);
    const wireType = key.value % 8;
    if (number === 0) throw new NotOnnx('it has a field numbered 0');
    if (wireType === 0) {
      const { value, next } = readVarint(source, key.next);
      yield { number, varint: value, from: next, to: next };
      position = next;
      continue;
    }
    const length =
      wireType === 2 ? readVarint(source, key.next) : { value: FIXED_BYTES[wireType], next: key.next };
    if (length.value === undefined) throw new NotOnnx(`it has a field of wire type ${wireType}`);
    const end = length.next + length.value;
    if (end > to) throw new NotOnnx('it is cut off, or a field claims more bytes than there are');
    yield { number, varint: 0, from: length.next, to: end };
    position = end;
  }
}

const textOf = (source: Source, field: Field): string => {
  const bytes = Uint8Array.from({ length: field.to - field.from }, (_, index) =>
    source.at(field.from + index),
  );
  return new TextDecoder().decode(bytes);
};

/** The last field with that number, as protobuf wants it; undefined when absent. */
const lastField = (source: Source, within: Field, number: number): Field | undefined =>
  [...fieldsOf(source, within.from, within.to)].filter((field) => field.number === number).at(-1);

/** ValueInfoProto { name = 1, type = 2 { tensor_type = 1 { elem_type = 1, shape = 2 { dim = 1 { dim_value = 1 } } } } } */
const valueInfoOf = (source: Source, field: Field): TensorInfo => {
  if (field.to - field.from > VALUE_INFO_LIMIT_BYTES)
    throw new NotOnnx('it describes an input in too many bytes');
  const name = lastField(source, field, 1);
  const type = lastField(source, field, 2);
  const tensor = type && lastField(source, type, 1);
  const elementType = tensor && lastField(source, tensor, 1);
  const shape = tensor && lastField(source, tensor, 2);
  const dims =
    shape === undefined ? [] : [...fieldsOf(source, shape.from, shape.to)].filter((dim) => dim.number === 1);
  return {
    name: name === undefined ? '' : textOf(source, name),
    elementType: elementType?.varint ?? 0,
    dims: dims.map((dim) => lastField(source, dim, 1)?.varint ?? null),
  };
};

const headerOf = (source: Source): OnnxHeader => {
  const whole: Field = { number: 0, varint: 0, from: 0, to: source.end };
  const graph = lastField(source, whole, MODEL.graph);
  if (graph === undefined) throw new NotOnnx('it holds no graph');
  const inputs: TensorInfo[] = [];
  const outputs: TensorInfo[] = [];
  for (const field of fieldsOf(source, graph.from, graph.to)) {
    if (field.number === GRAPH.input) inputs.push(valueInfoOf(source, field));
    if (field.number === GRAPH.output) outputs.push(valueInfoOf(source, field));
    if (inputs.length + outputs.length > VALUE_INFO_LIMIT) throw new NotOnnx('it has too many inputs');
  }
  return { inputs, outputs };
};

const isLfsPointer = (source: Source): boolean =>
  [...'version https://git-lfs'].every(
    (letter, index) => index < source.end && source.at(index) === letter.charCodeAt(0),
  );

/**
 * Reads the inputs and outputs that a model file declares.
 *
 * Fails with the second half of a sentence about the file ("… it is cut off") when the bytes are not ONNX.
 */
export const readOnnxHeader = (path: string): Outcome<OnnxHeader, string> => {
  const descriptor = openSync(path, 'r');
  try {
    const source = fileSource(descriptor, fstatSync(descriptor).size);
    if (source.end === 0) return fail('it is empty');
    if (isLfsPointer(source)) {
      return fail(
        'it is a Git LFS pointer, not the model: run "git lfs pull" in the folder it was cloned to',
      );
    }
    return succeed(headerOf(source));
  } catch (error) {
    if (error instanceof NotOnnx) return fail(`it is not a whole ONNX file: ${error.message}`);
    throw error;
  } finally {
    closeSync(descriptor);
  }
};
