import { execFileSync } from 'node:child_process';
import * as Effect from 'effect/Effect';
import * as Schedule from 'effect/Schedule';
import { afterEach, describe, expect, it } from 'vitest';

import type { StoreError } from '#src/store/errors.ts';
import type { StoreHealth, StoreTrouble } from '#src/store/health.ts';
import { RedisStore, type RedisStoreOptions } from '#src/store/redis.ts';
import { redisKeys } from '#src/store/redisKeys.ts';
import { ASIDE_KEPT } from '#src/store/redisScripts.ts';
import type { StoreHandle } from '#src/store/store.ts';
import { accessOf, freshNamespace } from '#test/support/redisPlace.ts';
import { openRedisProxy } from '#test/support/redisProxy.ts';
import {
  freeRedisPort,
  hasRedis,
  type RedisServer,
  type RedisServerOptions,
  startRedisServer,
} from '#test/support/redisServer.ts';
import { until } from '#test/support/redisTopology.ts';

const servers: RedisServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

const serve = async (options: RedisServerOptions = {}): Promise<RedisServer> => {
  const server = await startRedisServer(options);
  servers.push(server);
  return server;
};

type Opened = {
  readonly store: StoreHandle;
  readonly notices: readonly string[];
  readonly keys: ReturnType<typeof redisKeys>;
  /** Every trouble heard of so far. */
  readonly heard: StoreHealth[];
};

/** Runs `use` on a store in the server; timeouts are short so that a frozen server is noticed soon. */
const withStore = (
  server: RedisServer,
  use: (opened: Opened) => Promise<void>,
  more: Partial<RedisStoreOptions> = {},
): Promise<void> => {
  const namespace = freshNamespace();
  const notices: string[] = [];
  const access = accessOf(server.url, { timeoutMs: 300 });
  const open = RedisStore.open({
    access,
    namespace,
    onNotice: (message) => notices.push(message),
    patienceMs: 15_000,
    ...more,
  });
  return Effect.runPromise(
    Effect.scoped(
      Effect.flatMap(open, (store) => {
        const heard: StoreHealth[] = [];
        store.onHealth((health) => heard.push(health));
        return Effect.promise(() => use({ store, notices, keys: redisKeys(namespace), heard }));
      }),
    ),
  );
};

const append = (store: StoreHandle, n: number) =>
  Effect.runPromise(store.append('log', [{ key: `k${n}`, value: n }]));
/**
 * Writes wait for a server that is slow, reads do not: on a busy machine one of them can take longer than the short
 * timeout of these tests, and is asked again then.
 */
const patiently = <A>(read: Effect.Effect<A, StoreError>): Promise<A> =>
  Effect.runPromise(
    Effect.retry(read, {
      schedule: Schedule.spaced('100 millis'),
      times: 50,
      while: ({ _tag }) => _tag === 'StoreUnavailable',
    }),
  );
const valuesIn = async (store: StoreHandle): Promise<readonly unknown[]> =>
  (await patiently(store.read('log', { after: 0, limit: 10_000 }))).map(({ value }) => value);
const openError = (options: RedisStoreOptions) =>
  Effect.runPromise(Effect.scoped(Effect.flip(RedisStore.open(options))));

/** Waits for a trouble of this kind and answers its message. */
const troubleOf = async ({ heard }: Opened, trouble: StoreTrouble): Promise<string> => {
  const found = () => heard.find((health) => !health.isWell && health.trouble === trouble);
  await until(`trouble ${trouble}, heard ${JSON.stringify(heard)}`, () =>
    Promise.resolve(found() !== undefined),
  );
  const health = found();
  return health === undefined || health.isWell ? '' : health.message;
};

