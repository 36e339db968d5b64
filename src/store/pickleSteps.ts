import type { PlainDict, PlainList, PlainValue } from './pickleBounds.ts';
import { knownName, PickleName, plainCall, type StackValue } from './pickleCalls.ts';
import {
  binaryInteger,
  decimalFloat,
  decimalInteger,
  type PickleBytes,
  PickleDefect,
  unescapeUnicode,
  unquote,
} from './pickleReader.ts';

/** Marks where the parts of a container begin. */
class Mark {}
const mark = new Mark();

export type Machine = {
  readonly bytes: PickleBytes;
  readonly stack: (StackValue | Mark)[];
  readonly memo: Map<number, StackValue>;
  /** What calls may still make, in bytes: each copies its argument, which the memo brings back as often as wanted. */
  room: number;
};

export type Step = (machine: Machine) => void;

const popAny = ({ stack }: Machine): StackValue => {
  const value = stack.pop();
  if (value === undefined || value instanceof Mark) throw new PickleDefect('it takes more than it put down');
  return value;
};

const plain = (value: StackValue | Mark | undefined): PlainValue => {
  if (value === undefined || value instanceof Mark) throw new PickleDefect('it takes more than it put down');
  if (value instanceof PickleName) throw new PickleDefect(`${value.name} stands where data should`);
  return value;
};

export const pop = (machine: Machine): PlainValue => plain(machine.stack.pop());

/** Everything above the last mark, which goes as well. */
const popToMark = ({ stack }: Machine): StackValue[] => {
  const from = stack.lastIndexOf(mark);
  if (from < 0) throw new PickleDefect('a mark is missing');
  const parts = stack.splice(from).slice(1);
  return parts as StackValue[];
};

const push = (machine: Machine, value: StackValue): void => {
  machine.stack.push(value);
};

const pushing =
  (read: (bytes: PickleBytes) => PlainValue): Step =>
  (machine) =>
    push(machine, read(machine.bytes));

const top = ({ stack }: Machine): PlainValue => plain(stack.at(-1));

const topList = (machine: Machine): PlainList => {
  const list = top(machine);
  if (!Array.isArray(list)) throw new PickleDefect('it appends to something that is no list');
  return list as PlainList;
};

const topDict = (machine: Machine): PlainDict => {
  const dict = top(machine);
  if (!(dict instanceof Map)) throw new PickleDefect('it sets a key of something that is no dict');
  return dict as PlainDict;
};

const fill = (dict: PlainDict, parts: readonly StackValue[]): void => {
  if (parts.length % 2 !== 0) throw new PickleDefect('a key has no value');
  for (let index = 0; index < parts.length; index += 2)
    dict.set(plain(parts[index]), plain(parts[index + 1]));
};

/** The arguments of a call may hold names; all other tuples are data, and the end of the reading checks them. */
const tupleOf =
  (count: number): Step =>
  (machine) => {
    const parts: StackValue[] = [];
    for (let index = 0; index < count; index += 1) parts.unshift(popAny(machine));
    push(machine, parts as PlainList);
  };

const remember = (machine: Machine, index: number): void => {
  const value = machine.stack.at(-1);
  if (value === undefined || value instanceof Mark) throw new PickleDefect('it remembers nothing');
  machine.memo.set(index, value);
};

const recall = (machine: Machine, index: number): void => {
  const value = machine.memo.get(index);
  if (value === undefined) throw new PickleDefect(`it recalls ${index}, which was never remembered`);
  push(machine, value);
};

const lineIndex = (bytes: PickleBytes): number => {
  const line = bytes.line();
  if (!/^\d{1,9}$/.test(line)) throw new PickleDefect('a place of the memo is no number');
  return Number(line);
};

const integerLine = (bytes: PickleBytes): PlainValue => {
  const line = bytes.line();
  // Protocols 0 and 1 write booleans so.
  if (line === '00' || line === '01') return line === '01';
  return decimalInteger(line);
};

const intoSet = (machine: Machine): void => {
  const parts = popToMark(machine);
  const set = top(machine);
  if (!(set instanceof Set)) throw new PickleDefect('it adds to something that is no set');
  for (const part of parts) (set as Set<PlainValue>).add(plain(part));
};

/** About what a result of a call takes in memory. */
const madeBytes = (made: PlainValue): number => {
  if (made instanceof Set || made instanceof Map) return 64 * (1 + made.size);
  return 64 + (made instanceof Uint8Array ? made.length : 0);
};

const call: Step = (machine) => {
  const args = popAny(machine);
  const made = plainCall(popAny(machine), args);
  machine.room -= madeBytes(made);
  if (machine.room < 0) throw new PickleDefect('it makes more than is accepted');
  push(machine, made);
};

const globalName: Step = (machine) => {
  const module = machine.bytes.line();
  push(machine, knownName(module, machine.bytes.line()));
};

