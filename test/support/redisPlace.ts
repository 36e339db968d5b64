import { RedisStore, type RedisStoreOptions } from '#src/store/redis.ts';
import type { RedisAccess } from '#src/store/redisClient.ts';
import { redisKeys } from '#src/store/redisKeys.ts';
import { parseRedisUrl } from '#src/store/redisUrl.ts';
import type { Place } from '#test/store/conformancePlace.ts';

/** How to reach a server by its URL. */
export const accessOf = (url: string, more: Partial<RedisAccess> = {}): RedisAccess => {
  const target = parseRedisUrl(url);
  if (!target.ok) throw new Error(`${url} is no URL of a Redis`);
  return {
    target: target.value,
    username: target.value.username,
    password: target.value.password,
    sentinelPassword: null,
    ca: null,
    timeoutMs: 2_000,
    ...more,
  };
};

let places = 0;

/** Keys that no other test uses. */
export const freshNamespace = (): string => {
  places += 1;
  return `test:${process.pid}:${places}:validator`;
};

/** Writes a stream anew with another text at one number: entries of a stream cannot be changed. */
const CORRUPT_RECORD = `
local entries = redis.call('XRANGE', KEYS[1], '-', '+')
redis.call('DEL', KEYS[1])
for _, entry in ipairs(entries) do
  local fields = entry[2]
  for index = 1, #fields, 2 do
    if entry[1] == ARGV[1] .. '-0' and fields[index] == 'v' then fields[index + 1] = '{torn' end
  end
  redis.call('XADD', KEYS[1], entry[1], unpack(fields))
end`;

/** An empty place in a server for the conformance suite. `cli` reaches the node that has the keys. */
export const redisPlace = (
  access: RedisAccess,
  cli: (...args: readonly string[]) => Promise<string>,
  more: Partial<RedisStoreOptions> = {},
): Place => {
  const namespace = freshNamespace();
  const keys = redisKeys(namespace);
  return {
    open: (options = {}) => RedisStore.open({ access, namespace, ...options, ...more }),
    corrupt: async (what) => {
      if (what.kind === 'record')
        await cli('EVAL', CORRUPT_RECORD, '1', keys.log(what.log), String(what.seq));
      else await cli('HSET', keys.snapshot(what.name), 'text', '{torn');
    },
    makeNewer: async () => void (await cli('HSET', keys.meta, 'schema', '99')),
  };
};
