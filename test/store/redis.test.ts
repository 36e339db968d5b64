import * as Effect from 'effect/Effect';
import * as Fiber from 'effect/Fiber';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { RedisStore } from '#src/store/redis.ts';
import { setAsideValues } from '#src/store/redisAside.ts';
import { openRedisCommits } from '#src/store/redisCommits.ts';
import { redisKeys } from '#src/store/redisKeys.ts';
import { openRedisLink, type RedisLink, runScript } from '#src/store/redisLink.ts';
import { openScript } from '#src/store/redisScripts.ts';

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

  it('does not forget the one that writes when others come again and again', async () => {
    const open = RedisStore.open({ access: accessOf(server.url), namespace: freshNamespace() });
    await Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const store = yield* open;
          yield* store.addTo('starts', 1);
          for (let come = 0; come < 70; come += 1) yield* Effect.scoped(open);
          expect(yield* store.addTo('starts', 1)).toBe(2);
        }),
      ),
    );
  });

  it('stores a record whose key a group left behind that was cut short by a lost right', async () => {
    const access = accessOf(server.url);
    const user = { ...access, username: 'cut', password: 'short' };
    const acl = (...rules: readonly string[]) =>
      Effect.promise(() => server.cli('ACL', 'SETUSER', 'cut', ...rules));
    await Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          yield* acl('on', '>short', '~*', '+@all');
          const namespace = freshNamespace();
          const store = yield* RedisStore.open({ access: user, namespace });
          yield* acl('-xadd');
          const pending = yield* Effect.forkScoped(store.append('log', [{ key: 'k', value: 'kept' }]));
          while (store.health().isWell) yield* Effect.sleep(20);
          expect(
            yield* Effect.promise(() => server.cli('HGET', redisKeys(namespace).keysOf('log'), 'k')),
          ).toBe('1');
          yield* acl('+xadd');
          expect(yield* Fiber.join(pending)).toEqual({ lastSeq: 1, duplicates: [] });
          expect(yield* store.find('log', 'k')).toMatchObject({ seq: 1, value: 'kept' });
        }),
      ),
    );
  });

  it('does not set aside a snapshot that was saved after the damaged one was read', async () => {
    const namespace = freshNamespace();
    const keys = redisKeys(namespace);
    const options = { access: accessOf(server.url), anyKey: keys.meta, allowLoss: false };
    const link = openRedisLink({ ...options, onLost: () => {} });
    const place = RedisStore.open({ access: options.access, namespace });
    const aside = (revision: number) =>
      Effect.promise(() =>
        link.use(({ client }) =>
          setAsideValues(client, keys, [{ name: 'one', seq: null, revision, reason: 'torn' }]),
        ),
      );
    await Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const store = yield* place;
          const read = yield* store.saveSnapshot({ name: 'one', version: 1, value: 'torn' });
          const saved = yield* store.saveSnapshot({ name: 'one', version: 1, value: 'whole' });
          yield* aside(read);
          expect(yield* store.loadSnapshot('one')).toMatchObject({ value: 'whole' });
          yield* aside(saved);
          expect(yield* store.loadSnapshot('one')).toBeNull();
        }),
      ),
    );
    link.close();
  });

  it('may have written what a server refuses to wait for, and writes it once', async () => {
    const keys = redisKeys(freshNamespace());
    const access = accessOf(server.url);
    const link = openRedisLink({ access, anyKey: keys.meta, allowLoss: false, onLost: () => {} });
    const claimed = [keys.meta, keys.writers, keys.writerOrder];
    await link.use(({ client }) => runScript(client, openScript, claimed, ['hhl', 1, '', 'w', 64, 0]));
    let answer: () => Promise<unknown> = () =>
      Promise.reject(Object.assign(new Error('UNBLOCKED force unblock'), { name: 'ReplyError' }));
    // A master with a replica, which is told to follow another one while its clients wait.
    const waiting: RedisLink['use'] = (work) =>
      link.use(({ client, facts }) => {
        const call = (name: string, ...args: readonly (string | number)[]) =>
          name === 'WAIT' ? answer() : client.call(name, ...args);
        const asked = new Proxy(client, {
          get: (target, name) => (name === 'call' ? call : (Reflect.get(target, name) as unknown)),
        });
        return work({ client: asked, facts: { ...facts, connectedReplicas: 1 } });
      });
    const commit = openRedisCommits({
      link: { ...link, use: waiting },
      keys,
      writer: 'w',
      onNotice: () => {},
    });
    const writes = [{ kind: 'addTo', counter: 'one', by: 1 }] as const;
    const first = await commit(writes, { id: 1, attempt: 1, fence: null });
    expect(first).toMatchObject({ ok: false, error: { kind: 'trouble', isUnknown: true } });
    const changes = async () =>
      Number(/rdb_changes_since_last_save:(\d+)/.exec(await server.cli('INFO', 'persistence'))?.[1]);
    const before = await changes();
    answer = () => Promise.resolve(1);
    const again = await commit(writes, { id: 1, attempt: 2, fence: null });
    expect(again).toEqual({ ok: true, value: [{ kind: 'added', value: 1 }] });
    // WAIT counts from the last write of a connection: without one it would confirm nothing.
    expect(await changes()).toBeGreaterThan(before);
    link.close();
  });
});
