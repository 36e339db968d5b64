/**
 * Writes small ONNX models: the handful of protobuf messages of onnx.proto that a graph needs, and no more.
 *
 * Written by hand because the alternatives bring megabytes of generated code to write a few kilobytes. ONNX operator
 * set 17, IR version 8; the field numbers are those of onnx/onnx.proto.
 */

/** `TensorProto.DataType`. */
export const ELEMENT = { float: 1, int32: 6, int64: 7 } as const;
export type ElementType = keyof typeof ELEMENT;

/** A dimension is a number, or a name where it is dynamic. */
export type ValueInfo = {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly (number | string)[];
};

export type Tensor = {
  readonly name: string;
  readonly dims: readonly number[];
} & (
  | { readonly type: 'float'; readonly values: readonly number[] | Float32Array }
  | { readonly type: 'int64'; readonly values: readonly number[] }
);

/** Attributes by value: a whole number is an int, a list of whole numbers ints; `{ tensor }` is a tensor. */
export type Attribute = number | readonly number[] | { readonly float: number } | { readonly tensor: Tensor };

export type Node = {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
};

export type Graph = {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly nodes: readonly Node[];
  readonly initializers: readonly Tensor[];
};

const IR_VERSION = 8;
const OPSET_VERSION = 17;
/** `AttributeProto.AttributeType`. */
const ATTRIBUTE = { float: 1, int: 2, tensor: 4, ints: 7 } as const;

const varint = (value: number): Buffer => {
  // Negative numbers are written as 64-bit two's complement, ten bytes long.
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
};

const number = (field: number, value: number): Buffer => Buffer.concat([varint(field * 8), varint(value)]);

const bytes = (field: number, content: Uint8Array): Buffer =>
  Buffer.concat([varint(field * 8 + 2), varint(content.length), content]);

const text = (field: number, value: string): Buffer => bytes(field, Buffer.from(value));

const message = (field: number, parts: readonly Buffer[]): Buffer => bytes(field, Buffer.concat(parts));

const rawFloats = (values: Iterable<number>): Buffer => {
  const floats = Float32Array.from(values);
  return Buffer.from(floats.buffer, floats.byteOffset, floats.byteLength);
};

const rawInts = (values: readonly number[]): Buffer =>
  Buffer.from(BigInt64Array.from(values, (value) => BigInt(value)).buffer);

/** TensorProto: dims = 1, data_type = 2, name = 8, raw_data = 9 (little endian). */
const tensorProto = (tensor: Tensor): readonly Buffer[] => [
  ...tensor.dims.map((dim) => number(1, dim)),
  number(2, ELEMENT[tensor.type]),
  text(8, tensor.name),
  bytes(9, tensor.type === 'float' ? rawFloats(tensor.values) : rawInts(tensor.values)),
];

/** AttributeProto: name = 1, f = 2, i = 3, t = 5, ints = 8, type = 20. */
const attributeProto = (name: string, value: Attribute): readonly Buffer[] => {
  if (typeof value === 'number') return [text(1, name), number(3, value), number(20, ATTRIBUTE.int)];
  if ('tensor' in value) {
    return [text(1, name), message(5, tensorProto(value.tensor)), number(20, ATTRIBUTE.tensor)];
  }
  if ('float' in value) {
    return [text(1, name), varint(2 * 8 + 5), rawFloats([value.float]), number(20, ATTRIBUTE.float)];
  }
  return [text(1, name), ...value.map((item) => number(8, item)), number(20, ATTRIBUTE.ints)];
};

/** NodeProto: input = 1, output = 2, name = 3, op_type = 4, attribute = 5. */
const nodeProto = (node: Node, index: number): readonly Buffer[] => [
  ...node.inputs.map((name) => text(1, name)),
  ...node.outputs.map((name) => text(2, name)),
  text(3, `${node.op}_${index}`),
  text(4, node.op),
  ...Object.entries(node.attributes ?? {}).map(([name, value]) => message(5, attributeProto(name, value))),
];

/** ValueInfoProto: name = 1, type = 2 { tensor_type = 1 { elem_type = 1, shape = 2 { dim = 1 { value = 1, param = 2 } } } }. */
const valueInfoProto = (value: ValueInfo): readonly Buffer[] => {
  const dims = value.dims.map((dim) => message(1, [typeof dim === 'number' ? number(1, dim) : text(2, dim)]));
  return [text(1, value.name), message(2, [message(1, [number(1, ELEMENT[value.type]), message(2, dims)])])];
};

/** ModelProto: ir_version = 1, producer_name = 2, graph = 7, opset_import = 8; GraphProto: node = 1, name = 2, initializer = 5, input = 11, output = 12. */
export const writeOnnx = (graph: Graph): Buffer =>
  Buffer.concat([
    number(1, IR_VERSION),
    text(2, 'miaoai-test'),
    message(7, [
      ...graph.nodes.map((node, index) => message(1, nodeProto(node, index))),
      text(2, 'graph'),
      ...graph.initializers.map((tensor) => message(5, tensorProto(tensor))),
      ...graph.inputs.map((value) => message(11, valueInfoProto(value))),
      ...graph.outputs.map((value) => message(12, valueInfoProto(value))),
    ]),
    message(8, [text(1, ''), number(2, OPSET_VERSION)]),
  ]);
