import { randomUUID } from 'node:crypto';
import * as Effect from 'effect/Effect';
import type * as Scope from 'effect/Scope';

import { fail, type Outcome, succeed } from '../domain/outcome.ts';
import {
  SchemaTooNew,
  StoreCorrupt,
  StoreForeign,
  StoreInvalid,
  type StoreOpenError,
  StoreUnavailable,
} from './errors.ts';
import { type CommitCounters, type GroupCommit, openGroupCommit } from './groupCommit.ts';
import { setAsideKey } from './redisAside.ts';
import { quoted, type RedisAccess } from './redisClient.ts';
import { openRedisCommits } from './redisCommits.ts';
import { REDIS_SCHEMA, type RedisKeys, redisKeys } from './redisKeys.ts';
import { openRedisLeases } from './redisLeases.ts';
import { type Connection, openRedisLink, type RedisLink, runScript } from './redisLink.ts';
import { openRedisReads } from './redisReads.ts';
import { openScript, rightsScript } from './redisScripts.ts';
import { lossProblem } from './redisServer.ts';
import type { StoreContents, StoreHandle, StoreReader } from './store.ts';
import { openLeases } from './storeLeases.ts';
import { openReader } from './storeReader.ts';
import { openStoreVitals } from './storeVitals.ts';
import { openWriter } from './storeWriter.ts';
import { withAdvice } from './vitals.ts';

/** How long a server may be away, or read its data, while a store is opened. */
const OPEN_PATIENCE_MS = 10_000;
const OPEN_PAUSE_MS = 200;
const CLOSE_PATIENCE_MS = 10_000;
/** Writers that are remembered; each opening is one. */
const WRITERS_KEPT = 64;

export type RedisStoreOptions = {
  readonly access: RedisAccess;
  /** What the keys begin with, see `redisNamespace`. */
  readonly namespace: string;
  /** Identity the contents belong to; recorded at the first opening, another one is refused afterwards. */
  readonly owner?: string;
  /** Use a server that would lose what it is told. */
  readonly allowLoss?: boolean;
  /** How long writes wait while the server is in trouble, in milliseconds; 60,000 unless given. */
  readonly patienceMs?: number;
  readonly openPatienceMs?: number;
  /** Hears what an operator should know, without a secret. */
  readonly onNotice?: (message: string) => void;
};

export type RedisStoreHandle = StoreHandle & { readonly commitCounters: () => CommitCounters };

const unavailable = (message: string) => new StoreUnavailable({ message });

/** Troubles that pass by themselves, so that opening waits for them. */
const passing = new Set(['unreachable', 'loading', 'readOnly', 'slow', 'descriptors']);

/** Tries `work` until it succeeds, meets what does not pass by itself, or the patience is over. */
const patiently = async <A>(
  link: RedisLink,
  patienceMs: number,
  work: (connection: Connection) => Promise<A>,
): Promise<Outcome<A, StoreOpenError>> => {
  const untilMs = performance.now() + patienceMs;
  for (;;) {
    const outcome = await link.use(work);
    if (outcome.ok) return outcome;
    const { trouble, message, isSetting = false } = outcome.error;
    // What does not pass by itself is for the operator to correct.
    if (!passing.has(trouble)) return fail(new StoreInvalid({ message, isSetting }));
    if (performance.now() > untilMs) return fail(unavailable(withAdvice(trouble, message)));
    await new Promise((resolve) => setTimeout(resolve, OPEN_PAUSE_MS));
  }
};

/** Commands that the user may not run, out of what the script says of those that failed. */
const missingRights = (failed: unknown): readonly string[] => {
  const lines = Array.isArray(failed) ? (failed as readonly unknown[]).map(String) : [];
  const passingError = lines.find((line) => /\b(OOM|READONLY|MISCONF|NOREPLICAS|MASTERDOWN)\b/.test(line));
  // Thrown as the server would have answered, so that it counts as the trouble it is.
  if (passingError !== undefined)
    throw Object.assign(new Error(passingError.replace(/^\S+ -?/, '')), { name: 'ReplyError' });
  return [...new Set(lines.map((line) => line.split(' ')[0] ?? ''))];
};

