import type { Redis, RedisOptions } from 'ioredis';

import { RedisRefusal } from './redisTrouble.ts';
import type { RedisHost, RedisTarget } from './redisUrl.ts';

/** What `RedisTarget` does not hold because it is kept in files, and how long to wait. */
export type RedisAccess = {
  readonly target: RedisTarget;
  readonly username: string | null;
  readonly password: string | null;
  readonly sentinelPassword: string | null;
  /** PEM text of the certificate authority of a server with TLS; null: those of the system. */
  readonly ca: string | null;
  /** One command or connection may take this long; a server that takes longer counts as hanging. */
  readonly timeoutMs: number;
};

type Address = RedisHost | { readonly path: string };
type Login = { readonly username: string | null; readonly password: string | null; readonly db: number };

/** How many bytes of an answer are quoted in a message. */
const QUOTED = 100;

/**
 * One connection that is used as it is and never comes back by itself: no queue, no retries, no reconnecting inside
 * the client, because all of that is decided in one place, `openRedisLink` with the group commit above it.
 */
const connectTo = async (address: Address, login: Login, access: RedisAccess): Promise<Redis> => {
  // Loaded here and not at the top: who keeps everything on the own disk does not pay for a client.
  const { Redis } = await import('ioredis');
  const { target, timeoutMs, ca } = access;
  const options = {
    ...address,
    ...(login.username === null ? {} : { username: login.username }),
    ...(login.password === null ? {} : { password: login.password }),
    ...(target.isTls ? { tls: ca === null ? {} : { ca } } : {}),
    db: login.db,
    protocol: 2,
    lazyConnect: true,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    disconnectTimeout: 200,
    connectionName: 'miaoai',
    disableClientInfo: true,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    autoResendUnfulfilledCommands: false,
    retryStrategy: null,
  } satisfies RedisOptions;
  const client = new Redis(options);
  let failure: Error | null = null;
  // Reasons come as events; the promise only says that the connection is closed.
  client.on('error', (error: Error) => {
    failure ??= error;
  });
  try {
    await client.connect();
  } catch (cause) {
    client.disconnect();
    throw failure ?? cause;
  }
  // A database that does not exist is only reported, and the connection goes on with number 0.
  if (failure !== null) {
    client.disconnect();
    throw failure;
  }
  return client;
};

/** Asks each host in turn until one answers with something; throws the last reason. */
const askInTurn = async <A>(
  hosts: readonly RedisHost[],
  ask: (host: RedisHost) => Promise<A | null>,
  nobodyKnows: string,
): Promise<A> => {
  let reason: unknown = null;
  for (const host of hosts) {
    try {
      const answer = await ask(host);
      if (answer !== null) return answer;
    } catch (cause) {
      reason = cause;
    }
  }
  throw reason ?? new RedisRefusal('unreachable', nobodyKnows);
};

const parseAddress = (answer: unknown, asked: RedisHost): RedisHost | null => {
  if (!Array.isArray(answer)) return null;
  const [host, port]: readonly unknown[] = answer;
  const number = Number(port);
  if (!Number.isInteger(number) || number < 1 || number > 65_535) return null;
  // A node that does not know its own address leaves it out: it is the one that was asked (CLUSTER SLOTS).
  return { host: typeof host === 'string' && host !== '' && host !== '?' ? host : asked.host, port: number };
};

const serverLogin = ({ username, password, target }: RedisAccess): Login => ({
  username,
  password,
  db: target.db,
});

/** Where the sentinels say that the master is. */
const masterBySentinel = (hosts: readonly RedisHost[], access: RedisAccess): Promise<RedisHost> => {
  const { masterName } = access.target;
  const login: Login = { username: null, password: access.sentinelPassword, db: 0 };
  const ask = async (host: RedisHost) => {
    const sentinel = await connectTo(host, login, access);
    try {
      return parseAddress(await sentinel.call('SENTINEL', 'get-master-addr-by-name', masterName ?? ''), host);
    } finally {
      sentinel.disconnect();
    }
  };
  return askInTurn(hosts, ask, `no sentinel knows a group of servers named ${masterName}: correct the URL`);
};

const ownerOfSlot = (ranges: unknown, slot: number, asked: RedisHost): RedisHost | null => {
  if (!Array.isArray(ranges)) return null;
  for (const range of ranges as readonly unknown[]) {
    if (!Array.isArray(range)) continue;
    const [from, to, master]: readonly unknown[] = range;
    if (Number(from) <= slot && slot <= Number(to)) return parseAddress(master, asked);
  }
  return null;
};

/** The node that holds all keys of an identity; they are one slot, so that one connection is enough. */
const masterByCluster = (
  hosts: readonly RedisHost[],
  anyKey: string,
  access: RedisAccess,
): Promise<RedisHost> => {
  const ask = async (host: RedisHost) => {
    const node = await connectTo(host, serverLogin(access), access);
    try {
      const slot = Number(await node.call('CLUSTER', 'KEYSLOT', anyKey));
      return ownerOfSlot(await node.call('CLUSTER', 'SLOTS'), slot, host);
    } finally {
      node.disconnect();
    }
  };
  return askInTurn(hosts, ask, 'no node of the cluster holds our keys: it is not complete');
};

/**
 * Connects to the server that may be written to. `turn` grows with each attempt, so that another sentinel or node is
 * asked first: the one before may be cut off and still believe in an old master.
 */
export const connectToMaster = async (
  access: RedisAccess,
  options: { readonly anyKey: string; readonly turn: number },
): Promise<Redis> => {
  const { kind, hosts, path } = access.target;
  const shift = hosts.length === 0 ? 0 : options.turn % hosts.length;
  const inTurn = [...hosts.slice(shift), ...hosts.slice(0, shift)];
  const [first] = inTurn;
  const login = serverLogin(access);
  if (kind === 'socket') return connectTo({ path: path ?? '' }, login, access);
  if (kind === 'sentinel') return connectTo(await masterBySentinel(inTurn, access), login, access);
  if (kind === 'cluster')
    return connectTo(await masterByCluster(inTurn, options.anyKey, access), login, access);
  if (first === undefined) throw new RedisRefusal('unreachable', 'the URL names no host');
  return connectTo(first, login, access);
};

/** An unexpected answer, shortened for a message. */
export const quoted = (answer: unknown): string => (JSON.stringify(answer) ?? 'nothing').slice(0, QUOTED);
