import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import * as Effect from 'effect/Effect';
import type * as Scope from 'effect/Scope';

import type { Role } from '../config.ts';
import { type StoreError, StoreInvalid, type StoreOpenError } from '../store/errors.ts';
import type { ReadableStore } from '../store/exportFileContents.ts';
import type { Lease } from '../store/lease.ts';
import { redisAccess } from '../store/openStore.ts';
import { DATABASE_FILE, openThread } from '../store/openThread.ts';
import { openRedisReadOnly, RedisStore } from '../store/redis.ts';
import type { RedisAccess } from '../store/redisClient.ts';
import { findRedisStores, readRedisLease } from '../store/redisIdentities.ts';
import { redisNamespace } from '../store/redisKeys.ts';
import { describeTarget, parseRedisUrl, redisUrlForms } from '../store/redisUrl.ts';
import { EmbeddedStore, openStoreReadOnly } from '../store/sqlite.ts';
import type { StoreHandle } from '../store/store.ts';
import { awaitAnswer } from '../store/storeReader.ts';
import { addSettings, flagsGiven } from './settings.ts';
import { findFolder, folderSettings } from './storeFolder.ts';

/** How to reach a Redis besides its URL, and whose store in it is meant. */
export type RedisFlags = {
  readonly redisPasswordFile?: string;
  readonly redisCaFile?: string;
  readonly owner?: string;
  readonly network?: string;
};

/** Where a store is: a data folder, or the keys of one identity in a Redis. */
export type StorePlace =
  | { readonly kind: 'dataDir'; readonly dir: string }
  | { readonly kind: 'redis'; readonly url: string; readonly flags: RedisFlags };

export const addRedisFlags = (command: Command): Command =>
  command
    .option('--redis-password-file <path>', 'file with the password of Redis and nothing else')
    .option('--redis-ca-file <path>', 'certificate authority of a Redis with TLS (rediss://), as PEM')
    .option(
      '--owner <identity>',
      'whose store in Redis, e.g. finney/86/5F3s…/validator; not needed for one alone',
    );

const findingText = [
  '',
  'The data folder is --data-dir, or the one of the daemon that is started with the same flags, environment and .env',
  'file. In Redis --owner says whose store is meant, and --network how the daemon names its network, where --owner has',
  'it without its credentials.',
].join('\n');

/** `--data-dir`, `--redis`, and the flags by which a daemon finds its data folder. */
export const addPlaceFlags = (command: Command, what: string): Command =>
  addSettings(
    addRedisFlags(
      command
        .option('--data-dir <path>', `data folder of ${what}`)
        .option('--redis <url>', `Redis that holds the store of ${what}`),
    ),
    folderSettings,
  ).addHelpText('after', findingText);

const roles: readonly Role[] = ['validator', 'miner'];

/** The same for the stores of either role. */
export const addStoreFlags = (command: Command, what: string): Command =>
  addPlaceFlags(command, what).addOption(
    new Option('--role <role>', 'whose store; whichever is there unless given').choices(roles),
  );

export type PlaceFlags = RedisFlags & {
  readonly dataDir?: string;
  readonly redis?: string;
  readonly role?: Role;
};

/** The command with its flags; `isExact` where no other folder than the one these name will do. */
export type PlaceQuestion = {
  readonly command: Command;
  readonly roles?: readonly Role[];
  readonly isExact?: boolean;
};

const invalid = (message: string) => new StoreInvalid({ message });

const redisPlace = (url: string, flags: RedisFlags): Effect.Effect<StorePlace, StoreInvalid> =>
  parseRedisUrl(url).ok
    ? Effect.succeed({ kind: 'redis', url, flags })
    : Effect.fail(invalid(`this is not the URL of a Redis: give ${redisUrlForms}`));

/** A folder or a URL, as `--from` and `--to` take them. */
export const placeOf = (text: string, flags: RedisFlags): Effect.Effect<StorePlace, StoreInvalid> =>
  text.includes('://') ? redisPlace(text, flags) : Effect.succeed({ kind: 'dataDir', dir: resolve(text) });

/** The place that `--data-dir` or `--redis` names, else the data folder of the daemon with these flags. */
export const placeOfFlags = Effect.fnUntraced(function* (
  question: PlaceQuestion,
): Effect.fn.Return<StorePlace, StoreInvalid> {
  const { command, isExact = false } = question;
  const flags = command.opts<PlaceFlags>();
  const { dataDir, redis, role } = flags;
  if (dataDir !== undefined && redis !== undefined)
    return yield* invalid('give either --data-dir or --redis, not both');
  if (redis !== undefined) return yield* redisPlace(redis, flags);
  if (dataDir !== undefined) return yield* placeOf(dataDir, flags);
  const asked = role === undefined ? (question.roles ?? roles) : [role];
  const argv = flagsGiven(command, folderSettings);
  const found = yield* Effect.promise(() => findFolder({ roles: asked, argv, isExact }));
  return found.ok ? { kind: 'dataDir', dir: found.value } : yield* invalid(found.error);
});