const requireRights = async (
  { client }: Connection,
  keys: RedisKeys,
  place: string,
): Promise<StoreOpenError | null> => {
  const check = [`${keys.check}-${randomUUID()}`, `${keys.check}-${randomUUID()}`];
  const missing = missingRights(await runScript(client, rightsScript, check, []));
  return missing.length === 0
    ? null
    : new StoreInvalid({
        message: `Redis at ${place}: its user may not run ${missing.join(', ')} on ${keys.prefix}*: give it the rights of docs/redis.md`,
        isSetting: true,
      });
};

type Claim = {
  readonly keys: RedisKeys;
  readonly writer: string;
  readonly owner: string | null;
  readonly place: string;
};

const refusal = (answer: readonly unknown[], { place, keys }: Claim): StoreOpenError => {
  const [word, detail] = answer;
  switch (word) {
    case 'newer': {
      const found = Number(detail);
      const message = `the store in Redis at ${place} has schema ${found}, this release knows up to ${REDIS_SCHEMA}: run the release that wrote it, or a newer one`;
      return new SchemaTooNew({ found, supported: REDIS_SCHEMA, message });
    }
    case 'foreign':
      return new StoreForeign({
        owner: String(detail),
        message: `the keys ${keys.prefix}* in Redis at ${place} belong to ${String(detail)}: give each identity a hotkey or a database of its own`,
      });
    case 'damaged':
      return new StoreCorrupt({
        message: `${keys.meta} in Redis at ${place} is damaged (${quoted(detail)}): restore a backup, or move the keys ${keys.prefix}* away`,
      });
    default:
      return unavailable(`Redis at ${place} answered the opening with ${quoted(answer)}`);
  }
};

/** Claims the keys and registers this handle as a writer; null when that is done. */
const claim = async ({ client }: Connection, claimed: Claim): Promise<StoreOpenError | null> => {
  const { keys, writer, owner } = claimed;
  const places = [
    { key: keys.meta, type: 'h' },
    { key: keys.writers, type: 'h' },
    { key: keys.writerOrder, type: 'l' },
  ] as const;
  const names = places.map(({ key }) => key);
  const args = ['hhl', REDIS_SCHEMA, owner ?? '', writer, WRITERS_KEPT, Date.now()];
  for (let attempt = 0; attempt < places.length; attempt += 1) {
    const raw = await runScript(client, openScript, names, args);
    const answer: readonly unknown[] = Array.isArray(raw) ? raw : [];
    if (answer[0] === 'ok') return null;
    if (answer[0] !== 'type') return refusal(answer, claimed);
    const at = places[Number(answer[1]) - 1];
    // Without it nobody knows whose keys these are; everything else can be made anew.
    if (at === undefined || at.key === keys.meta) return refusal(['damaged', 'a foreign type'], claimed);
    await setAsideKey(client, keys, { ...at, kind: 'record', name: 'writers' });
  }
  return refusal(['damaged', 'a foreign type'], claimed);
};

/** What an operator should know of the server that is used. */
const noticesOf = ({ facts }: Connection, place: string): readonly string[] => {
  const loss = lossProblem(facts);
  return [
    ...(loss === null ? [] : [`Redis at ${place} may lose state, as --redis-allow-loss permits: ${loss}`]),
    ...(loss === null && facts.isConfigRefused
      ? [`Redis at ${place} does not permit CONFIG GET: its settings were read from INFO`]
      : []),
  ];
};

const openLink = (
  { access, allowLoss }: RedisStoreOptions,
  keys: RedisKeys,
  onLost: (message: string) => void,
) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      openRedisLink({
        access,
        anyKey: keys.meta,
        allowLoss: allowLoss ?? false,
        onLost: ({ message }) => onLost(message),
      }),
    ),
    (link) => Effect.sync(() => link.close()),
  );

