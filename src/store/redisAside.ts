import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';

import type { KeyType, RedisKeys } from './redisKeys.ts';
import { runScript } from './redisLink.ts';
import { setAsideEntriesScript, setAsideKeyScript, setAsideSnapshotScript } from './redisScripts.ts';
import type { BadValue, RawSetAside } from './storeThread.ts';

/** A key, the type it should have, and what it is called in a report. */
export type TypedKey = {
  readonly key: string;
  readonly type: KeyType;
  readonly kind: RawSetAside['kind'];
  readonly name: string;
};

/** What is listed of something set aside, beside the value itself. */
const entryOf = (entry: Omit<RawSetAside, 'atMs'> & { readonly keptAs?: string }): string =>
  JSON.stringify({ ...entry, atMs: Date.now() });

/** Renames a key of a foreign type, so that ours can take its place. Answers whether it did. */
export const setAsideKey = async (client: Redis, keys: RedisKeys, place: TypedKey): Promise<boolean> => {
  const keptAs = keys.setAside(randomUUID());
  const reason = `the key ${place.key} had a foreign type and is kept as ${keptAs}`;
  const entry = entryOf({ kind: place.kind, name: place.name, seq: null, key: null, reason, keptAs });
  const moved = await runScript(
    client,
    setAsideKeyScript,
    [place.key, keptAs, keys.aside],
    [place.type, entry],
  );
  return Number(moved) > 0;
};

const STRANGE = 'an entry that this software did not write';
/** The script moves this many entries at a time. */
const STRANGE_PAGE = 1_000;

/** Takes what others added to the end of a log out of it. Answers how many entries. */
export const setAsideStrangers = async (
  client: Redis,
  keys: RedisKeys,
  { log, lastSeq }: { readonly log: string; readonly lastSeq: number },
): Promise<number> => {
  // Without a sequence number the script fills in that of the entry.
  const entry = JSON.stringify({ kind: 'record', name: log, key: null, reason: STRANGE, atMs: Date.now() });
  let all = 0;
  for (;;) {
    const args = ['after', `${lastSeq}-0`, entry];
    const moved = Number(
      await runScript(client, setAsideEntriesScript, [keys.log(log), keys.aside, keys.bytes], args),
    );
    all += moved;
    if (moved < STRANGE_PAGE) return all;
  }
};

/** Moves a record whose value does not parse out of its log; its number and key stay taken. */
const setAsideRecord = async (client: Redis, keys: RedisKeys, bad: BadValue & { readonly seq: number }) => {
  const { name, seq, reason } = bad;
  const entry = entryOf({ kind: 'record', name, seq, key: null, reason });
  await runScript(
    client,
    setAsideEntriesScript,
    [keys.log(name), keys.aside, keys.bytes],
    ['ids', `${seq}-0`, entry],
  );
};

const setAsideSnapshot = async (client: Redis, keys: RedisKeys, bad: BadValue) => {
  const { name, reason } = bad;
  const keptAs = keys.setAside(randomUUID());
  const revision =
    bad.revision > 0 ? String(bad.revision) : await client.hget(keys.snapshot(name), 'revision');
  await runScript(
    client,
    setAsideSnapshotScript,
    [keys.snapshot(name), keptAs, keys.aside, keys.snapshots],
    [revision ?? '', entryOf({ kind: 'snapshot', name, seq: null, key: null, reason, keptAs }), name],
  );
};

/** Moves values that do not parse out of the way of all reads. */
export const setAsideValues = async (
  client: Redis,
  keys: RedisKeys,
  values: readonly BadValue[],
): Promise<void> => {
  for (const bad of values) {
    if (bad.seq === null) await setAsideSnapshot(client, keys, bad);
    else await setAsideRecord(client, keys, { ...bad, seq: bad.seq });
  }
};

const isText = (value: unknown): value is string => typeof value === 'string';

/** An entry of the list, or null for one that is not ours. */
export const parseAside = (text: string): RawSetAside | null => {
  try {
    const entry: unknown = JSON.parse(text);
    if (typeof entry !== 'object' || entry === null) return null;
    const { kind, name, seq, key, reason, atMs } = entry as Record<string, unknown>;
    if ((kind !== 'record' && kind !== 'snapshot') || !isText(name) || !isText(reason)) return null;
    return {
      kind,
      name,
      seq: typeof seq === 'number' ? seq : null,
      key: isText(key) ? key : null,
      reason,
      atMs: typeof atMs === 'number' ? atMs : 0,
    };
  } catch {
    return null;
  }
};