/** The place for messages and for the mark of a move: without a secret. */
export const describePlace = (place: StorePlace): string => {
  if (place.kind === 'dataDir') return place.dir;
  const target = parseRedisUrl(place.url);
  return target.ok ? describeTarget(target.value) : 'Redis';
};

export const redisAccessOf = ({
  url,
  flags,
}: Extract<StorePlace, { kind: 'redis' }>): Effect.Effect<RedisAccess, StoreInvalid> =>
  redisAccess({
    store: 'redis',
    redis: url,
    redisHost: null,
    redisPort: 0,
    redisDb: 0,
    redisUsername: null,
    redisPassword: process.env['REDIS_PASSWORD'] ?? null,
    redisPasswordFile: flags.redisPasswordFile ?? null,
    redisSentinelPasswordFile: null,
    redisCaFile: flags.redisCaFile ?? null,
    redisAllowLoss: false,
  });

/** The namespace that a daemon of this identity uses; its owner text ends with `/<netuid>/<hotkey>/<role>`. */
const namespaceOf = (owner: string, network: string | undefined): Effect.Effect<string, StoreInvalid> => {
  const [, shown, netuid, hotkey, role] =
    /^(.+)\/(\d{1,5})\/(\w{1,64})\/(validator|miner)$/.exec(owner) ?? [];
  if (shown === undefined || hotkey === undefined || (role !== 'validator' && role !== 'miner'))
    return Effect.fail(invalid(`${owner} is no identity: write <network>/<netuid>/<hotkey>/<role>`));
  return Effect.succeed(redisNamespace({ network: network ?? shown, netuid: Number(netuid), hotkey, role }));
};

const list = (owners: readonly (string | null)[]): string =>
  owners.map((owner) => owner ?? 'nobody').join(', ');

/** The identity in a Redis that is meant: the one that is named, or the only one. */
const findNamespace = Effect.fnUntraced(function* (access: RedisAccess, flags: RedisFlags) {
  const { owner, network } = flags;
  if (owner !== undefined && (network !== undefined || access.target.kind === 'cluster'))
    return yield* namespaceOf(owner, network);
  const found = yield* findRedisStores(access);
  const meant = owner === undefined ? found : found.filter((one) => one.owner === owner);
  const [only] = meant;
  if (only !== undefined && meant.length === 1) return only.namespace;
  const place = describeTarget(access.target);
  const owners = list(found.map((one) => one.owner));
  if (found.length === 0)
    return yield* invalid(`there is no store in Redis at ${place}; check the URL and its database`);
  return yield* invalid(
    meant.length === 0
      ? `Redis at ${place} holds no store of ${owner}, but of ${owners}`
      : `Redis at ${place} holds several stores: name one with --owner: ${owners}`,
  );
});

/** Reads a store, also while its daemon runs. */
export const openPlace = Effect.fnUntraced(function* (
  place: StorePlace,
): Effect.fn.Return<ReadableStore, StoreOpenError, Scope.Scope> {
  if (place.kind === 'dataDir') return yield* openStoreReadOnly({ dir: place.dir });
  const access = yield* redisAccessOf(place);
  return yield* openRedisReadOnly({
    access,
    namespace: yield* findNamespace(access, place.flags),
    allowLoss: true,
  });
});

/** Opens a store for a command that changes it: refused while a process of this machine uses the folder. */
export const openPlaceAlone = Effect.fnUntraced(function* (
  place: StorePlace,
  options: { readonly owner: string | null; readonly isNew: boolean },
): Effect.fn.Return<StoreHandle, StoreOpenError, Scope.Scope> {
  const owner = options.owner === null ? {} : { owner: options.owner };
  if (place.kind === 'dataDir') {
    if (!options.isNew && !existsSync(join(place.dir, DATABASE_FILE)))
      return yield* invalid(`there is no store in ${place.dir}; check the path`);
    return yield* EmbeddedStore.open({ dir: place.dir, ...owner });
  }
  const access = yield* redisAccessOf(place);
  const named = place.flags.owner ?? options.owner;
  if (options.isNew && named === null)
    return yield* invalid('a store in Redis needs an identity: name it with --owner');
  const namespace =
    options.isNew && named !== null
      ? yield* namespaceOf(named, place.flags.network)
      : yield* findNamespace(access, place.flags);
  return yield* RedisStore.open({ access, namespace, ...owner });
});

/** Who may write to a store, as it stands there; null when nobody ever did. */
export const readLeaseAt = Effect.fnUntraced(function* (
  place: StorePlace,
  lease: string,
): Effect.fn.Return<Lease | null, StoreOpenError | StoreError> {
  if (place.kind === 'redis') {
    const access = yield* redisAccessOf(place);
    return yield* readRedisLease({ access, namespace: yield* findNamespace(access, place.flags), lease });
  }
  const input = { file: join(place.dir, DATABASE_FILE), readOnly: true, owner: null };
  return yield* Effect.scoped(
    Effect.flatMap(openThread(input), (thread) => awaitAnswer(() => thread.ask('readLease', lease))),
  );
});
