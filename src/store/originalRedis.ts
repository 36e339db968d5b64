import * as Effect from 'effect/Effect';
import type { Redis } from 'ioredis';

import { defaultPickleLimits, type PlainValue, readPickle } from './pickle.ts';
import { connectToMaster, type RedisAccess } from './redisClient.ts';
import { toRedisTrouble, toStoreError } from './redisTrouble.ts';
import { describeTarget } from './redisUrl.ts';

/**
 * Reads what the original Python program left in its Redis. Its values are pickles, which a program that unpickles them
 * would execute; here they are read as plain data. They live for two hours after the last write, and of them only the
 * used task ids and the places in task files are of any use: its scores and moving averages are always zero.
 */
export type OriginalKey = {
  readonly key: string;
  readonly bytes: number;
  /** Until the server forgets it, in milliseconds; null for never. */
  readonly expiresInMs: number | null;
  /** Why nothing was taken from it; null when it was read. */
  readonly problem: string | null;
};

export type OriginalState = {
  readonly keys: readonly OriginalKey[];
  /** Each once, ascending. */
  readonly usedTaskIds: readonly string[];
  /** Tasks of a file that were loaded, and how many it had. */
  readonly files: readonly {
    readonly path: string;
    readonly position: number;
    readonly tasks: number | null;
  }[];
  readonly totalBlocksRun: number | null;
};

const STATE_KEYS = ['state:task_state', 'state:validator_state'] as const;
/** `{md5 of wallet, hotkey and netuid}_state:current`. */
const OWN_KEYS = /^[0-9a-f]{32}_state:current$/;
const MAX_SCANS = 1_000;
const MAX_OWN_KEYS = 64;
/** As far as our own store goes with names of ids. */
const MAX_ID_CHARACTERS = 256;

type Taken = {
  readonly ids: Set<string>;
  readonly files: Map<string, number>;
  readonly counts: Map<string, number>;
  blocks: number | null;
};

const field = (value: PlainValue | undefined, name: string): PlainValue | undefined =>
  value instanceof Map ? value.get(name) : undefined;

const isCount = (value: PlainValue | undefined): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

const isUsableId = (value: PlainValue): value is string =>
  typeof value === 'string' &&
  value.length > 0 &&
  value.length <= MAX_ID_CHARACTERS &&
  value.isWellFormed() &&
  !value.includes('\0');

const takeCounts = (value: PlainValue | undefined, into: Map<string, number>): void => {
  if (!(value instanceof Map)) return;
  for (const [path, count] of value) if (typeof path === 'string' && isCount(count)) into.set(path, count);
};

/** Takes what has the shape of a task state, which may stand within another state; ignores everything else. */
const takeFrom = (state: PlainValue, taken: Taken): void => {
  const tasks = field(state, 'task_state') ?? state;
  const used = field(tasks, 'used_task_ids');
  const ids = Array.isArray(used) || used instanceof Set ? [...used] : [];
  for (const id of ids) if (isUsableId(id)) taken.ids.add(id);
  takeCounts(field(tasks, 'file_positions'), taken.files);
  takeCounts(field(tasks, 'file_task_counts'), taken.counts);
  const blocks = field(tasks, 'total_blocks_run');
  if (isCount(blocks)) taken.blocks = Math.max(taken.blocks ?? 0, blocks);
};

const ownKeys = async (client: Redis): Promise<readonly string[]> => {
  const found = new Set<string>();
  let cursor = '0';
  for (let scans = 0; scans < MAX_SCANS && found.size < MAX_OWN_KEYS; scans += 1) {
    const [next, keys] = await client.scan(cursor, 'MATCH', '*_state:current', 'COUNT', 1_000);
    for (const key of keys) if (OWN_KEYS.test(key)) found.add(key);
    cursor = next;
    if (cursor === '0') break;
  }
  return [...found].sort();
};

/** One key, its size looked at before it is read; null where it is not there. */
const readKey = async (client: Redis, key: string, taken: Taken): Promise<OriginalKey | null> => {
  const type = await client.type(key);
  if (type === 'none') return null;
  const expiry = await client.pttl(key);
  const about = { key, expiresInMs: expiry < 0 ? null : expiry };
  if (type !== 'string') return { ...about, bytes: 0, problem: `it is a ${type}, not a string` };
  const bytes = await client.strlen(key);
  if (bytes > defaultPickleLimits.maxBytes)
    return { ...about, bytes, problem: `it has more than ${defaultPickleLimits.maxBytes} bytes` };
  const value = await client.getBuffer(key);
  if (value === null) return null;
  const read = readPickle(value);
  if (!read.ok) return { ...about, bytes, problem: read.error.reason };
  takeFrom(read.value, taken);
  return { ...about, bytes, problem: null };
};

const readAll = async (client: Redis): Promise<OriginalState> => {
  const taken: Taken = { ids: new Set(), files: new Map(), counts: new Map(), blocks: null };
  const keys: OriginalKey[] = [];
  for (const key of [...STATE_KEYS, ...(await ownKeys(client))]) {
    const found = await readKey(client, key, taken);
    if (found !== null) keys.push(found);
  }
  return {
    keys,
    usedTaskIds: [...taken.ids].sort(),
    files: [...taken.files].map(([path, position]) => ({
      path,
      position,
      tasks: taken.counts.get(path) ?? null,
    })),
    totalBlocksRun: taken.blocks,
  };
};

/** Reads the state of the original from its Redis. Changes nothing there, and executes nothing that stands there. */
export const readOriginalState = Effect.fn('store.readOriginalState')(function* (access: RedisAccess) {
  const place = describeTarget(access.target);
  return yield* Effect.tryPromise({
    try: async () => {
      const client = await connectToMaster(access, { anyKey: STATE_KEYS[0], turn: 0 });
      try {
        return await readAll(client);
      } finally {
        client.disconnect();
      }
    },
    catch: (cause) => toStoreError(toRedisTrouble(cause, place)),
  });
});
