import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as Effect from 'effect/Effect';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import {
  type OpenStoreOptions,
  openConfiguredStore,
  readConfiguredStore,
  redisAccess,
  type StoreChoice,
} from '#src/store/openStore.ts';
import { redisKeys, redisNamespace } from '#src/store/redisKeys.ts';
import { removeRedisStore } from '#src/store/redisRemove.ts';
import { freeRedisPort, hasRedis, type RedisServer, startRedisServer } from '#test/support/redisServer.ts';

const embedded: StoreChoice = {
  store: 'embedded',
  redis: null,
  redisHost: null,
  redisPort: 6379,
  redisDb: 0,
  redisUsername: null,
  redisPassword: null,
  redisPasswordFile: null,
  redisSentinelPasswordFile: null,
  redisCaFile: null,
  redisAllowLoss: false,
};

describe.skipIf(!hasRedis)('store / redis by its settings', () => {
  let server: RedisServer;
  let folder: string;
  let settings: StoreChoice;
  const identity = (hotkey: string) => ({
    dir: join(folder, hotkey),
    owner: `finney/86/${hotkey}/miner`,
    namespace: redisNamespace({ network: 'finney', netuid: 86, hotkey, role: 'miner' }),
  });
  const place = (hotkey: string, more: Partial<OpenStoreOptions> = {}): OpenStoreOptions => ({
    settings,
    shared: false,
    ...identity(hotkey),
    ...more,
  });
  const run = <A, E>(effect: Effect.Effect<A, E>) => Effect.runPromise(effect);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'miaoai-redis-settings-'));
    const port = await freeRedisPort();
    server = await startRedisServer({
      port,
      config: ['requirepass "from a file"'],
      cliArgs: ['-p', String(port), '-n', '2', '-a', 'from a file'],
    });
    const redisPasswordFile = join(folder, 'password');
    writeFileSync(redisPasswordFile, 'from a file\n');
    settings = { ...embedded, store: 'redis', redisPort: port, redisDb: 2, redisPasswordFile };
  });
  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('opens either kind by the same call, and reads it beside its daemon', async () => {
    for (const choice of [embedded, settings]) {
      const options = place(`5either${choice.store}`, { settings: choice });
      const values = Effect.scoped(
        Effect.gen(function* () {
          const store = yield* openConfiguredStore(options);
          yield* store.append('log', [{ value: choice.store }]);
          const reader = yield* readConfiguredStore(options);
          expect(yield* reader.owner).toBe(options.owner);
          return yield* reader.read('log', { after: 0, limit: 9 });
        }),
      );
      expect((await run(values)).map(({ value }) => value)).toEqual([choice.store]);
    }
  });

  it('lets one daemon use a data folder, with Redis as well, unless it is shared', async () => {
    const tag = await run(
      Effect.scoped(
        Effect.gen(function* () {
          yield* openConfiguredStore(place('5locked'));
          return (yield* Effect.flip(openConfiguredStore(place('5locked'))))._tag;
        }),
      ),
    );
    expect(tag).toBe('DataDirLocked');
  });

  it('reads passwords and certificates from files, and says which setting is wrong', async () => {
    expect(await run(redisAccess(settings))).toMatchObject({ password: 'from a file', target: { db: 2 } });
    const missing = run(Effect.flip(redisAccess({ ...settings, redisCaFile: '/nowhere/ca.pem' })));
    expect((await missing).message).toMatch(/ENOENT.*--redis-ca-file/);
    const empty = join(folder, 'empty');
    writeFileSync(empty, '\n');
    const none = run(Effect.flip(redisAccess({ ...settings, redisPasswordFile: empty })));
    expect((await none).message).toMatch(/holds no password/);
  });

  it('tells a reader that there is no store yet', async () => {
    const error = await run(Effect.scoped(Effect.flip(readConfiguredStore(place('5nobody')))));
    expect(error._tag).toBe('StoreInvalid');
    expect(error.message).toContain('there is no store under miaoai:{finney:86:5nobody:miner}:*');
  });

  it('removes all keys of one identity and none of another', async () => {
    for (const hotkey of ['5gone', '5stays'])
      await run(
        Effect.scoped(
          Effect.gen(function* () {
            const store = yield* openConfiguredStore(place(hotkey));
            yield* store.append('log', [{ key: 'k', value: 1 }]);
            yield* store.saveSnapshot({ name: 's', version: 1, value: 1 });
            yield* store.useIds('ids', ['a']);
            yield* store.addTo('n', 1);
            yield* store.takeLease({ name: 'writer', holder: 'h', over: null });
          }),
        ),
      );
    const keysOf = async (hotkey: string) => {
      const pattern = `${redisKeys(identity(hotkey).namespace).prefix}*`;
      return (await server.cli('KEYS', pattern)).split('\n').filter((line) => line !== '');
    };
    expect((await keysOf('5gone')).length).toBeGreaterThan(8);
    const access = await run(redisAccess(settings));
    await run(removeRedisStore({ access, namespace: identity('5gone').namespace }));
    expect(await keysOf('5gone')).toEqual([]);
    expect((await keysOf('5stays')).length).toBeGreaterThan(8);
  });

  it('makes no part of a key of what providers use as a credential', () => {
    const network = 'wss://user:hunter2@node.example/v1/apikey?token=t';
    const namespace = redisNamespace({ network, netuid: 86, hotkey: '5F', role: 'validator' });
    expect(namespace).toMatch(/^node\.example-[0-9a-f]{8}:86:5F:validator$/);
  });
});
