import { afterAll, beforeAll, describe } from 'vitest';

import { accessOf, redisPlace } from '#test/support/redisPlace.ts';
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
});
