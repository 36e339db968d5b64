import { readFileSync } from 'node:fs';
import * as Effect from 'effect/Effect';
import type * as Scope from 'effect/Scope';

import { prepareDataDir } from './dataDir.ts';
import { lockDir, shareDir } from './dirLock.ts';
import { StoreInvalid, type StoreOpenError } from './errors.ts';
import { openRedisReadOnly, RedisStore, type RedisStoreOptions } from './redis.ts';
import type { RedisAccess } from './redisClient.ts';
import { describeTarget, parseRedisUrl, type RedisTarget } from './redisUrl.ts';
import { EmbeddedStore, openStoreReadOnly } from './sqlite.ts';
import type { StoreContents, StoreHandle, StoreReader } from './store.ts';

/** Which store a daemon was told to use, and how to reach it; a part of its settings. */
export type StoreChoice = {
  readonly store: 'embedded' | 'redis';
  /** A URL, see `redisUrlForms`; null: host, port and database are given alone. */
  readonly redis: string | null;
  readonly redisHost: string | null;
  readonly redisPort: number;
  readonly redisDb: number;
  readonly redisUsername: string | null;
  readonly redisPassword: string | null;
  readonly redisPasswordFile: string | null;
  readonly redisSentinelPasswordFile: string | null;
  readonly redisCaFile: string | null;
  readonly redisAllowLoss: boolean;
};

/** Whose store it is. */
export type StoreIdentity = {
  /** The daemon's data folder; locked by a daemon with Redis as well, unless it is shared. */
  readonly dir: string;
  /** Identity the contents belong to, e.g. `finney/86/5F3s…/validator`; another one's store is refused. */
  readonly owner: string;
  /** The same for the keys of Redis, see `redisNamespace`. */
  readonly namespace: string;
};

export type OpenStoreOptions = StoreIdentity & {
  readonly settings: StoreChoice;
  /** Whether several processes may have it open, because a lease decides which of them writes. */
  readonly shared: boolean;
  /** Hears what an operator should know of the server, without a secret. */
  readonly onNotice?: (message: string) => void;
};

export type ReadStoreOptions = Omit<OpenStoreOptions, 'shared'>;

/** One command or connection may take this long; it is also how soon a frozen server is noticed. */
const REDIS_TIMEOUT_MS = 5_000;
const MAX_SECRET_CHARACTERS = 512;

const invalid = (message: string) => new StoreInvalid({ message, isSetting: true });

const readText = (path: string, setting: string): Effect.Effect<string, StoreInvalid> =>
  Effect.try({
    try: () => readFileSync(path, 'utf8'),
    catch: (cause) => {
      const detail = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable';
      return invalid(`cannot read ${path} (${detail}): correct ${setting} or the permissions of the file`);
    },
  });

const readSecret = Effect.fnUntraced(function* (path: string | null, setting: string) {
  if (path === null) return null;
  const secret = (yield* readText(path, setting)).trim();
  if (secret.length === 0 || secret.length > MAX_SECRET_CHARACTERS || /[\r\n]/.test(secret))
    return yield* invalid(`${path} holds no password: ${setting} names a file with one line`);
  return secret;
});

const targetOf = (settings: StoreChoice): RedisTarget | null => {
  if (settings.redis !== null) {
    const target = parseRedisUrl(settings.redis);
    return target.ok ? target.value : null;
  }
  const { redisHost, redisPort: port, redisDb: db } = settings;
  const hosts = [{ host: redisHost ?? '127.0.0.1', port }];
  const none = { path: null, masterName: null, username: null, password: null };
  return { kind: 'single', hosts, db, isTls: false, ...none };
};

/** The Redis of the settings for logs and messages, without a secret; null where it is not used. */
export const describeRedis = (settings: StoreChoice): string | null => {
  const target = settings.store === 'redis' ? targetOf(settings) : null;
  return target === null ? null : describeTarget(target);
};

/** How to reach the Redis of the settings; reads the files they name. */
export const redisAccess = Effect.fn('store.redisAccess')(function* (
  settings: StoreChoice,
): Effect.fn.Return<RedisAccess, StoreInvalid> {
  const target = targetOf(settings);
  if (target === null) return yield* invalid('--redis is not the URL of a Redis');
  const fromFile = yield* readSecret(settings.redisPasswordFile, '--redis-password-file');
  const sentinel = yield* readSecret(settings.redisSentinelPasswordFile, '--redis-sentinel-password-file');
  const { redisCaFile } = settings;
  return {
    target,
    username: settings.redisUsername ?? target.username,
    password: fromFile ?? target.password ?? settings.redisPassword,
    sentinelPassword: sentinel,
    ca: redisCaFile === null ? null : yield* readText(redisCaFile, '--redis-ca-file'),
    timeoutMs: REDIS_TIMEOUT_MS,
  };
});

const redisOptions = (options: ReadStoreOptions) =>
  Effect.map(redisAccess(options.settings), (access): RedisStoreOptions => {
    const { namespace, owner, settings, onNotice } = options;
    const listener = onNotice === undefined ? {} : { onNotice };
    return { access, namespace, owner, allowLoss: settings.redisAllowLoss, ...listener };
  });

/**
 * Opens the store that the settings name, and takes the data folder in both cases: two daemons of one folder on one
 * machine are refused unless it is shared. Closing the scope writes what was accepted.
 */
export const openConfiguredStore = Effect.fn('store.openConfigured')(function* (
  options: OpenStoreOptions,
): Effect.fn.Return<StoreHandle, StoreOpenError, Scope.Scope> {
  const { settings, dir, owner, shared } = options;
  if (settings.store === 'embedded') return yield* EmbeddedStore.open({ dir, owner, shared });
  yield* prepareDataDir(dir);
  yield* shared ? shareDir(dir) : lockDir(dir);
  return yield* RedisStore.open(yield* redisOptions(options));
});

/** Reads the store that the settings name, also while its daemon runs; writes nothing. */
export const readConfiguredStore = Effect.fn('store.readConfigured')(function* (
  options: ReadStoreOptions,
): Effect.fn.Return<StoreReader & StoreContents, StoreOpenError, Scope.Scope> {
  if (options.settings.store === 'embedded') return yield* openStoreReadOnly({ dir: options.dir });
  return yield* openRedisReadOnly(yield* redisOptions(options));
});
