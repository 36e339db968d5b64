import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { defaultPickleLimits, type PlainValue, readPickle } from '#src/store/pickle.ts';

const read = (bytes: Uint8Array): PlainValue => {
  const outcome = readPickle(bytes);
  if (!outcome.ok) throw new Error(outcome.error.reason);
  return outcome.value;
};

const reasonOf = (bytes: Uint8Array, limits = defaultPickleLimits): string => {
  const outcome = readPickle(bytes, limits);
  return outcome.ok ? 'was read' : outcome.error.reason;
};

const latin1 = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const hex = (text: string): Uint8Array => Buffer.from(text, 'hex');

const hasPython = spawnSync('python3', ['-c', 'import pickle'], { stdio: 'ignore' }).status === 0;

/** Hex lines that real Python prints: the values of `expressions`, each in the protocols 0 to 5. */
const pickledByPython = (expressions: readonly string[]): readonly (readonly Uint8Array[])[] => {
  const program = [
    'import pickle, datetime, collections, sys, json',
    'for text in json.load(sys.stdin):',
    '    value = eval(text)',
    '    print(" ".join(pickle.dumps(value, protocol=p).hex() for p in range(6)))',
  ].join('\n');
  const { stdout } = spawnSync('python3', ['-c', program], {
    input: JSON.stringify(expressions),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' ').map((one) => hex(one)));
};

const samples: readonly (readonly [string, PlainValue])[] = [
  ['None', null],
  ['[True, False]', [true, false]],
  [
    '[0, 255, 256, 65535, 65536, -1, 2**31, -2**31, 2**40]',
    [0, 255, 256, 65535, 65536, -1, 2 ** 31, -(2 ** 31), 2 ** 40],
  ],
  ['[2**64, -2**70, 10**100]', [2n ** 64n, -(2n ** 70n), 10n ** 100n]],
  ['[1.5, -0.1, 1e300, float("inf"), float("nan")]', [1.5, -0.1, 1e300, Infinity, Number.NaN]],
  ['"plain"', 'plain'],
  ['"schön 日本 😀 \\\\ \\n \\u0000 end"', 'schön 日本 😀 \\ \n \0 end'],
  ['"x" * 300', 'x'.repeat(300)],
  ['b"\\x00\\xffab"', Uint8Array.from([0, 255, 97, 98])],
  ['b""', new Uint8Array()],
  ['()', []],
  ['(1,)', [1]],
  ['(1, "a", (2, 3), [4])', [1, 'a', [2, 3], [4]]],
  ['{}', new Map()],
  [
    '{"a": 1, 2: [3], (4, 5): None}',
    new Map<PlainValue, PlainValue>([
      ['a', 1],
      [2, [3]],
      [[4, 5], null],
    ]),
  ],
  ['{"one"}', new Set(['one'])],
  ['set()', new Set()],
  ['frozenset([1])', new Set([1])],
  [
    'collections.OrderedDict([("b", 1), ("a", 2)])',
    new Map([
      ['b', 1],
      ['a', 2],
    ]),
  ],
  ['collections.defaultdict(list, {"k": [1]})', new Map([['k', [1]]])],
  ['datetime.datetime(2025, 10, 15, 7, 8, 9, 120)', '2025-10-15T07:08:09.000120'],
  ['[["shared"]] * 2', [['shared'], ['shared']]],
  ['list(range(3000))', Array.from({ length: 3000 }, (_, index) => index)],
  [
    '{"assigned_tasks": {"5F": {"5G": ["t1", "t2"]}}, "file_positions": {"/data/tasks.json": 40}, "used_task_ids": ["t1", "t2"], "total_blocks_run": 7}',
    new Map<PlainValue, PlainValue>([
      ['assigned_tasks', new Map([['5F', new Map([['5G', ['t1', 't2']]])]])],
      ['file_positions', new Map([['/data/tasks.json', 40]])],
      ['used_task_ids', ['t1', 't2']],
      ['total_blocks_run', 7],
    ]),
  ],
];

