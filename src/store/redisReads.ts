import { type Answers, answerBy } from './redisAnswers.ts';
import { parseAside, setAsideKey, setAsideValues, type TypedKey } from './redisAside.ts';
import type { RedisKeys } from './redisKeys.ts';
import type { Connection, RedisLink } from './redisLink.ts';
import type { LogInfo } from './store.ts';
import type { ReadBackend } from './storeReader.ts';
import type { Exchanges, RawRecord, RawSetAside, RawSnapshot } from './storeThread.ts';

/** A page ends after the record that passes this many characters, so that a reader's memory stays bounded. */
const PAGE_CHARACTERS = 8_388_608;
/** One command is answered with about this much, so that no other client of the server waits for it. */
const CHUNK_CHARACTERS = 1_048_576;
const FIRST_CHUNK_ROWS = 128;
const MOST_CHUNK_ROWS = 4_096;
const SET_ASIDE_ROWS = 1_000;

export type ReadsOptions = {
  readonly link: RedisLink;
  readonly keys: RedisKeys;
  /** Nothing is moved out of the way. */
  readonly readOnly: boolean;
  readonly onNotice: (message: string) => void;
};

const whole = (text: string | null | undefined): number | null =>
  typeof text === 'string' && /^-?\d{1,16}$/.test(text) ? Number(text) : null;

type Entry = readonly [string, readonly string[]];

const fieldOf = (fields: readonly string[], name: string): string | null => {
  for (let index = 0; index + 1 < fields.length; index += 2)
    if (fields[index] === name) return fields[index + 1] ?? null;
  return null;
};

/** A record without a value is one that somebody else wrote: `decodeValue` says that it is no text. */
const toRecord = ([id, fields]: Entry): RawRecord => ({
  seq: Number(/^\d+/.exec(id)?.[0] ?? 0),
  key: fieldOf(fields, 'k'),
  text: fieldOf(fields, 'v'),
});

const entriesFrom = async (
  { client }: Connection,
  ask: { readonly key: string; readonly from: number; readonly to: number; readonly rows: number },
): Promise<readonly Entry[]> =>
  client.xrange(ask.key, `${ask.from}-0`, `${ask.to}-0`, 'COUNT', ask.rows) as Promise<readonly Entry[]>;

/** Reads a page in pieces whose size follows the size of the records. */
const readPage = async (
  connection: Connection,
  { key, after, upTo, limit }: { key: string; after: number; upTo: number; limit: number },
): Promise<readonly RawRecord[]> => {
  const records: RawRecord[] = [];
  let characters = 0;
  let rows = FIRST_CHUNK_ROWS;
  let from = after + 1;
  while (from <= upTo && records.length < limit && characters < PAGE_CHARACTERS) {
    const wanted = Math.min(rows, limit - records.length);
    const entries = await entriesFrom(connection, { key, from, to: upTo, rows: wanted });
    for (const entry of entries) {
      const record = toRecord(entry);
      records.push(record);
      characters += typeof record.text === 'string' ? record.text.length : 0;
    }
    if (entries.length < wanted) break;
    from = (records.at(-1)?.seq ?? upTo) + 1;
    const each = Math.max(1, characters / records.length);
    rows = Math.min(MOST_CHUNK_ROWS, Math.max(1, Math.floor(CHUNK_CHARACTERS / each)));
  }
  return records;
};

