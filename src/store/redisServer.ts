import type { Redis } from 'ioredis';

import { RedisRefusal } from './redisTrouble.ts';

/** What a server says of itself. Null: it may not be asked, or does not say. */
export type ServerFacts = {
  /** e.g. `Redis 7.0.15` or `Valkey 8.1.0`. */
  readonly product: string;
  readonly isSupported: boolean | null;
  readonly role: string | null;
  readonly isLoading: boolean;
  readonly isCluster: boolean;
  readonly appendOnly: boolean | null;
  readonly evictionPolicy: string | null;
  readonly connectedReplicas: number;
  /** Settings that had to be read by INFO, because CONFIG is not permitted or does not exist. */
  readonly isConfigRefused: boolean;
};

const parseInfo = (text: unknown): ReadonlyMap<string, string> => {
  const fields = new Map<string, string>();
  for (const line of typeof text === 'string' ? text.split('\r\n') : []) {
    const colon = line.indexOf(':');
    if (colon > 0 && !line.startsWith('#')) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
};

/** 6.2 brought what the scripts need: XTRIM MINID, exclusive ranges of streams. All of Valkey has them. */
const supports = (fields: ReadonlyMap<string, string>): boolean | null => {
  if (fields.has('valkey_version')) return true;
  const [major = Number.NaN, minor = Number.NaN] = (fields.get('redis_version') ?? '').split('.').map(Number);
  if (Number.isNaN(major) || Number.isNaN(minor)) return null;
  return major > 6 || (major === 6 && minor >= 2);
};

/** An answer, or null where the user may not ask or the command is disabled; anything else is thrown. */
const unlessRefused = async (answer: Promise<unknown>): Promise<unknown> => {
  try {
    return await answer;
  } catch (cause) {
    const { message, name } = cause instanceof Error ? cause : new Error(String(cause));
    if (name === 'ReplyError' && /^(NOPERM|ERR unknown (sub)?command)/i.test(message)) return null;
    throw cause;
  }
};

const settingOf = (answer: unknown): string | null => {
  const value: unknown = Array.isArray(answer) ? answer[1] : null;
  return typeof value === 'string' ? value : null;
};

/** Asks a server for its version, role and persistence. Changes nothing, ever. */
export const readServerFacts = async (client: Redis): Promise<ServerFacts> => {
  const [info, appendOnly, policy] = await Promise.all([
    unlessRefused(client.call('INFO')),
    unlessRefused(client.call('CONFIG', 'GET', 'appendonly')),
    unlessRefused(client.call('CONFIG', 'GET', 'maxmemory-policy')),
  ]);
  const fields = parseInfo(info);
  const aof = settingOf(appendOnly) ?? { '0': 'no', '1': 'yes' }[fields.get('aof_enabled') ?? ''] ?? null;
  const valkey = fields.get('valkey_version');
  return {
    product: valkey === undefined ? `Redis ${fields.get('redis_version') ?? ''}`.trim() : `Valkey ${valkey}`,
    isSupported: supports(fields),
    role: fields.get('role') ?? null,
    isLoading: (fields.get('loading') ?? '0') !== '0',
    isCluster: fields.get('cluster_enabled') === '1',
    appendOnly: aof === null ? null : aof === 'yes',
    evictionPolicy: settingOf(policy) ?? fields.get('maxmemory_policy') ?? null,
    connectedReplicas: Number(fields.get('connected_slaves') ?? 0),
    isConfigRefused: settingOf(appendOnly) === null || settingOf(policy) === null,
  };
};

const unlessTold = 'or accept the loss with --redis-allow-loss';

/** Why state is not safe on a server, with the setting and what to do; null where it is. */
export const lossProblem = (facts: ServerFacts): string | null => {
  const { appendOnly, evictionPolicy } = facts;
  if (appendOnly === null || evictionPolicy === null)
    return (
      'it does not say whether it keeps what it is told: let the user run INFO (or CONFIG GET), ' +
      `see docs/redis.md, ${unlessTold}`
    );
  if (!appendOnly)
    return (
      'its setting appendonly is no, so that it loses all of our state when it dies: set "appendonly yes" in its ' +
      `configuration (CONFIG SET appendonly yes, then CONFIG REWRITE), ${unlessTold}`
    );
  if (evictionPolicy !== 'noeviction')
    return (
      `its setting maxmemory-policy is ${evictionPolicy}, so that it throws state away when its memory is full: ` +
      `set "maxmemory-policy noeviction" in its configuration, ${unlessTold}`
    );
  return null;
};

/** Throws `RedisRefusal` where a server cannot be used now. */
export const requireUsable = (
  facts: ServerFacts,
  options: { readonly allowLoss: boolean; readonly isClusterTarget: boolean },
): void => {
  const { product, isSupported, role, isLoading, isCluster } = facts;
  if (isLoading) throw new RedisRefusal('loading', 'it reads its data set');
  if (isSupported === false)
    throw new RedisRefusal(
      'misconfigured',
      `${product} is too old: 6.2 is the oldest that works, or any Valkey`,
    );
  if (role !== null && role !== 'master')
    throw new RedisRefusal(
      'readOnly',
      `it is a replica (${role}): give the address of the master, or of sentinels`,
    );
  if (isCluster && !options.isClusterTarget)
    throw new RedisRefusal('misconfigured', 'it is a node of a cluster: write its URL as redis+cluster://…');
  const problem = options.allowLoss ? null : lossProblem(facts);
  if (problem !== null) throw new RedisRefusal('misconfigured', problem);
};

/** How many replicas follow the server now; 0 where it may not be asked. */
export const countReplicas = async (client: Redis): Promise<number> => {
  const info = await unlessRefused(client.call('INFO', 'replication'));
  return Number(parseInfo(info).get('connected_slaves') ?? 0);
};
