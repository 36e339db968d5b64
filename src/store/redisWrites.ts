import type { KeyType, RedisKeys } from './redisKeys.ts';
import type { Fence, Write, WriteResult } from './write.ts';

/** A key that a group touches, by what it is. */
export type GroupKey = { readonly key: string; readonly type: KeyType; readonly name: string };

export type EncodedGroup = {
  readonly keys: readonly GroupKey[];
  readonly args: readonly (string | number)[];
};

export type GroupLabel = {
  readonly writer: string;
  readonly number: number;
  readonly tag: string;
  readonly fence: Fence | null;
  readonly nowMs: number;
};

type Arg = string | number;

/** Keys of a group by their position, as Lua counts: from 1. */
const openKeyList = (keys: RedisKeys, fence: Fence | null) => {
  const guard: GroupKey =
    fence === null
      ? { key: keys.writers, type: 'h', name: 'writers' }
      : { key: keys.lease(fence.lease), type: 'h', name: fence.lease };
  const list: GroupKey[] = [
    { key: keys.writers, type: 'h', name: 'writers' },
    { key: keys.meta, type: 'h', name: 'meta' },
    { key: keys.logs, type: 'h', name: 'logs' },
    { key: keys.bytes, type: 'h', name: 'bytes' },
    { key: keys.counters, type: 'h', name: 'counters' },
    { key: keys.aside, type: 'l', name: 'aside' },
    guard,
    { key: keys.snapshots, type: 's', name: 'snapshots' },
    { key: keys.idSets, type: 's', name: 'id-sets' },
  ];
  const positions = new Map<string, number>();
  /** Position of a key, the first time followed by those of `more`. */
  const position = (one: GroupKey, ...more: readonly GroupKey[]): number => {
    const known = positions.get(one.key);
    if (known !== undefined) return known;
    list.push(one, ...more);
    const at = list.length - more.length;
    positions.set(one.key, at);
    return at;
  };
  return { list, position };
};

/** Logs of a group in the order of their first use: the script looks at each before it writes anything. */
const openLogList = (keys: RedisKeys, position: ReturnType<typeof openKeyList>['position']) => {
  const order: string[] = [];
  const args: Arg[] = [];
  const indexOf = (name: string): number => {
    const known = order.indexOf(name);
    if (known >= 0) return known + 1;
    const stream: GroupKey = { key: keys.log(name), type: 'x', name };
    args.push(position(stream, { key: keys.keysOf(name), type: 'h', name }), name);
    return order.push(name);
  };
  return { indexOf, args, count: () => order.length };
};

const recordArgs = (record: { readonly key: string | null; readonly text: string }): readonly Arg[] => [
  record.key ?? '',
  record.text,
];

/** A group as keys and arguments of the script. */
export const encodeGroup = (
  keys: RedisKeys,
  writes: readonly Write[],
  { writer, number, tag, fence, nowMs }: GroupLabel,
): EncodedGroup => {
  const { list, position } = openKeyList(keys, fence);
  const logs = openLogList(keys, position);
  const snapshotArgs = (name: string, version: number): readonly Arg[] => [
    's',
    position({ key: keys.snapshot(name), type: 'h', name }),
    name,
    version,
  ];
  const argsOf = (write: Write): readonly Arg[] => {
    switch (write.kind) {
      case 'append':
        return ['a', logs.indexOf(write.log), write.records.length, ...write.records.flatMap(recordArgs)];
      case 'importRecords': {
        const records = write.records.flatMap((record) => [record.seq, ...recordArgs(record)]);
        return ['i', logs.indexOf(write.log), write.records.length, ...records];
      }
      case 'dropRecords':
        return ['d', logs.indexOf(write.log), write.upTo, write.limit];
      case 'snapshot': {
        const expected = write.expected === undefined ? 'any' : (write.expected ?? 'none');
        return [...snapshotArgs(write.name, write.version), expected, nowMs, write.text];
      }
      case 'importSnapshot':
        return [...snapshotArgs(write.name, write.version), 'any', write.savedAtMs, write.text];
      case 'useIds': {
        const at = position({ key: keys.ids(write.set), type: 'z', name: write.set });
        return ['u', at, write.set, write.ids.length, ...write.ids];
      }
      case 'addTo':
        return ['n', write.counter, write.by, nowMs];
      case 'probe':
        return ['p'];
    }
  };
  const parts: Arg[] = [];
  for (const write of writes) for (const arg of argsOf(write)) parts.push(arg);
  const types = list.map(({ type }) => type).join('');
  const token = fence === null ? '' : fence.token;
  return {
    keys: list,
    args: [types, writer, number, tag, token, logs.count(), ...logs.args, ...parts],
  };
};

/** One line of the script's answer as the result of its write; null where it is none. */
const parseResult = (write: Write, line: string): WriteResult | null => {
  if (line.startsWith('r ')) return { kind: 'refused', message: line.slice(2) };
  const [letter, ...words] = line.trim().split(' ');
  const [first = 0, ...others] = words.map(Number);
  switch (`${write.kind} ${letter}`) {
    case 'append a':
      return { kind: 'appended', lastSeq: first, duplicates: others };
    case 'snapshot s':
      return { kind: 'saved', revision: first };
    case 'snapshot c':
      return { kind: 'conflict', actual: words.length === 0 ? null : first };
    case 'useIds u':
      return { kind: 'used', duplicates: words.map(Number) };
    case 'addTo n':
      return { kind: 'added', value: first };
    case 'dropRecords d':
      return { kind: 'dropped', records: first };
    case 'importRecords i':
    case 'importSnapshot s':
      return { kind: 'imported' };
    case 'probe p':
      return { kind: 'probed' };
    default:
      return null;
  }
};

/** The script's answer, one line per write; null where it does not fit the writes. */
export const parseResults = (writes: readonly Write[], text: string): readonly WriteResult[] | null => {
  const lines = text.split('\n');
  if (lines.length !== writes.length) return null;
  const results: WriteResult[] = [];
  for (const [index, write] of writes.entries()) {
    const result = parseResult(write, lines[index] ?? '');
    if (result === null) return null;
    results.push(result);
  }
  return results;
};
