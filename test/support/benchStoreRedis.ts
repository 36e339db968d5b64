import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as Effect from 'effect/Effect';
import { RedisStore } from '#src/store/redis.ts';
import { redisNamespace } from '#src/store/redisKeys.ts';
import { parseRedisUrl } from '#src/store/redisUrl.ts';
import type { Store } from '#src/store/store.ts';
import { startRedisServer } from './redisServer.ts';

const timeoutMs = 5_000;

/** A server of its own, on loopback and on the disk of the temporary folder, for as long as `use` takes. */
const withServer = async <A>(
  appendFsync: 'everysec' | 'always',
  use: (server: { readonly url: string; readonly bytes: () => number }) => Promise<A>,
): Promise<A> => {
  const server = await startRedisServer({
    // The server would rewrite the file now and then, and the bytes of a record with it.
    config: [`appendfsync ${appendFsync}`, 'auto-aof-rewrite-percentage 0'],
  });
  try {
    const folder = join(server.dir, 'appendonlydir');
    const bytes = () => readdirSync(folder).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
    return await use({ url: server.url, bytes });
  } finally {
    await server.stop();
  }
};

/** Runs `measure` on a store in Redis with append-only files; `everysec` can lose a second to a power cut. */
export const measureOnRedis = <A>(
  appendFsync: 'everysec' | 'always',
  measure: (store: Store, fileBytes: () => number) => Promise<A>,
): Promise<A> =>
  withServer(appendFsync, ({ url, bytes }) => {
    const target = parseRedisUrl(url);
    if (!target.ok) throw new Error(`${url} is not the URL of a Redis`);
    const access = {
      target: target.value,
      username: null,
      password: null,
      sentinelPassword: null,
      ca: null,
      timeoutMs,
    };
    const namespace = redisNamespace({ network: 'bench', netuid: 86, hotkey: 'bench', role: 'validator' });
    return Effect.gen(function* () {
      const store = yield* RedisStore.open({ access, namespace });
      return yield* Effect.promise(() => measure(store, bytes));
    }).pipe(Effect.scoped, Effect.runPromise);
  });