describe.skipIf(!hasRedis)('store / redis in trouble', () => {
  it('waits while the server is gone, and writes what waited once when it is back', async () => {
    const server = await serve();
    await withStore(server, async (opened) => {
      const { store } = opened;
      await append(store, 0);
      await server.kill();
      const waiting = [1, 2, 3].map((n) => append(store, n));
      expect(await troubleOf(opened, 'unreachable')).toContain(`redis://127.0.0.1:${server.port}`);
      await server.start();
      await Promise.all(waiting);
      expect(await valuesIn(store)).toEqual([0, 1, 2, 3]);
      expect(store.health()).toEqual({ isWell: true });
    });
  });

  it('takes a frozen server for slow, and what it executes late is written once', async () => {
    const server = await serve();
    await withStore(server, async (opened) => {
      const { store } = opened;
      await append(store, 0);
      server.freeze();
      const waiting = [
        Effect.runPromise(store.addTo('counter', 5)),
        Effect.runPromise(store.useIds('set', ['a', 'b'])),
        Effect.runPromise(store.saveSnapshot({ name: 's', version: 1, value: 1, revision: null })),
      ];
      expect(await troubleOf(opened, 'slow')).toContain('does not answer in time');
      server.resume();
      expect(await Promise.all(waiting)).toEqual([5, [], 1]);
      expect(await Effect.runPromise(store.addTo('counter', 1))).toBe(6);
    });
  });

  it('answers writes whose answer was lost with their first results, and writes them once', async () => {
    const server = await serve();
    const proxy = await openRedisProxy(server.port);
    await withStore({ ...server, url: `redis://127.0.0.1:${proxy.port}` }, async ({ store }) => {
      await append(store, 0);
      proxy.loseNextAnswer();
      const results = await Promise.all([
        Effect.runPromise(store.addTo('counter', 5)),
        Effect.runPromise(store.saveSnapshot({ name: 's', version: 1, value: 1, revision: null })),
        Effect.runPromise(store.useIds('set', ['a', 'b'])),
        Effect.runPromise(store.append('log', [{ value: 'without a key' }])),
      ]);
      expect(results).toEqual([5, 1, [], { lastSeq: 2, duplicates: [] }]);
      expect(proxy.lostAnswers()).toBe(1);
      expect(await valuesIn(store)).toEqual([0, 'without a key']);
      expect(await patiently(store.counters)).toEqual({ counter: 5 });
    });
    proxy.close();
  });

  it('takes a lease once whose answer was lost', async () => {
    const server = await serve();
    const proxy = await openRedisProxy(server.port);
    await withStore({ ...server, url: `redis://127.0.0.1:${proxy.port}` }, async ({ store }) => {
      proxy.loseNextAnswer();
      const taking = { name: 'writer', holder: 'a host, pid 1', over: null };
      const lost = await Effect.runPromise(Effect.flip(store.takeLease(taking)));
      expect(lost._tag).toBe('StoreUnavailable');
      const again = await Effect.runPromise(store.takeLease(taking));
      expect(again).toEqual({ name: 'writer', token: 1, holder: 'a host, pid 1', beat: 0 });
    });
    proxy.close();
  });

  it('names the memory limit when the server is full, and goes on when there is room', async () => {
    const server = await serve();
    await withStore(server, async (opened) => {
      const { store } = opened;
      await append(store, 0);
      await server.cli('CONFIG', 'SET', 'maxmemory', '1mb');
      const waiting = append(store, 1);
      expect(await troubleOf(opened, 'memory')).toContain('raise maxmemory');
      await server.cli('CONFIG', 'SET', 'maxmemory', '0');
      await waiting;
      expect(await valuesIn(store)).toEqual([0, 1]);
    });
  });

  it('leaves a server that became a read-only replica, and waits for a master', async () => {
    const server = await serve();
    await withStore(server, async (opened) => {
      const { store } = opened;
      await append(store, 0);
      await server.cli('REPLICAOF', '127.0.0.1', '1');
      const waiting = append(store, 1);
      expect(await troubleOf(opened, 'readOnly')).toContain('replica');
      await server.cli('REPLICAOF', 'NO', 'ONE');
      await waiting;
      expect(await valuesIn(store)).toEqual([0, 1]);
    });
  });

  it('tells that a server reads its data set, and waits until it has', async () => {
    const server = await serve({
      config: ['key-load-delay 2000', 'loading-process-events-interval-bytes 1024'],
    });
    await withStore(server, async (opened) => {
      const { store } = opened;
      for (let n = 0; n < 3; n += 1) await append(store, n);
      await server.cli('EVAL', "for i=1,400 do redis.call('SET','other'..i,string.rep('x',200)) end", '0');
      // The delay is one per key of a rewritten file.
      await server.cli('BGREWRITEAOF');
      await until('a rewritten file', async () => {
        const info = await server.cli('INFO', 'persistence');
        return info.includes('aof_rewrite_in_progress:0') && /aof_rewrites:[1-9]/.test(info);
      });
      await server.kill();
      await server.start({ isAwaited: false });
      const waiting = append(store, 3);
      expect(await troubleOf(opened, 'loading')).toContain('reads its data');
      await waiting;
      expect(await valuesIn(store)).toEqual([0, 1, 2, 3]);
    });
  });

  it('tells that the server cannot persist, and what its operator can do', async () => {
    const server = await serve();
    await withStore(server, async (opened) => {
      const { store } = opened;
      await append(store, 0);
      await server.cli('CONFIG', 'SET', 'save', '3600 1000000', 'rdb-key-save-delay', '10000000');
      await server.cli('BGSAVE');
      const pid = /process_id:(\d+)/.exec(await server.cli('INFO', 'server'))?.[1] ?? '';
      const child = Number(execFileSync('pgrep', ['-P', pid], { encoding: 'utf8' }).trim());
      process.kill(child, 'SIGKILL');
      await until('a failed save', async () =>
        (await server.cli('INFO', 'persistence')).includes('rdb_last_bgsave_status:err'),
      );
      const waiting = append(store, 1);
      expect(await troubleOf(opened, 'misconfigured')).toMatch(/cannot write to its disk.*MISCONF/);
      await server.cli('CONFIG', 'SET', 'save', '', 'rdb-key-save-delay', '0');
      await waiting;
    });
  });

  it('tells that a right was taken away, and goes on when it is back', async () => {
    const server = await serve();
    await withStore(server, async (opened) => {
      const { store } = opened;
      await append(store, 0);
      await server.cli('ACL', 'SETUSER', 'default', '-evalsha', '-eval');
      const waiting = append(store, 1);
      expect(await troubleOf(opened, 'misconfigured')).toContain('docs/redis.md');
      await server.cli('ACL', 'SETUSER', 'default', '+@all');
      await waiting;
      expect(await valuesIn(store)).toEqual([0, 1]);
    });
  });

  it('keeps everything acknowledged, once each, while the server is killed again and again under 64 writers', async () => {
    const server = await serve();
    await withStore(server, async ({ store }) => {
      const acknowledged: { readonly key: string; readonly seq: number }[] = [];
      let isOver = false;
      const write = async (writer: number): Promise<void> => {
        for (let n = 0; !isOver; n += 1) {
          const key = `${writer}/${n}`;
          const { lastSeq } = await Effect.runPromise(store.append('log', [{ key, value: n }]));
          acknowledged.push({ key, seq: lastSeq });
          await Effect.runPromise(store.addTo('written', 1));
        }
      };
      const writers = Array.from({ length: 64 }, (_, writer) => write(writer));
      for (let round = 0; round < 3; round += 1) {
        await new Promise((resolve) => setTimeout(resolve, 150));
        await server.kill();
        await server.start();
      }
      isOver = true;
      await Promise.all(writers);
      const stored = new Map<string, number>();
      let after = 0;
      for (;;) {
        const page = await patiently(store.read('log', { after, limit: 10_000 }));
        for (const { seq, key } of page) stored.set(key ?? '', seq);
        if (page.length === 0) break;
        after = page.at(-1)?.seq ?? after;
      }
      expect(acknowledged.length).toBeGreaterThan(64);
      expect(acknowledged.filter(({ key, seq }) => stored.get(key) !== seq)).toEqual([]);
      expect(stored.size).toBe(after);
      expect(stored.size).toBe(acknowledged.length);
      expect(await patiently(store.counters)).toEqual({ written: acknowledged.length });
    });
  }, 30_000);

  it('says so and stops when the server has lost what it had acknowledged', async () => {
    const server = await serve();
    await withStore(server, async ({ store }) => {
      await append(store, 0);
      await server.cli('FLUSHALL');
      const error = await Effect.runPromise(Effect.flip(store.append('log', [{ value: 1 }])));
      expect(error._tag).toBe('StoreCorrupt');
      expect(error.message).toMatch(/does not know this process any more.*restart/);
    });
  });
});

