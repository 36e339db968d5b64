import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import { type PlainValue, requireBounded } from './pickleBounds.ts';
import { PickleDefect, pickleBytes } from './pickleReader.ts';
import { type Machine, pop, steps } from './pickleSteps.ts';

export type { PlainValue } from './pickleBounds.ts';

export type PickleLimits = {
  readonly maxBytes: number;
  /** Containers within containers. */
  readonly maxDepth: number;
  /** Opcodes. */
  readonly maxSteps: number;
  /** Bytes of the unfolded value: characters, and 8 to 16 for each part. */
  readonly maxWeight: number;
};

/** A state of the original with 200,000 used task ids has about 10 MB. */
export const defaultPickleLimits: PickleLimits = {
  maxBytes: 16_777_216,
  maxDepth: 64,
  maxSteps: 4_000_000,
  maxWeight: 268_435_456,
};

/** Nothing was made of the pickle; `reason` says what stood in the way. */
export type PickleRefused = { readonly _tag: 'PickleRefused'; readonly reason: string };

const STOP = 0x2e;

const named = (opcode: number): string =>
  `0x${opcode.toString(16).padStart(2, '0')}${opcode > 0x20 && opcode < 0x7f ? ` (${String.fromCharCode(opcode)})` : ''}`;

const run = (bytes: Uint8Array, limits: PickleLimits): PlainValue => {
  const machine: Machine = { bytes: pickleBytes(bytes), stack: [], memo: new Map(), room: limits.maxWeight };
  for (let count = 0; count < limits.maxSteps; count += 1) {
    const opcode = machine.bytes.u8();
    if (opcode === STOP) {
      const value = pop(machine);
      requireBounded(value, limits);
      return value;
    }
    const step = steps.get(opcode);
    if (step === undefined)
      throw new PickleDefect(`opcode ${named(opcode)} is not accepted: only plain data is read`);
    step(machine);
  }
  throw new PickleDefect(`it has more than ${limits.maxSteps} steps`);
};

/**
 * Reads a pickle of Python (protocols 0 to 5) that holds nothing but plain data. It builds values of JavaScript and
 * never an object of a class: opcodes that would are refused, and so are names other than those of a few plain types.
 * Bounded in bytes, steps, depth and unfolded size, because whoever can write to a Redis could have written it.
 */
export const readPickle = (
  bytes: Uint8Array,
  limits: PickleLimits = defaultPickleLimits,
): Outcome<PlainValue, PickleRefused> => {
  const refused = (reason: string) => fail<PickleRefused>({ _tag: 'PickleRefused', reason });
  if (bytes.length > limits.maxBytes)
    return refused(`it has ${bytes.length} bytes, at most ${limits.maxBytes} are read`);
  try {
    return succeed(run(bytes, limits));
  } catch (cause) {
    if (cause instanceof PickleDefect) return refused(cause.message);
    throw cause;
  }
};