/** The reading operations as the questions that a reader asks its backend. */
export const openRedisReads = ({ link, keys, readOnly, onNotice }: ReadsOptions): ReadBackend => {
  const place = (key: string, type: TypedKey['type'], name: string): TypedKey => ({
    key,
    type,
    kind: key.startsWith(keys.snapshot('')) ? 'snapshot' : 'record',
    name,
  });

  /** What `work` answers, or `empty` where the key is of a foreign type, which is moved out of the way. */
  const orEmpty = async <A>(
    connection: Connection,
    at: TypedKey,
    empty: A,
    work: () => Promise<A>,
  ): Promise<A> => {
    try {
      return await work();
    } catch (cause) {
      if (!(cause instanceof Error) || !cause.message.startsWith('WRONGTYPE')) throw cause;
      onNotice(`${at.key} has a type that this software does not give it: it is set aside`);
      if (!readOnly) await setAsideKey(connection.client, keys, at);
      return empty;
    }
  };

  const field = (connection: Connection, key: string, name: string): Promise<string | null> =>
    orEmpty(connection, place(key, 'h', name), null, () => connection.client.hget(key, name));
  const hash = (connection: Connection, key: string, name: string): Promise<Record<string, string>> =>
    orEmpty(connection, place(key, 'h', name), {}, () => connection.client.hgetall(key));
  const names = async (connection: Connection, key: string): Promise<readonly string[]> => {
    const found = await orEmpty(connection, place(key, 's', 'names'), [], () =>
      connection.client.smembers(key),
    );
    return found.toSorted();
  };

  const lastSeq = async (connection: Connection, log: string): Promise<number> => {
    const known = whole(await field(connection, keys.logs, log));
    if (known !== null) return known;
    const at = place(keys.log(log), 'x', log);
    const newest = await orEmpty(connection, at, [], () =>
      connection.client.xrevrange(keys.log(log), '+', '-', 'COUNT', 1),
    );
    return whole(/^(\d{1,12})-0$/.exec(newest[0]?.[0] ?? '')?.[1]) ?? 0;
  };

  const read = async (
    connection: Connection,
    { log, after, upTo, limit }: Exchanges['read']['ask'],
  ): Promise<readonly RawRecord[]> => {
    // Beyond our last record stands only what somebody else added.
    const last = Math.min(upTo, await lastSeq(connection, log));
    const key = keys.log(log);
    return orEmpty(connection, place(key, 'x', log), [], () =>
      readPage(connection, { key, after, upTo: last, limit }),
    );
  };

  const find = async (connection: Connection, { log, key }: Exchanges['find']['ask']) => {
    const seq = whole(await field(connection, keys.keysOf(log), key));
    if (seq === null || seq < 1) return null;
    const rows = await read(connection, { log, after: seq - 1, upTo: seq, limit: 1 });
    return rows[0]?.key === key ? rows[0] : null;
  };

  const loadSnapshot = async (connection: Connection, name: string): Promise<RawSnapshot | null> => {
    const { version, revision, savedAtMs, text } = await hash(connection, keys.snapshot(name), name);
    if (version === undefined && revision === undefined && text === undefined) return null;
    const numbers = { version: whole(version), revision: whole(revision), savedAtMs: whole(savedAtMs) };
    if (numbers.version === null || numbers.revision === null || numbers.savedAtMs === null)
      return { version: 0, revision: 0, savedAtMs: 0, text: undefined };
    return { version: numbers.version, revision: numbers.revision, savedAtMs: numbers.savedAtMs, text };
  };

  const logInfo = async (
    connection: Connection,
    name: string,
  ): Promise<Omit<LogInfo, 'lastSeq' | 'bytes'>> => {
    const key = keys.log(name);
    const at = place(key, 'x', name);
    const [first] = await orEmpty(connection, at, [], () =>
      connection.client.xrange(key, '-', '+', 'COUNT', 1),
    );
    const records = await orEmpty(connection, at, 0, () => connection.client.xlen(key));
    return { name, firstSeq: Number(/^\d+/.exec(first?.[0] ?? '')?.[0] ?? 0), records };
  };

  const logs = async (connection: Connection): Promise<readonly LogInfo[]> => {
    const last = await hash(connection, keys.logs, 'logs');
    const bytes = await hash(connection, keys.bytes, 'bytes');
    const infos: LogInfo[] = [];
    for (const name of Object.keys(last).toSorted()) {
      const info = await logInfo(connection, name);
      infos.push({ ...info, lastSeq: whole(last[name]) ?? 0, bytes: whole(bytes[name]) ?? 0 });
    }
    return infos;
  };

  const counters = async (connection: Connection): Promise<Readonly<Record<string, number>>> => {
    const texts = await hash(connection, keys.counters, 'counters');
    const pairs = Object.entries(texts).map(([name, text]) => [name, whole(text)] as const);
    return Object.fromEntries(pairs.filter(([, value]) => value !== null).toSorted()) as Record<
      string,
      number
    >;
  };

  const usedIds = (connection: Connection, { set, after, limit }: Exchanges['usedIds']['ask']) => {
    const key = keys.ids(set);
    const from = after === '' ? '-' : `(${after}`;
    return orEmpty(connection, place(key, 'z', set), [], () =>
      connection.client.zrangebylex(key, from, '+', 'LIMIT', 0, limit),
    );
  };

  const setAside = async (connection: Connection): Promise<readonly RawSetAside[]> => {
    const texts = await orEmpty(connection, place(keys.aside, 'l', 'aside'), [], () =>
      connection.client.lrange(keys.aside, 0, SET_ASIDE_ROWS - 1),
    );
    return texts.map(parseAside).filter((entry) => entry !== null);
  };

  const answers: Answers<Parameters<ReadBackend['ask']>[0]> = {
    read,
    find,
    lastSeq,
    loadSnapshot,
    logs,
    counters,
    usedIds,
    setAside,
    owner: (connection) => field(connection, keys.meta, 'owner'),
    snapshotNames: (connection) => names(connection, keys.snapshots),
    idSets: (connection) => names(connection, keys.idSets),
    quarantine: async (connection, { values, fence }) => {
      const token = fence === null ? null : await connection.client.hget(keys.lease(fence.lease), 'token');
      if (!readOnly && (fence === null || token === String(fence.token)))
        await setAsideValues(connection.client, keys, values);
      return null;
    },
  };

  return { ask: answerBy(link, answers) };
};