describe.skipIf(!hasRedis)('store / redis at its start', () => {
  it('refuses a server that would lose state, with the setting to change, unless told otherwise', async () => {
    const lossy = await serve({ appendOnly: false });
    const options = { access: accessOf(lossy.url), namespace: freshNamespace() };
    const error = await openError(options);
    expect(error._tag).toBe('StoreInvalid');
    expect(error.message).toMatch(/appendonly is no.*--redis-allow-loss/);
    await withStore(
      lossy,
      async ({ store, notices }) => {
        await append(store, 1);
        expect(notices.join()).toContain('may lose state');
        expect(await lossy.cli('CONFIG', 'GET', 'appendonly')).toContain('no');
      },
      { allowLoss: true },
    );
    const evicting = await serve({ config: ['maxmemory-policy allkeys-lru'] });
    const evicted = await openError({ access: accessOf(evicting.url), namespace: freshNamespace() });
    expect(evicted.message).toMatch(/maxmemory-policy is allkeys-lru.*noeviction/);
  });

  it('reads the settings from INFO where CONFIG is not permitted, and refuses where neither is', async () => {
    const server = await serve();
    await server.cli('ACL', 'SETUSER', 'default', '-config');
    await withStore(server, async ({ notices }) => {
      expect(notices.join()).toContain('does not permit CONFIG GET');
    });
    await server.cli('ACL', 'SETUSER', 'default', '-info');
    const error = await openError({ access: accessOf(server.url), namespace: freshNamespace() });
    expect(error.message).toMatch(/let the user run INFO/);
  });

  it('names what is wrong with a password, and never the password', async () => {
    const port = await freeRedisPort();
    await serve({ port, config: ['requirepass correct'], cliArgs: ['-p', String(port), '-a', 'correct'] });
    const options = { namespace: freshNamespace() };
    const none = await openError({ ...options, access: accessOf(`redis://127.0.0.1:${port}`) });
    expect(none.message).toMatch(/wants a password.*--redis-password-file/);
    expect(none).toMatchObject({ _tag: 'StoreInvalid', isSetting: true });
    const wrong = await openError({ ...options, access: accessOf(`redis://:hunter2@127.0.0.1:${port}`) });
    expect(wrong.message).toMatch(/refuses user or password/);
    expect(JSON.stringify(wrong)).not.toContain('hunter2');
  });

  it('refuses a replica, and a server that is not there after the patience', async () => {
    const replica = await serve({ config: ['replicaof 127.0.0.1 1'] });
    const options = { namespace: freshNamespace(), openPatienceMs: 0 };
    const error = await openError({ ...options, access: accessOf(replica.url) });
    expect(error.message).toMatch(/replica.*address of the master/);
    await replica.stop();
    const gone = await openError({ ...options, access: accessOf(replica.url) });
    expect(gone._tag).toBe('StoreUnavailable');
    expect(gone.message).toContain('ECONNREFUSED');
    expect(gone.message).toContain('check that the server runs');
  });
});