describe('store / pickle', () => {
  it.skipIf(!hasPython)('reads what Python 3 writes in all six protocols', () => {
    const pickles = pickledByPython(samples.map(([expression]) => expression));
    for (const [index, [expression, expected]] of samples.entries()) {
      for (const [protocol, bytes] of (pickles[index] ?? []).entries()) {
        expect(read(bytes), `${expression} in protocol ${protocol}`).toEqual(expected);
      }
    }
    expect(pickles.flat()).toHaveLength(samples.length * 6);
  });

  it('reads pickles as bytes, without Python', () => {
    // {"file_positions": {"tasks.json": 40}, "used_task_ids": ["a", "b"]} in the protocols 0, 2 and 5.
    const expected = new Map<PlainValue, PlainValue>([
      ['file_positions', new Map([['tasks.json', 40]])],
      ['used_task_ids', ['a', 'b']],
    ]);
    const zero =
      '(dp0\nVfile_positions\np1\n(dp2\nVtasks.json\np3\nI40\nssVused_task_ids\np4\n(lp5\nVa\np6\naVb\np7\nas.';
    const two =
      '80027d710028580e00000066696c655f706f736974696f6e7371017d7102580a0000007461736b732e6a736f6e71034b2873580d000000757365645f7461736b5f69647371045d7105285801000000617106580100000062710765752e';
    const five =
      '80059544000000000000007d94288c0e66696c655f706f736974696f6e73947d948c0a7461736b732e6a736f6e944b28738c0d757365645f7461736b5f696473945d94288c0161948c01629465752e';
    expect(read(latin1(zero))).toEqual(expected);
    expect(read(hex(two))).toEqual(expected);
    expect(read(hex(five))).toEqual(expected);
    expect(read(latin1("S'it\\'s\\x21'\n."))).toBe("it's!");
    expect(read(latin1('U\x03abc.'))).toBe('abc');
  });

  it('calls nothing: names, objects, extensions and persistent ids are refused', () => {
    const hostile: readonly (readonly [string, string])[] = [
      ['cos\nsystem\n(S"touch /tmp/pwned"\ntR.', 'os.system'],
      ['\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.', 'builtins.eval'],
      ['(S"ls"\nios\nsystem\n.', 'opcode 0x69 (i)'],
      ['(cos\nsystem\nS"ls"\no.', 'os.system'],
      ['ccopyreg\n_reconstructor\n(tR.', 'copyreg._reconstructor'],
      ['Pid\n.', 'opcode 0x50 (P)'],
      ['NQ.', 'opcode 0x51 (Q)'],
      ['\x82\x01.', 'opcode 0x82'],
      ['}}b.', 'opcode 0x62 (b)'],
      ['cbuiltins\nset\n)\x81.', 'opcode 0x81'],
      ['cbuiltins\nset\n.', 'stands where data should'],
      ['cbuiltins\nset\n\x85.', 'a name stands where data should'],
      ['cbuiltins\nset\n(K\x01tR.', 'in a way that is not known here'],
      ['K\x01)R.', 'something that has no name'],
      ['\x97.', 'opcode 0x97'],
      ['\x80\x06N.', 'protocol 6 is newer'],
    ];
    for (const [bytes, reason] of hostile) expect(reasonOf(latin1(bytes)), bytes).toContain(reason);
  });

  it('refuses what is cut off or makes no sense, with a reason', () => {
    const broken: readonly (readonly [string, string])[] = [
      ['', 'ends in the middle'],
      ['N', 'ends in the middle'],
      ['X\xff\xff\xff\xffabc', 'ends in the middle'],
      ['\x8e\xff\xff\xff\xff\xff\xff\xff\xff', 'ends in the middle'],
      ['T\xff\xff\xff\xff.', 'ends in the middle'],
      ['.', 'takes more than it put down'],
      ['(.', 'takes more than it put down'],
      ['K\x01u.', 'a mark is missing'],
      [']K\x01s.', 'takes more than it put down'],
      ['}(K\x01u.', 'a key has no value'],
      ['](K\x01K\x01u.', 'no dict'],
      ['K\x01(K\x01e.', 'no list'],
      ['h\x07.', 'never remembered'],
      ['gx\n.', 'no number'],
      ['I12x\n.', 'no integer'],
      ['Fabc\n.', 'no float'],
      ['X\x01\x00\x00\x00\xff.', 'not UTF-8'],
      ['V\\U00ffffff\n.', 'no character'],
      [`L${'9'.repeat(5_000)}L\n.`, 'no integer'],
    ];
    for (const [bytes, reason] of broken)
      expect(reasonOf(latin1(bytes)), bytes.slice(0, 20)).toContain(reason);
  });

  it('bounds bytes, depth, steps and what unfolds from a few bytes', () => {
    expect(reasonOf(new Uint8Array(100), { ...defaultPickleLimits, maxBytes: 99 })).toContain('at most 99');
    expect(reasonOf(latin1(`${']'.repeat(100_000)}${'a'.repeat(99_999)}.`))).toContain(
      'nested deeper than 64',
    );
    expect(reasonOf(latin1(`${'N0'.repeat(100)}N.`), { ...defaultPickleLimits, maxSteps: 50 })).toContain(
      '50 steps',
    );
    expect(reasonOf(latin1(']q\x00h\x00a.'))).toContain('part of itself');
    // Each list holds the one before ten times: 10^30 strings in some hundred bytes.
    const laughs = Array.from(
      { length: 30 },
      (_, level) => `(${`h${String.fromCharCode(level)}`.repeat(10)}lq${String.fromCharCode(level + 1)}`,
    );
    expect(reasonOf(latin1(`U\x03hahq\x00${laughs.join('')}.`))).toContain('unfolds to more');
    // Each call copies the same text, and none of the copies is part of the value.
    const copies = `h\x01h\x00h\x02\x86R`.repeat(2_000);
    const text = `X\x00\x00\x04\x00${'a'.repeat(262_144)}q\x00`;
    const copied = `\x80\x02${text}c_codecs\nencode\nq\x01X\x06\x00\x00\x00latin1q\x02${copies}N.`;
    expect(reasonOf(latin1(copied))).toContain('makes more');
  });

  it('answers any bytes within moments, and throws for none', () => {
    const opcodes = [...'(.0123IJKLMNPQRSTUVX]abcdefghijlopqrstu})GBC'].map((letter) => letter.charCodeAt(0));
    const step = fc.oneof(
      fc.constantFrom(...opcodes, ...Array.from({ length: 32 }, (_, index) => 0x80 + index)),
      fc.integer({ min: 0, max: 255 }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (codes) => {
        const outcome = readPickle(Uint8Array.from([...codes, 0x2e]));
        if (!outcome.ok) expect(outcome.error._tag).toBe('PickleRefused');
      }),
      { numRuns: 3_000 },
    );
  });

  it.skipIf(!hasPython)('survives every single changed byte of a real pickle', () => {
    const [pickles = []] = pickledByPython([
      '{"used": {"a", "b"}, "at": datetime.datetime(2025, 1, 2), "d": collections.OrderedDict(x=(1, 2.5, b"z")), "n": [None, True, 2**80]}',
    ]);
    for (const bytes of pickles) {
      for (let index = 0; index < bytes.length; index += 1) {
        for (const value of [0, 0x52, 0x93, 0xff]) {
          const changed = Uint8Array.from(bytes);
          changed[index] = value;
          const outcome = readPickle(changed);
          if (!outcome.ok) expect(outcome.error._tag).toBe('PickleRefused');
        }
      }
    }
  });
});