const register = (link: RedisLink, options: RedisStoreOptions, claimed: Claim) =>
  patiently(link, options.openPatienceMs ?? OPEN_PATIENCE_MS, async (connection) => {
    const problem =
      (await requireRights(connection, claimed.keys, link.place)) ?? (await claim(connection, claimed));
    return problem === null ? succeed(noticesOf(connection, link.place)) : fail(problem);
  });

const open = Effect.fn('store.openRedis')(function* (
  options: RedisStoreOptions,
): Effect.fn.Return<RedisStoreHandle, StoreOpenError, Scope.Scope> {
  const { namespace, owner, patienceMs, onNotice = () => undefined } = options;
  const keys = redisKeys(namespace);
  const writer = randomUUID();
  let group: GroupCommit | null = null;
  // Servers close idle connections (`timeout`): whether it is more than that, the next write tells, and at once.
  const link = yield* openLink(options, keys, (message) => {
    group?.reportTrouble('unreachable', message);
    group?.reportBack();
  });
  const claimed: Claim = { keys, writer, owner: owner ?? null, place: link.place };
  const registered = yield* Effect.promise(() => register(link, options, claimed));
  if (!registered.ok) return yield* Effect.fail(registered.error);
  if (!registered.value.ok) return yield* Effect.fail(registered.value.error);
  for (const notice of registered.value.value) onNotice(notice);
  const backend = openRedisCommits({ link, keys, writer, onNotice });
  const commits = yield* Effect.acquireRelease(
    Effect.sync(() => openGroupCommit(backend, patienceMs === undefined ? {} : { patienceMs })),
    (opened) => Effect.promise(() => opened.drain(CLOSE_PATIENCE_MS)),
  );
  group = commits;
  const reads = openRedisReads({ link, keys, readOnly: false, onNotice });
  return {
    ...openReader(reads, { readOnly: false, fence: commits.currentFence }),
    ...openWriter(commits),
    ...openLeases(openRedisLeases(link, keys), commits),
    ...openStoreVitals(commits),
    commitCounters: commits.counters,
  };
});

/**
 * The store that several machines can reach: Redis 6.2 or Valkey. Every group of writes is one script, every key of an
 * identity is in one slot, nothing expires, and no setting of the server is ever changed. Closing the scope writes
 * what was accepted.
 */
export const RedisStore: {
  readonly open: (options: RedisStoreOptions) => Effect.Effect<RedisStoreHandle, StoreOpenError, Scope.Scope>;
} = { open };

/**
 * Reads the store of a daemon that may be running; writes nothing. Fails with `StoreInvalid` where there is no store.
 */
export const openRedisReadOnly = Effect.fn('store.openRedisReadOnly')(function* (
  options: RedisStoreOptions,
): Effect.fn.Return<StoreReader & StoreContents, StoreOpenError, Scope.Scope> {
  const keys = redisKeys(options.namespace);
  const link = yield* openLink(options, keys, () => undefined);
  const schema = yield* Effect.promise(() =>
    patiently(link, options.openPatienceMs ?? OPEN_PATIENCE_MS, ({ client }) =>
      client.hget(keys.meta, 'schema'),
    ),
  );
  if (!schema.ok) return yield* Effect.fail(schema.error);
  if (schema.value === null)
    return yield* new StoreInvalid({
      message: `there is no store under ${keys.prefix}* in Redis at ${link.place}; check the identity, or start the daemon`,
    });
  const found = Number(schema.value);
  if (found > REDIS_SCHEMA)
    return yield* Effect.fail(
      refusal(['newer', found], { keys, writer: '', owner: null, place: link.place }),
    );
  const onNotice = options.onNotice ?? (() => undefined);
  return openReader(openRedisReads({ link, keys, readOnly: true, onNotice }), { readOnly: true });
});
