import * as Effect from 'effect/Effect';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { RedisStore } from '#src/store/redis.ts';

import { accessOf, freshNamespace, redisPlace } from '#test/support/redisPlace.ts';
import { hasRedis, type RedisServer, startRedisServer } from '#test/support/redisServer.ts';

import { storeConformance } from './conformance.ts';

let server: RedisServer;

describe.skipIf(!hasRedis)('store / redis', () => {
  beforeAll(async () => {
    server = await startRedisServer();
  });
  afterAll(() => server.stop());

  storeConformance({
    name: 'a single server',
    place: () => Promise.resolve(redisPlace(accessOf(server.url), server.cli)),
  });

  it('writes what many callers want in few scripts, and is well again after an idle connection was closed', async () => {
    const open = RedisStore.open({ access: accessOf(server.url), namespace: freshNamespace() });
    await Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const store = yield* open;
          const writes = Array.from({ length: 2_000 }, (_, n) =>
            store.append('log', [{ key: `k${n}`, value: n }]),
          );
          yield* Effect.all(writes, { concurrency: 'unbounded' });
          expect(store.commitCounters().rows).toBe(2_000);
          expect(store.commitCounters().commits).toBeLessThan(40);
          yield* Effect.promise(() => server.cli('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'));
          yield* store.probe;
          expect(yield* store.lastSeq('log')).toBe(2_000);
          expect(store.health()).toEqual({ isWell: true });
        }),
      ),
    );
  });
});
