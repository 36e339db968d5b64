import * as Schema from 'effect/Schema';

import { parseRedisUrl, redisUrlForms } from '../store/redisUrl.ts';
import { choice, flag, integer, optionalPath, optionalText, type ValuesOf } from './setting.ts';

const RedisUrl = Schema.String.check(Schema.makeFilter((text) => parseRedisUrl(text).ok));
const Host = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9._:-]{1,253}$/));
const Secret = Schema.String.check(Schema.isPattern(/^\S[\S ]{0,511}$/));
const UserName = Schema.String.check(Schema.isPattern(/^\S{1,128}$/));
const Anything = Schema.String.check(Schema.isMaxLength(64));

const group = 'Store';

/** Where a daemon keeps what must outlive it. The names of the second half are those of the original. */
export const storeSettings = {
  store: choice({
    flag: '--store',
    flagAliases: ['--storage'],
    env: 'MIAOAI_STORE',
    envAliases: ['STORAGE_TYPE'],
    group,
    description:
      'Where state is kept: embedded in the data folder, or in a Redis that several machines can reach.',
    words: ['embedded', 'redis'],
    spellings: { sqlite: 'embedded', local: 'embedded', memory: 'embedded' },
    text: 'embedded',
  }),
  redis: optionalText({
    flag: '--redis',
    env: 'MIAOAI_REDIS',
    group,
    description: 'Redis 6.2 or later, or Valkey, to keep state in; implies --store redis.',
    placeholder: '<url>',
    allowed: redisUrlForms,
    schema: RedisUrl,
    note: 'that of --redis-host',
    // It may hold a password.
    secret: true,
  }),
  redisPasswordFile: optionalPath({
    flag: '--redis-password-file',
    env: 'MIAOAI_REDIS_PASSWORD_FILE',
    group,
    description: 'File with the password of Redis and nothing else.',
    note: 'the password of the URL',
  }),
  redisUsername: optionalText({
    flag: '--redis-username',
    env: 'MIAOAI_REDIS_USERNAME',
    group,
    description: 'ACL user of Redis.',
    placeholder: '<name>',
    allowed: 'a name without spaces',
    schema: UserName,
    note: 'the user of the URL',
  }),
  redisSentinelPasswordFile: optionalPath({
    flag: '--redis-sentinel-password-file',
    env: 'MIAOAI_REDIS_SENTINEL_PASSWORD_FILE',
    group,
    description: 'File with the password of the sentinels, where they have one.',
    note: 'none',
  }),
  redisCaFile: optionalPath({
    flag: '--redis-ca-file',
    env: 'MIAOAI_REDIS_CA_FILE',
    group,
    description: 'Certificate authority of a Redis with TLS (rediss://), as PEM.',
    note: 'those that Node.js knows',
  }),
  redisAllowLoss: flag({
    flag: '--redis-allow-loss',
    env: 'MIAOAI_REDIS_ALLOW_LOSS',
    group,
    description: 'Use a Redis that loses state when it dies or when its memory is full.',
    text: 'false',
  }),
  redisHost: optionalText({
    flag: '--redis-host',
    flagAliases: ['--redis_host'],
    env: 'REDIS_HOST',
    group,
    description: 'Host of the Redis, where --store redis is given without a URL.',
    placeholder: '<host>',
    allowed: 'a host name or an address',
    schema: Host,
    note: '127.0.0.1',
  }),
  redisPort: integer({
    flag: '--redis-port',
    flagAliases: ['--redis_port'],
    env: 'REDIS_PORT',
    group,
    description: 'Port of that host.',
    minimum: 1,
    maximum: 65_535,
    text: '6379',
  }),
  redisDb: integer({
    flag: '--redis-db',
    flagAliases: ['--redis_db'],
    env: 'REDIS_DB',
    group,
    description: 'Number of the database on that host.',
    minimum: 0,
    maximum: 65_535,
    text: '0',
  }),
  redisPassword: optionalText({
    flag: '--redis-password',
    flagAliases: ['--redis_password'],
    env: 'REDIS_PASSWORD',
    group,
    description: 'Password of Redis; a file is safer, because every user of the machine sees flags.',
    placeholder: '<password>',
    allowed: 'a text of at most 512 characters',
    schema: Secret,
    note: 'none',
    secret: true,
  }),
  redisTtl: optionalText({
    flag: '--redis-ttl',
    flagAliases: ['--redis_ttl'],
    env: 'REDIS_TTL',
    group,
    description: 'Without effect: state never expires. Accepted because the original had it.',
    placeholder: '<seconds>',
    allowed: 'anything',
    schema: Anything,
    note: 'none',
  }),
} as const;

type StoreValues = ValuesOf<typeof storeSettings>;

/** Rules between settings; each entry says what to change. */
export const storeProblems = (
  values: Pick<StoreValues, 'store' | 'redis' | 'redisPassword' | 'redisPasswordFile'>,
  sources: { readonly [name: string]: string },
): readonly string[] => {
  const problems: string[] = [];
  if (values.redis !== null && values.store === 'embedded' && sources['store'] !== 'default')
    problems.push(
      `--store embedded (from ${sources['store']}) contradicts --redis (from ${sources['redis']}): remove one of them`,
    );
  if (values.redisPassword !== null && values.redisPasswordFile !== null)
    problems.push(
      '--redis-password (REDIS_PASSWORD) and --redis-password-file are both given: remove one of them',
    );
  return problems;
};

/** A URL of a Redis is enough to use it. */
export const resolveStore = (values: Pick<StoreValues, 'store' | 'redis'>): StoreValues['store'] =>
  values.redis === null ? values.store : 'redis';