const stackName: Step = (machine) => {
  const name = pop(machine);
  const module = pop(machine);
  if (typeof module !== 'string' || typeof name !== 'string') throw new PickleDefect('a name is no text');
  push(machine, knownName(module, name));
};

const protocol: Step = ({ bytes }) => {
  const version = bytes.u8();
  if (version > 5) throw new PickleDefect(`protocol ${version} is newer than 5`);
};

const nothing: Step = () => undefined;

const popInto = (machine: Machine): void => {
  const value = pop(machine);
  topList(machine).push(value);
};

const appendAll = (machine: Machine): void => {
  const parts = popToMark(machine);
  const list = topList(machine);
  for (const part of parts) list.push(plain(part));
};

const pushDict = (machine: Machine): void => {
  const dict: PlainDict = new Map();
  fill(dict, popToMark(machine));
  push(machine, dict);
};

const setItem = (machine: Machine): void => {
  const value = pop(machine);
  const key = pop(machine);
  topDict(machine).set(key, value);
};

const setItems = (machine: Machine): void => {
  const parts = popToMark(machine);
  fill(topDict(machine), parts);
};

/** By opcode (CPython, Lib/pickle.py). What is missing here would build objects, and is refused. */
export const steps: ReadonlyMap<number, Step> = new Map<number, Step>([
  [0x80, protocol],
  [0x95, ({ bytes }) => void bytes.u64()],
  [0x28, ({ stack }) => void stack.push(mark)],
  [0x30, (machine) => void (machine.stack.at(-1) === mark ? machine.stack.pop() : popAny(machine))],
  [0x31, (machine) => void popToMark(machine)],
  [0x32, (machine) => push(machine, top(machine))],
  [0x4e, pushing(() => null)],
  [0x88, pushing(() => true)],
  [0x89, pushing(() => false)],
  [0x49, pushing(integerLine)],
  [0x4c, pushing((bytes) => decimalInteger(bytes.line()))],
  [0x4a, pushing((bytes) => bytes.i32())],
  [0x4b, pushing((bytes) => bytes.u8())],
  [0x4d, pushing((bytes) => bytes.u16())],
  [0x8a, pushing((bytes) => binaryInteger(bytes.take(bytes.u8())))],
  [0x8b, pushing((bytes) => binaryInteger(bytes.take(bytes.i32())))],
  [0x46, pushing((bytes) => decimalFloat(bytes.line()))],
  [0x47, pushing((bytes) => bytes.f64())],
  [0x53, pushing((bytes) => unquote(bytes.line()))],
  [0x54, pushing((bytes) => Buffer.from(bytes.take(bytes.i32())).toString('latin1'))],
  [0x55, pushing((bytes) => Buffer.from(bytes.take(bytes.u8())).toString('latin1'))],
  [0x56, pushing((bytes) => unescapeUnicode(bytes.line()))],
  [0x58, pushing((bytes) => bytes.utf8(bytes.u32()))],
  [0x8c, pushing((bytes) => bytes.utf8(bytes.u8()))],
  [0x8d, pushing((bytes) => bytes.utf8(bytes.u64()))],
  [0x42, pushing((bytes) => bytes.take(bytes.u32()))],
  [0x43, pushing((bytes) => bytes.take(bytes.u8()))],
  [0x8e, pushing((bytes) => bytes.take(bytes.u64()))],
  [0x96, pushing((bytes) => bytes.take(bytes.u64()))],
  [0x5d, pushing(() => [])],
  [0x6c, (machine) => push(machine, popToMark(machine).map(plain))],
  [0x61, popInto],
  [0x65, appendAll],
  [0x29, pushing(() => [])],
  [0x74, (machine) => push(machine, popToMark(machine) as PlainList)],
  [0x85, tupleOf(1)],
  [0x86, tupleOf(2)],
  [0x87, tupleOf(3)],
  [0x7d, pushing(() => new Map())],
  [0x64, pushDict],
  [0x73, setItem],
  [0x75, setItems],
  [0x8f, pushing(() => new Set())],
  [0x90, intoSet],
  [0x91, (machine) => push(machine, new Set(popToMark(machine).map(plain)))],
  [0x70, (machine) => remember(machine, lineIndex(machine.bytes))],
  [0x71, (machine) => remember(machine, machine.bytes.u8())],
  [0x72, (machine) => remember(machine, machine.bytes.u32())],
  [0x94, (machine) => remember(machine, machine.memo.size)],
  [0x67, (machine) => recall(machine, lineIndex(machine.bytes))],
  [0x68, (machine) => recall(machine, machine.bytes.u8())],
  [0x6a, (machine) => recall(machine, machine.bytes.u32())],
  [0x63, globalName],
  [0x93, stackName],
  [0x52, call],
  [0x98, nothing],
]);
