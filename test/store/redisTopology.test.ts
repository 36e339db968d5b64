import { readFileSync } from 'node:fs';
import * as Effect from 'effect/Effect';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { accessOf, redisPlace } from '#test/support/redisPlace.ts';
import { hasRedis, missingRedis } from '#test/support/redisServer.ts';
import {
  type ClusterOfThree,
  startCluster,
  startSentinelTrio,
  startSocketServer,
  startTlsServer,
  type Topology,
  type Trio,
} from '#test/support/redisTopology.ts';

import { storeConformance } from './conformance.ts';
import { usingStore } from './conformancePlace.ts';

/**
 * Sentinels and the nodes of a cluster need seconds to find each other, nearly all of it waiting: they do so while the
 * tests before theirs run, which wait for nothing here.
 */
let starting: { readonly cluster: Promise<ClusterOfThree>; readonly trio: Promise<Trio> } | null = null;
beforeAll(() => {
  if (!hasRedis) return;
  starting = { cluster: startCluster(), trio: startSentinelTrio() };
  // A start that failed is told by the tests that need it.
  for (const start of Object.values(starting)) start.catch(() => undefined);
});
afterAll(async () => {
  await Promise.allSettled(Object.values(starting ?? {}).map(async (start) => (await start).stop()));
});
/** What was started for the whole file. */
const started = (): NonNullable<typeof starting> => {
  if (starting === null) throw new Error(missingRedis);
  return starting;
};

const sum = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);

describe.skipIf(!hasRedis)('store / redis with TLS and an ACL user', () => {
  let server: Topology & { readonly caFile: string };
  beforeAll(async () => {
    server = await startTlsServer();
  });
  afterAll(() => server.stop());

  storeConformance({
    name: 'TLS',
    place: () => {
      const access = accessOf(server.url, { ca: readFileSync(server.caFile, 'utf8') });
      return Promise.resolve(redisPlace(access, server.cli));
    },
  });

  it('refuses a certificate of an authority it does not know, and names the setting', async () => {
    const place = redisPlace(accessOf(server.url), server.cli, { openPatienceMs: 0 });
    const error = await Effect.runPromise(Effect.scoped(Effect.flip(place.open())));
    expect(error._tag).toBe('StoreInvalid');
    expect(error.message).toMatch(/certificate.*--redis-ca-file/);
  });

  it('says which rights a user lacks, and never the password', async () => {
    await server.cli(
      'ACL',
      'SETUSER',
      'weak',
      'on',
      '>the password',
      '~miaoai:*',
      '+@all',
      '-xadd',
      '-@dangerous',
      '+info',
    );
    const url = server.url.replace(/\/\/.*@/, '//weak:the%20password@');
    const access = accessOf(url, { ca: readFileSync(server.caFile, 'utf8') });
    const place = redisPlace(access, server.cli);
    const error = await Effect.runPromise(Effect.scoped(Effect.flip(place.open())));
    expect(error.message).toMatch(/its user may not run XADD.* on miaoai:\{.*\}:\*/);
    expect(error.message).not.toContain('the password');
  });
});

describe.skipIf(!hasRedis)('store / redis on a Unix socket', () => {
  let server: Topology;
  beforeAll(async () => {
    server = await startSocketServer();
  });
  afterAll(() => server.stop());

  storeConformance({
    name: 'Unix socket',
    place: () => Promise.resolve(redisPlace(accessOf(server.url), server.cli)),
  });
});

describe.skipIf(!hasRedis)('store / redis cluster', () => {
  let cluster: ClusterOfThree;
  beforeAll(async () => {
    cluster = await started().cluster;
  }, 30_000);

  storeConformance({
    name: 'cluster',
    place: () => Promise.resolve(redisPlace(accessOf(cluster.url), cluster.cli)),
  });

  it('keeps all keys of an identity in one slot, and says that a single URL leads to a node', async () => {
    const first = cluster.nodes[0];
    const place = redisPlace(accessOf(first?.url ?? ''), cluster.cli, { openPatienceMs: 0 });
    const error = await Effect.runPromise(Effect.scoped(Effect.flip(place.open())));
    expect(error.message).toContain('redis+cluster://');
  });
});

describe.skipIf(!hasRedis)('store / redis sentinels', () => {
  let trio: Trio;
  beforeAll(async () => {
    trio = await started().trio;
  }, 30_000);

  storeConformance({
    name: 'sentinel',
    place: () => Promise.resolve(redisPlace(accessOf(trio.url), trio.cli)),
  });

  it('goes on with the new master, with everything that was acknowledged and nothing twice', async () => {
    const place = redisPlace(accessOf(trio.url, { timeoutMs: 1_000 }), trio.cli);
    await usingStore(place, (store) =>
      Effect.gen(function* () {
        const write = (n: number) => store.append('log', [{ key: `k${n}`, value: n }]);
        yield* Effect.all(sum(0, 200).map(write), { concurrency: 64 });
        yield* Effect.promise(() => trio.servers[0]?.kill() ?? Promise.resolve());
        yield* Effect.all(sum(200, 400).map(write), { concurrency: 64 });
        const records = yield* store.read('log', { after: 0, limit: 1_000 });
        expect(records.map(({ seq }) => seq)).toEqual(sum(1, 401));
        expect(new Set(records.map(({ key }) => key)).size).toBe(400);
        expect(store.health().isWell).toBe(true);
      }),
    );
  }, 30_000);
});
