import { randomBytes } from 'node:crypto';
import * as Effect from 'effect/Effect';

import { maskNetwork } from '../../domain/endpoint.ts';
import { identityFromUri, keysReady } from '../../keys/identity.ts';
import { type ReadStoreOptions, redisAccess, type StoreChoice } from '../../store/openStore.ts';
import { redisNamespace } from '../../store/redisKeys.ts';
import { removeRedisStore } from '../../store/redisRemove.ts';
import { demoNetuid } from './demoGenesis.ts';

type Role = 'validator' | 'miner';

const choiceOf = (redis: string | null): StoreChoice => ({
  store: redis === null ? 'embedded' : 'redis',
  redis,
  redisHost: null,
  redisPort: 6379,
  redisDb: 0,
  redisUsername: null,
  redisPassword: null,
  redisPasswordFile: null,
  redisSentinelPasswordFile: null,
  redisCaFile: null,
  redisAllowLoss: false,
});

/**
 * Where the daemons of one demo keep their state: each in its folder, or all of them in one Redis. The chain is a new
 * one each time, so there the name of the network is new each time as well, and no demo meets the keys of another.
 */
export const openDemoStores = async (redis: string | null) => {
  await keysReady();
  const network = redis === null ? 'local' : `ws://miaoai-demo-${randomBytes(6).toString('hex')}.invalid`;
  const settings = choiceOf(redis);
  /** Namespaces by owner. */
  const used = new Map<string, string>();

  const identityOf = (role: Role, uri: string) => {
    const identity = identityFromUri(uri);
    const hotkey = identity.ok ? identity.value.hotkey : uri;
    return {
      owner: `${maskNetwork(network)}/${demoNetuid}/${hotkey}/${role}`,
      namespace: redisNamespace({ network, netuid: demoNetuid, hotkey, role }),
    };
  };

  return {
    /** Flags of a daemon. */
    args: (role: Role, uri: string): readonly string[] => {
      const { owner, namespace } = identityOf(role, uri);
      used.set(owner, namespace);
      return ['--network', network, ...(redis === null ? ['--store', 'embedded'] : ['--redis', redis])];
    },
    /** The store of a daemon whose data folder is `dir`, to be read. */
    read: (role: Role, uri: string, dir: string): ReadStoreOptions => ({
      settings,
      dir,
      ...identityOf(role, uri),
    }),
    /** Whose stores are in Redis, as `--owner` of `miaoai store` takes them; none for folders. */
    owners: (): readonly string[] => (redis === null ? [] : [...used.keys()]),
    /** Removes what the daemons kept in Redis, and nothing else. */
    remove: async (): Promise<void> => {
      if (redis === null) return;
      const access = await Effect.runPromise(redisAccess(settings));
      for (const namespace of used.values()) await Effect.runPromise(removeRedisStore({ access, namespace }));
    },
  };
};

export type DemoStores = Awaited<ReturnType<typeof openDemoStores>>;