describe.skipIf(!hasRedis)('store / redis among strangers', () => {
  it('sets keys and entries of others aside, says so, and goes on', async () => {
    const server = await serve();
    await withStore(server, async ({ store, notices, keys }) => {
      for (const n of [1, 2]) await append(store, n);
      await server.cli('XADD', keys.log('log'), '*', 'foreign', 'entry');
      await append(store, 3);
      expect(await valuesIn(store)).toEqual([1, 2, 3]);
      await server.cli('SET', keys.snapshot('epoch'), 'mine');
      await Effect.runPromise(store.saveSnapshot({ name: 'epoch', version: 1, value: 7 }));
      expect((await patiently(store.loadSnapshot('epoch')))?.value).toBe(7);
      await server.cli('SET', keys.log('other'), 'mine');
      expect(await patiently(store.read('other', { after: 0, limit: 1 }))).toEqual([]);
      await server.cli('HSET', keys.counters, 'broken', 'many');
      expect(await Effect.runPromise(store.addTo('broken', 2))).toBe(2);
      const aside = await patiently(store.setAside);
      expect(aside.map(({ name }) => name).toSorted()).toEqual(['broken', 'epoch', 'log', 'other']);
      expect(notices).toHaveLength(3);
      expect(await server.cli('EVAL', "return #redis.call('KEYS', '*set-aside*')", '0')).toBe('2');
    });
  });

  it('keeps the newest of what it set aside, and not all of it for ever', async () => {
    const server = await serve();
    await withStore(server, async ({ store, keys }) => {
      await append(store, 1);
      const old = `${keys.prefix}set-aside:old`;
      await server.cli('SET', old, 'mine');
      const entry = JSON.stringify({ kind: 'record', name: 'old', reason: 'it was', keptAs: old, atMs: 1 });
      const fill = "for n = 1, tonumber(ARGV[2]) do redis.call('RPUSH', KEYS[1], ARGV[1]) end";
      await server.cli('EVAL', fill, '1', keys.aside, entry, String(ASIDE_KEPT));
      for (const n of [1, 2, 3]) await server.cli('XADD', keys.log('log'), '*', 'foreign', String(n));
      await append(store, 2);
      expect(await valuesIn(store)).toEqual([1, 2]);
      expect(await server.cli('LLEN', keys.aside)).toBe(String(ASIDE_KEPT));
      expect(await server.cli('EXISTS', old)).toBe('0');
      const aside = await patiently(store.setAside);
      expect(aside.slice(0, 4).map(({ name }) => name)).toEqual(['log', 'log', 'log', 'old']);
    });
  });

  it('never sets an expiry and touches no key of others', async () => {
    const server = await serve();
    await server.cli('SET', 'theirs', 'value');
    await withStore(server, async ({ store }) => {
      await append(store, 1);
      await Effect.runPromise(store.addTo('counter', 1));
      const expiring =
        "local n=0 for _,k in ipairs(redis.call('KEYS','*')) do if redis.call('TTL',k)~=-1 then n=n+1 end end return n";
      expect(await server.cli('EVAL', expiring, '0')).toBe('0');
      expect(await server.cli('GET', 'theirs')).toBe('value');
    });
  });
});
