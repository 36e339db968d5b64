import * as Effect from 'effect/Effect';

import type { Lease } from './lease.ts';
import type { RedisAccess } from './redisClient.ts';
import { redisKeys } from './redisKeys.ts';
import { openRedisLeases } from './redisLeases.ts';
import { openRedisLink } from './redisLink.ts';
import { toStoreError } from './redisTrouble.ts';
import { awaitAnswer } from './storeReader.ts';

/** One identity's keys in a Redis. */
export type RedisIdentity = {
  readonly namespace: string;
  /** Null where the store was made for nobody in particular. */
  readonly owner: string | null;
};

/** A server with more keys than this between ours is searched no further: the identity has to be named. */
const MAX_SCANS = 5_000;
const SCAN_COUNT = 1_000;
const MAX_FOUND = 256;
const META = /^miaoai:\{(.+)\}:meta$/;

const linkTo = (access: RedisAccess, anyKey: string) =>
  Effect.acquireRelease(
    Effect.sync(() => openRedisLink({ access, anyKey, allowLoss: true, onLost: () => undefined })),
    (link) => Effect.sync(() => link.close()),
  );

/** Whose stores a Redis holds, by namespace; of a cluster, those of one node. Reads only. */
export const findRedisStores = Effect.fn('store.findRedisStores')(function* (access: RedisAccess) {
  const link = yield* linkTo(access, redisKeys('any').meta);
  const found = yield* Effect.promise(() =>
    link.use(async ({ client }) => {
      const identities = new Map<string, RedisIdentity>();
      let cursor = '0';
      for (let scans = 0; scans < MAX_SCANS && identities.size < MAX_FOUND; scans += 1) {
        const [next, keys] = await client.scan(cursor, 'MATCH', 'miaoai:{*}:meta', 'COUNT', SCAN_COUNT);
        for (const key of keys) {
          const namespace = META.exec(key)?.[1];
          if (namespace === undefined || redisKeys(namespace).meta !== key) continue;
          const owner = await client.hget(key, 'owner');
          identities.set(namespace, { namespace, owner: owner === null || owner === '' ? null : owner });
        }
        cursor = next;
        if (cursor === '0') break;
      }
      return [...identities.values()].sort((a, b) => (a.namespace < b.namespace ? -1 : 1));
    }),
  );
  if (!found.ok) return yield* toStoreError(found.error);
  return found.value;
}, Effect.scoped);

/** Who may write to a store in Redis; null when nobody ever did. Reads only. */
export const readRedisLease = Effect.fn('store.readRedisLease')(function* (given: {
  readonly access: RedisAccess;
  readonly namespace: string;
  readonly lease: string;
}) {
  const keys = redisKeys(given.namespace);
  const link = yield* linkTo(given.access, keys.meta);
  const lease: Lease | null = yield* awaitAnswer(() =>
    openRedisLeases(link, keys).ask('readLease', given.lease),
  );
  return lease;
}, Effect.scoped);
