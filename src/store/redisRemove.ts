import * as Effect from 'effect/Effect';

import type { StoreOpenError } from './errors.ts';
import type { RedisAccess } from './redisClient.ts';
import { type RedisKeys, redisKeys } from './redisKeys.ts';
import { type Connection, openRedisLink } from './redisLink.ts';
import { toStoreError } from './redisTrouble.ts';

/** Keys of one command. */
const KEYS_AT_ONCE = 200;

/** Every key of an identity, by the names it keeps itself: other keys of the server are never even listed. */
const keysOfStore = async ({ client }: Connection, keys: RedisKeys): Promise<readonly string[]> => {
  const logs = await client.hkeys(keys.logs);
  const snapshots = await client.smembers(keys.snapshots);
  const idSets = await client.smembers(keys.idSets);
  const leases = await client.smembers(keys.leases);
  const aside = await client.lrange(keys.aside, 0, -1);
  const renamed = aside.flatMap((text) => /"keptAs":"(?<key>[^"\\]+)"/.exec(text)?.groups?.['key'] ?? []);
  const fixed = [keys.meta, keys.writers, keys.writerOrder, keys.logs, keys.bytes, keys.counters];
  return [
    ...logs.flatMap((name) => [keys.log(name), keys.keysOf(name)]),
    ...snapshots.map(keys.snapshot),
    ...idSets.map(keys.ids),
    ...leases.map(keys.lease),
    ...renamed.filter((key) => key.startsWith(keys.prefix)),
    ...fixed,
    ...[keys.snapshots, keys.idSets, keys.leases, keys.aside],
  ];
};

/** Removes everything an identity keeps in a Redis, and nothing else. Answers how many keys there were. */
export const removeRedisStore = Effect.fn('store.removeRedis')(function* (options: {
  readonly access: RedisAccess;
  readonly namespace: string;
}): Effect.fn.Return<number, StoreOpenError> {
  const keys = redisKeys(options.namespace);
  const link = openRedisLink({
    access: options.access,
    anyKey: keys.meta,
    allowLoss: true,
    onLost: () => undefined,
  });
  const removed = yield* Effect.promise(() =>
    link.use(async (connection) => {
      const all = await keysOfStore(connection, keys);
      let count = 0;
      for (let from = 0; from < all.length; from += KEYS_AT_ONCE)
        count += await connection.client.del(...all.slice(from, from + KEYS_AT_ONCE));
      return count;
    }),
  );
  link.close();
  return removed.ok ? removed.value : yield* Effect.fail(toStoreError(removed.error));
});
